"""Keeps what a search reads a moment behind the chats, so that no message waits for it.

That is SQLite's index of messages and, on both databases, the list of words [storage.vocabulary]. PostgreSQL
keeps its index with each write, in processes of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Mapping

import structlog

from chatdesk.errors import StorageError
from storage.database import Database
from storage.orm import faults
from storage.vocabulary import MESSAGES, SOURCES, TICKETS, unlisted, upto
from storage.word_listing import list_on_postgres, list_on_sqlite, list_reworded_on_postgres

log = structlog.get_logger(__name__)

CHUNK = 1_000
"""Messages indexed before somebody searches; rows whose words PostgreSQL lists in one transaction."""
LITTLE = 30
"""Messages indexed in one transaction beside the chats: 0.4 to 0.8 ms in which no batch is written."""
PAUSE, SHARE = 2.0, 0.05
"""Seconds between two looks for new messages; the share of its time that the indexing of many may take."""
SETTLED = 60.0
"""Seconds after which a transaction that was given a key has ended, one way or the other (PostgreSQL)."""
_INDEXED = "(SELECT COALESCE(MAX(id), 0) FROM message_words_docsize)"
_INDEX = (
    "INSERT INTO message_words(rowid, text) SELECT row, text FROM message "
    f"WHERE row > {_INDEXED} ORDER BY row LIMIT ?"
)
_BEHIND = (
    f"SELECT COALESCE(MAX(row), 0) - min({_INDEXED}, {upto(MESSAGES)}) AS messages, "
    f"{unlisted(TICKETS, 1)} OR EXISTS (SELECT 1 FROM reworded) AS others FROM message"
)
_NEWEST = "SELECT " + ", ".join(
    f"(SELECT COALESCE(MAX({source.key}), 0) FROM {source.table}) AS {source.table}" for source in SOURCES
)


async def index_texts(database: Database, chunk: int = CHUNK) -> int:
    """Index up to ``chunk`` messages of a SQLite desk that are not yet, and list the words of as many texts.

    Returns about how many are still behind.
    """
    (found,) = await database.select(_BEHIND)
    writer, more = database.sqlite_writer, False
    if writer is not None and (found["messages"] > 0 or found["others"]):
        try:
            more = await writer.visit(_index, chunk)
        except (sqlite3.Error, ValueError) as error:
            raise StorageError(str(error)) from error
    return max(int(more), int(found["messages"]) - chunk)


def _index(database: sqlite3.Connection, chunk: int) -> bool:
    """Index in a transaction; tell whether there may be more tickets or changed texts."""
    database.execute("BEGIN IMMEDIATE")
    try:
        database.execute(_INDEX, [chunk])
        more = list_on_sqlite(database, chunk)
        database.commit()
    finally:
        if database.in_transaction:
            database.rollback()
    return more


class Settled:
    """The keys below which no other will appear on PostgreSQL: the newest of a minute ago."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Mapping[str, int]]] = deque()

    def see(self, at: float, newest: Mapping[str, int]) -> Mapping[str, int]:
        """Tell the newest key of each table at a moment (seconds), and return those that are settled."""
        self._seen.append((at, newest))
        while len(self._seen) > 1 and self._seen[1][0] <= at - SETTLED:
            _ = self._seen.popleft()
        then, keys = self._seen[0]
        return keys if then <= at - SETTLED else dict.fromkeys(newest, 0)


async def list_words(database: Database, settled: Mapping[str, int], chunk: int = CHUNK) -> bool:
    """List the words of some texts on PostgreSQL; tell whether there may be more.

    ``settled`` is by table a key below which no other will appear.
    """
    more = False
    for source in SOURCES:
        await list_reworded_on_postgres(database.writer, source)
        more |= await list_on_postgres(database.writer, source, settled[source.table], chunk)
    return more


class SearchIndexer:
    """Indexes what is new now and then; ``run`` has to be running on a process of the desk, or on several."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = asyncio.Event()
        self._settled = Settled()

    def stop(self) -> None:
        """Let ``run`` end."""
        self._stop.set()

    async def run(self) -> None:
        """Index until ``stop``."""
        clock = asyncio.get_running_loop().time
        step = self._on_sqlite if self._database.dialect == "sqlite" else self._on_postgres
        while not self._stop.is_set():
            began = clock()
            try:
                more = await step(began)
            except (StorageError, faults.BaseORMException) as error:
                log.warning("texts_not_indexed", error=str(error))
                more = False
            rest = (clock() - began) * (1 / SHARE - 1)
            try:
                await asyncio.wait_for(self._stop.wait(), rest if more else PAUSE)
            except TimeoutError:
                continue

    async def _on_sqlite(self, _: float) -> bool:
        return await index_texts(self._database, LITTLE) > 0

    async def _on_postgres(self, at: float) -> bool:
        (newest,) = await self._database.writer.execute_query_dict(_NEWEST)
        return await list_words(self._database, self._settled.see(at, newest))
