"""Keeps SQLite's index of messages: a moment behind the chats, so that no message waits for it.

PostgreSQL keeps its index with each write, in processes of its own.
"""

from __future__ import annotations

import asyncio

import structlog

from chatdesk.errors import StorageError
from storage.database import Database

log = structlog.get_logger(__name__)

CHUNK = 1_000
"""Messages indexed before somebody searches."""
LITTLE = 30
"""Messages indexed in one transaction beside the chats: half a millisecond in which no batch is written."""
PAUSE, SHARE = 2.0, 0.05
"""Seconds between two looks for new messages; the share of its time that the indexing of many may take."""
_BEHIND = (
    "SELECT (SELECT COALESCE(MAX(row), 0) FROM message) - "
    "(SELECT COALESCE(MAX(id), 0) FROM message_words_docsize) AS behind"
)
_INDEX = (
    "INSERT INTO message_words(rowid, text) SELECT row, text FROM message "
    "WHERE row > (SELECT COALESCE(MAX(id), 0) FROM message_words_docsize) ORDER BY row LIMIT ?"
)


async def index_messages(database: Database, chunk: int = CHUNK) -> int:
    """Index up to ``chunk`` messages that are not yet; return about how many are still behind."""
    found = await database.reader.execute_query_dict(_BEHIND)
    behind = int(found[0]["behind"])
    if behind > 0:
        async with database.transaction() as connection:
            await connection.execute_query(_INDEX, [chunk])
    return max(0, behind - chunk)


class MessageIndexer:
    """Indexes what is new now and then; ``run`` has to be running on one process of a SQLite desk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Let ``run`` end."""
        self._stop.set()

    async def run(self) -> None:
        """Index until ``stop``."""
        clock = asyncio.get_running_loop().time
        while not self._stop.is_set():
            began = clock()
            try:
                behind = await index_messages(self._database, LITTLE)
            except StorageError as error:
                log.warning("messages_not_indexed", error=str(error))
                behind = 0
            rest = (clock() - began) * (1 / SHARE - 1)
            try:
                await asyncio.wait_for(self._stop.wait(), rest if behind else PAUSE)
            except TimeoutError:
                continue
