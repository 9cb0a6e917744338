"""Tortoise's SQLite client, repaired: transactions begin immediately and survive cancellation.

The library's own begins deferred, so that a second process makes a read that turns into a write fail at
once, and a task cancelled while it enters or leaves a transaction leaves the connection locked for ever.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

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

from storage.bulk import Statement
from storage.sqlite_connection import SqliteConnection, begin_immediately, end, in_turn, statements_of
from storage.uninterrupted import uninterrupted


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
            await database._execute(begin_immediately, database._conn)
        except sqlite3.Error as error:
            raise OperationalError(error) from error

    async def _leave(self, *, commit: bool) -> None:
        try:
            await uninterrupted(self._end(commit=commit))
        finally:
            self._trxlock.release()

    async def _end(self, *, commit: bool) -> None:
        database = self.connection._connection
        if database is None:
            return
        try:
            await end(database, commit=commit)
        except sqlite3.Error as error:
            raise OperationalError(error) from error


class ScriptedTransactionWrapper(SqliteTransactionWrapper):
    """A transaction in which a script runs statement by statement: the driver's own would commit first."""

    @translate_exceptions
    async def execute_in_turn(self, statements: Sequence[Statement]) -> Statement | None:
        """Execute all in one visit to the connection's thread [SqliteTransaction.execute_in_turn]."""
        async with self.acquire_connection() as connection:
            unmet: Statement | None = await connection._execute(in_turn, connection._conn, statements)
        return unmet

    async def execute_script(self, query: str) -> None:
        for statement in statements_of(query):
            await self.execute_query(statement)

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(ScriptedTransactionWrapper(self))


class ImmediateSqliteClient(SqliteClient):
    """SQLite with write-ahead log, synchronous=FULL and foreign keys; see the module's text."""

    _shared = False

    def use(self, connection: SqliteConnection) -> None:
        """Work on a connection that is open, by turns with who else uses it; whoever opened it closes it."""
        self._connection, self._lock, self._shared = connection.database, connection.lock, True

    async def close(self) -> None:
        if self._shared:
            self._connection = None
        else:
            await super().close()

    def _in_transaction(self) -> TransactionContext:
        return ImmediateTransaction(ScriptedTransactionWrapper(self), self._lock)


client_class = ImmediateSqliteClient
"""The name by which Tortoise finds the client of an engine."""
