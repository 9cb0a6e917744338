"""Keeps what a search reads a moment behind the chats, so that no message waits for it.

That is the index of messages, on SQLite that of tickets too, and the list of words [storage.vocabulary]. What
of them is missing SQLite does before it searches; on PostgreSQL, where others write meanwhile, the newest
messages are read themselves and tickets are indexed with the write.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection, Mapping
from typing import NamedTuple

import structlog

from chatdesk.errors import StorageError
from chatdesk.pauses import happens_within
from storage.database import Database
from storage.orm import faults
from storage.vocabulary import MESSAGES, SOURCES, TICKETS, unlisted, upto
from storage.word_listing import list_on_postgres, list_on_sqlite, list_reworded_on_postgres

log = structlog.get_logger(__name__)

CHUNK = 1_000
"""Messages indexed in one transaction when nobody else writes, or somebody waits for it."""
PAUSE = 2.0
"""Seconds between two looks for new messages."""


class Pace(NamedTuple):
    """How fast is indexed beside the chats: so many rows in one transaction, at most this share of its time,
    and so many seconds between two steps at least.
    """

    rows: int
    share: float
    rest: float


PACES = {"sqlite": Pace(rows=10, share=0.05, rest=0.0), "postgres": Pace(rows=60, share=0.1, rest=0.02)}
"""On SQLite no batch is written for half a millisecond; on PostgreSQL batches share its processors with a
step of some milliseconds, half of which however few rows take.
"""
_INDEXED = "(SELECT COALESCE(MAX(id), 0) FROM {table}_words_docsize)"
_COLUMNS = {
    MESSAGES: "text",
    TICKETS: "subject, requester_name, requester_email, company, answers",
}
_INDEX = {
    source: f"INSERT INTO {source.table}_words(rowid, {columns}) SELECT {source.key}, {columns} "
    f"FROM {source.table} WHERE {source.key} > {_INDEXED.format(table=source.table)} "
    f"ORDER BY {source.key} LIMIT ?"
    for source, columns in _COLUMNS.items()
}
"""What indexes the rows with the next higher keys: both tables' keys rise from commit to commit (SQLite)."""
_BEHIND = (
    f"SELECT COALESCE(MAX(row), 0) - min({_INDEXED.format(table='message')}, {upto(MESSAGES)}) AS messages, "
    f"{unlisted(TICKETS, 1)} OR EXISTS (SELECT 1 FROM reworded) OR EXISTS "
    f"(SELECT 1 FROM ticket WHERE number > {_INDEXED.format(table='ticket')}) AS others FROM message"
)
_WRITERS = """
    ARRAY(SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'
        AND relation = '{table}'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"""
_NEWEST = " UNION ALL ".join(
    f"SELECT '{source.table}' AS name, COALESCE(MAX({source.key}), 0) AS newest, "
    f"{_WRITERS.format(table=source.table)} AS writers, {upto(source)} AS listed, "
    f"EXISTS (SELECT 1 FROM reworded WHERE source = {source.number}) AS reworded FROM {source.table}"
    for source in SOURCES
)
"""Each table's newest key, and then the transactions that may have been given lower ones; up to which key
its words are listed, and whether those of changed texts have still to be (PostgreSQL).
"""
_ALL = {source.table: 2**62 for source in SOURCES}


async def index_texts(database: Database, chunk: int = CHUNK) -> int:
    """Index up to ``chunk`` messages, and tickets, of a SQLite desk that are not yet, and list their words.

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
        indexed = {source: database.execute(query, [chunk]).rowcount for source, query in _INDEX.items()}
        more = list_on_sqlite(database, chunk) or indexed[TICKETS] == chunk
        database.commit()
    finally:
        if database.in_transaction:
            database.rollback()
    return more


async def index_all(database: Database, chunk: int = CHUNK) -> None:
    """Index all there is, in a database that nobody else writes to."""
    if database.dialect == "sqlite":
        while await index_texts(database, chunk):
            continue
    else:
        while await list_words(database, _ALL, chunk):
            continue


class Settled:
    """The key up to which no other will appear in a table on PostgreSQL.

    A key is given before the commit, to a transaction that holds a lock on the table until it has ended. So
    all keys up to one that was seen are there, or never will be, once those that held a lock then have ended.
    """

    def __init__(self) -> None:
        self._settled = self._newest = 0
        self._writers: Collection[str] = ()

    def see(self, newest: int, writers: Collection[str]) -> int:
        """Tell the newest key, and who held a lock just after; return the key that is settled."""
        if not set(self._writers).intersection(writers):
            self._settled = self._newest if writers else newest
            self._newest, self._writers = newest, writers
        return self._settled


async def list_words(database: Database, settled: Mapping[str, int], chunk: int = CHUNK) -> bool:
    """List the words of some texts on PostgreSQL, and index the messages; tell whether there may be more.

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
        self._settled = _nothing_seen()

    def stop(self) -> None:
        """Let ``run`` end."""
        self._stop.set()

    async def run(self) -> None:
        """Index until ``stop``."""
        clock = asyncio.get_running_loop().time
        _, share, least = PACES[self._database.dialect]
        while not self._stop.is_set():
            began = clock()
            try:
                more = await self.step()
            except (StorageError, faults.BaseORMException) as error:
                log.warning("texts_not_indexed", error=str(error))
                # After a fail-over the server may know less than was seen.
                self._settled = _nothing_seen()
                more = False
            rest = max((clock() - began) * (1 / share - 1), least)
            _ = await happens_within(self._stop, rest if more else PAUSE)

    async def step(self) -> bool:
        """Index some of what is new; tell whether there is more, or will be once its writers have ended."""
        rows = PACES[self._database.dialect].rows
        if self._database.dialect == "sqlite":
            return await index_texts(self._database, rows) > 0
        writer, more = self._database.writer, False
        found = {row["name"]: row for row in await writer.execute_query_dict(_NEWEST)}
        for source in SOURCES:
            row = found[source.table]
            newest = row["newest"]
            settled = self._settled[source.table].see(newest, row["writers"])
            if row["reworded"]:
                await list_reworded_on_postgres(writer, source)
            if row["listed"] < settled:
                more |= await list_on_postgres(writer, source, settled, rows)
            more |= settled != newest
        return more


def _nothing_seen() -> dict[str, Settled]:
    return {source.table: Settled() for source in SOURCES}
