"""A connection to SQLite and its transactions, for plain statements: no ORM is needed for it.

Transactions begin immediately, so that a second process waits instead of failing, and survive cancellation.
The ORM's clients use the same connections [storage/sqlite_client.py].
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from storage.bulk import Statement, parts
from storage.uninterrupted import Uninterrupted, uninterrupted

Argument = TypeVar("Argument")
Result = TypeVar("Result")

PRAGMAS: Mapping[str, str | int] = {
    "busy_timeout": 10_000,
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    # What SQLite notes for one statement is no file.
    "temp_store": "MEMORY",
    # 16 MB: the pages that many batches touch stay at hand.
    "cache_size": -16_000,
    # The log is written over instead of cut off and grown again, which a file system notes with each commit.
    "journal_size_limit": 32_000_000,
}


class Dialect:
    """Says which database a connection speaks to, where the ORM's clients say it too."""

    dialect = "sqlite"


class SqliteConnection:
    """A connection on which one works at a time: in a visit to its thread, or in a transaction."""

    capabilities = Dialect()

    def __init__(self, file: Path) -> None:
        self._file = file
        self.lock = asyncio.Lock()
        self.database: aiosqlite.Connection | None = None

    async def open(self) -> None:
        """Connect. Raises sqlite3.Error when the file is no database or cannot be opened."""
        self.database = await aiosqlite.connect(self._file, isolation_level=None)
        await self.visit(_prepare, None)

    async def close(self) -> None:
        """Close; nothing happens when it is closed."""
        database, self.database = self.database, None
        if database is not None:
            await database.close()

    async def visit(
        self, work: Callable[[sqlite3.Connection, Argument], Result], argument: Argument
    ) -> Result:
        """Do ``work`` in the connection's thread, between transactions. Raises what it raises.

        Raises ValueError when the database is closed.
        """
        async with self.lock:
            database = self.database
            if database is None:
                raise ValueError("The database is closed.")
            return await _queued(database, work, argument)

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, Sequence[Any]]:
        """Execute a statement; return how many rows it changed, or found, and those it returned."""
        return await self.visit(_execute, (query, values or []))

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a statement, by column name."""
        return list(map(dict, (await self.execute_query(query, values))[1]))

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """Execute a statement with each of these values, as one transaction."""
        async with self.transaction() as transaction:
            await transaction.execute_many(query, values)

    async def execute_at_once(self, statements: Sequence[Statement], data_version: int) -> bool:
        """Execute all as one transaction in one visit to the connection's thread.

        False, and nothing has changed, when another connection has written since ``data_version`` or a
        statement would change another number of rows than it has to. Raises sqlite3.Error.
        """
        try:
            return await self.visit(_at_once, (statements, data_version))
        except UnicodeError:
            # A value that no database could take: the record is at fault, not the database.
            raise
        except ValueError as error:
            raise sqlite3.OperationalError(str(error)) from error

    async def copy_log(self) -> None:
        """Copy the write-ahead log into the database, as far as no reader needs what is there."""
        if self.database is not None:
            await self.visit(_copy_log, None)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteTransaction]:
        """Hold the write lock; what was written is committed at the end, undone when the block raises.

        Raises sqlite3.Error.
        """
        async with self.lock:
            if self.database is None:
                raise sqlite3.OperationalError("The database is closed.")
            database, done = self.database, False
            try:
                begin = database._execute(begin_immediately, database._conn)  # type: ignore[no-untyped-call]
                yield SqliteTransaction(database, await uninterrupted(begin))
                done = True
            finally:
                await uninterrupted(end(database, commit=done))


class SqliteTransaction:
    """The connection of an open transaction."""

    capabilities = Dialect()

    def __init__(self, database: aiosqlite.Connection, data_version: int) -> None:
        self._database = database
        self.data_version = data_version
        """Another number than in the transaction before if another connection wrote in between."""

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, Sequence[Any]]:
        """Execute a statement; return how many rows it changed, or found, and those it returned."""
        return await self._visit(_execute, (query, values or []))

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a statement, by column name."""
        return list(map(dict, (await self.execute_query(query, values))[1]))

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """Execute a statement with each of these values."""
        await self._visit(_execute_many, (query, values))

    async def execute_in_turn(self, statements: Sequence[Statement]) -> Statement | None:
        """Execute all in one visit to the connection's thread, where each visit waits for its turn.

        Stops at a statement that changes another number of rows than it has to, and returns it.
        """
        return await self._visit(in_turn, statements)

    async def _visit(
        self, work: Callable[[sqlite3.Connection, Argument], Result], argument: Argument
    ) -> Result:
        database = self._database
        visit = database._execute(work, database._conn, argument)  # type: ignore[no-untyped-call]
        result: Result = await visit
        return result


def _queued(
    database: aiosqlite.Connection, work: Callable[[sqlite3.Connection, Argument], Result], argument: Argument
) -> Uninterrupted[Result]:
    """Have ``work`` done in the connection's thread. Raises ValueError when the database is closed."""
    future: Uninterrupted[Result] = Uninterrupted(loop=asyncio.get_running_loop())
    # As the library's own coroutine does it, which would take a task of its own not to be interrupted.
    database._tx.put_nowait((future, partial(work, database._conn, argument)))
    return future


def begin_immediately(database: sqlite3.Connection) -> int:
    """Take the write lock, and return a number that is another one when another connection has written."""
    database.execute("BEGIN IMMEDIATE")
    found: int = database.execute("PRAGMA data_version").fetchone()[0]
    return found


async def end(database: aiosqlite.Connection, *, commit: bool) -> None:
    """End the transaction, if one is open. Raises sqlite3.Error when the commit fails; it is undone then."""
    if not database.in_transaction:
        return
    try:
        if commit:
            await database.commit()
    finally:
        # A commit that failed (disk full) leaves the transaction open.
        if database.in_transaction:
            await database.rollback()


def in_turn(database: sqlite3.Connection, statements: Sequence[Statement]) -> Statement | None:
    """Execute statements up to one that changes another number of rows than it has to; return that one."""
    for statement in statements:
        changed = sum(database.execute(query, values).rowcount for query, values in parts(statement))
        if statement.changes is not None and changed != statement.changes:
            return statement
    return None


def statements_of(script: str) -> list[str]:
    """Return the statements of a script; a trigger is one of them."""
    found, statement = [], ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            if statement.strip(" \n\t;"):
                found.append(statement)
            statement = ""
    return found


def _prepare(database: sqlite3.Connection, _: None) -> None:
    database.row_factory = sqlite3.Row
    for pragma, value in PRAGMAS.items():
        database.execute(f"PRAGMA {pragma}={value}")


def _at_once(database: sqlite3.Connection, work: tuple[Sequence[Statement], int]) -> bool:
    statements, data_version = work
    present = begin_immediately(database)
    try:
        done = present == data_version and in_turn(database, statements) is None
        if done:
            database.commit()
        return done
    finally:
        # Also after a commit that failed, as on a full disk: it leaves the transaction open.
        if database.in_transaction:
            database.rollback()


def _copy_log(database: sqlite3.Connection, _: None) -> None:
    database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _execute(database: sqlite3.Connection, work: tuple[str, list[Any]]) -> tuple[int, list[Any]]:
    before = database.total_changes
    found = database.execute(*work).fetchall()
    return (database.total_changes - before) or len(found), found


def _execute_many(database: sqlite3.Connection, work: tuple[str, list[list[Any]]]) -> None:
    database.executemany(*work)
