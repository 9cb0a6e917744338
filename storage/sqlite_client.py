"""Tortoise's SQLite client, repaired: transactions begin immediately and survive cancellation.

The library's own begins deferred, so that a second process makes a read that turns into a write fail at
once, and a task cancelled while it enters or leaves a transaction leaves the connection locked for ever.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tortoise.backends.base.client import (
    NestedTransactionContext,
    TransactionalDBClient,
    TransactionContext,
)
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
    translate_exceptions,
)
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError

from storage.bulk import Statement, parts
from storage.uninterrupted import uninterrupted

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class ImmediateTransaction(SqliteTransactionContext):
    """A transaction that holds the write lock from its first statement on."""

    __slots__ = ()

    async def __aenter__(self) -> TransactionalDBClient:
        await self._trxlock.acquire()
        try:
            await uninterrupted(self._begin())
        except BaseException:
            await self._leave(commit=False)
            raise
        self.token = get_connections().set(self.connection_name, self.connection)
        return self.connection  # type: ignore[no-any-return]

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        try:
            get_connections().reset(self.token)
        finally:
            await self._leave(commit=exc_type is None)

    async def _begin(self) -> None:
        try:
            await self.ensure_connection()
            database = self.connection._connection
            self.connection.data_version = await database._execute(_begin_immediately, database._conn)
        except sqlite3.Error as error:
            raise OperationalError(error) from error

    async def _leave(self, *, commit: bool) -> None:
        try:
            await uninterrupted(self._end(commit=commit))
        finally:
            self._trxlock.release()

    async def _end(self, *, commit: bool) -> None:
        database = self.connection._connection
        if database is None or not database.in_transaction:
            return
        try:
            if commit:
                await database.commit()
        except sqlite3.Error as error:
            raise OperationalError(error) from error
        finally:
            # A commit that failed (disk full) leaves the transaction open.
            if database.in_transaction:
                await database.rollback()


def _begin_immediately(database: sqlite3.Connection) -> int:
    """Take the write lock, and return a number that is another one when another connection has written."""
    database.execute("BEGIN IMMEDIATE")
    found: int = database.execute("PRAGMA data_version").fetchone()[0]
    return found


class ScriptedTransactionWrapper(SqliteTransactionWrapper):
    """A transaction in which a script runs statement by statement: the driver's own would commit first."""

    data_version = -1
    """Another number than in this connection's transaction before if another connection wrote in between."""

    @translate_exceptions
    async def execute_in_turn(self, statements: Sequence[Statement]) -> Statement | None:
        """Execute all in one visit to the connection's thread, where each visit waits for its turn.

        Stops at a statement that changes another number of rows than it has to, and returns it.
        """
        async with self.acquire_connection() as connection:
            unmet: Statement | None = await connection._execute(_in_turn, connection._conn, statements)
        return unmet

    async def execute_script(self, query: str) -> None:
        statement = ""
        for piece in query.split(";"):
            statement += piece + ";"
            if sqlite3.complete_statement(statement):
                if statement.strip(" \n\t;"):
                    await self.execute_query(statement)
                statement = ""

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(ScriptedTransactionWrapper(self))


def _in_turn(database: sqlite3.Connection, statements: Sequence[Statement]) -> Statement | None:
    for statement in statements:
        changed = sum(database.execute(query, values).rowcount for query, values in parts(statement))
        if statement.changes is not None and changed != statement.changes:
            return statement
    return None


def _at_once(database: sqlite3.Connection, statements: Sequence[Statement], data_version: int) -> bool:
    present = _begin_immediately(database)
    try:
        done = present == data_version and _in_turn(database, statements) is None
        if done:
            database.commit()
        return done
    finally:
        # Also after a commit that failed, as on a full disk: it leaves the transaction open.
        if database.in_transaction:
            database.rollback()


class ImmediateSqliteClient(SqliteClient):
    """SQLite with write-ahead log, synchronous=FULL and foreign keys; see the module's text."""

    @translate_exceptions
    async def execute_at_once(self, statements: Sequence[Statement], data_version: int) -> bool:
        """Execute all as one transaction in one visit to the connection's thread.

        False, and nothing has changed, when another connection has written since ``data_version`` or a
        statement would change another number of rows than it has to.
        """
        async with self._lock:
            database = self._connection
            if database is None:
                raise sqlite3.OperationalError("The database is closed.")
            work = database._execute(  # type: ignore[no-untyped-call]
                _at_once, database._conn, statements, data_version
            )
            done: bool = await uninterrupted(work)
        return done

    async def copy_log(self) -> None:
        """Copy the write-ahead log into the database, as far as no reader needs what is there."""
        async with self._lock:
            if self._connection is not None:
                await uninterrupted(self._connection.execute_fetchall("PRAGMA wal_checkpoint(PASSIVE)"))

    async def visit(
        self, work: Callable[[sqlite3.Connection, Argument], Result], argument: Argument
    ) -> Result:
        """Do ``work`` in the connection's thread, between transactions. Raises what it raises.

        Raises ValueError when the database is closed.
        """
        async with self._lock:
            database = self._connection
            if database is None:
                raise ValueError("The database is closed.")
            visit = database._execute(work, database._conn, argument)  # type: ignore[no-untyped-call]
            result: Result = await uninterrupted(visit)
        return result

    def _in_transaction(self) -> TransactionContext:
        return ImmediateTransaction(ScriptedTransactionWrapper(self), self._lock)


client_class = ImmediateSqliteClient
"""The name by which Tortoise finds the client of an engine."""
