"""Tortoise's SQLite client, repaired: transactions begin immediately and survive cancellation.

The library's own begins deferred, so that a second process makes a read that turns into a write fail at
once, and a task cancelled while it enters or leaves a transaction leaves the connection locked for ever.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from typing import Any, TypeVar

from tortoise.backends.base.client import (
    NestedTransactionContext,
    TransactionalDBClient,
    TransactionContext,
)
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError

Result = TypeVar("Result")


async def uninterrupted(work: Coroutine[Any, Any, Result]) -> Result:
    """Await ``work`` to its end even if the caller is cancelled meanwhile; that is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # Seen here, so that it is not reported as never retrieved.
        raise cancelled
    return task.result()


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
            await self.connection._connection.execute("BEGIN IMMEDIATE")
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


class ScriptedTransactionWrapper(SqliteTransactionWrapper):
    """A transaction in which a script runs statement by statement: the driver's own would commit first."""

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


class ImmediateSqliteClient(SqliteClient):
    """SQLite with write-ahead log, synchronous=FULL and foreign keys; see the module's text."""

    def _in_transaction(self) -> TransactionContext:
        return ImmediateTransaction(ScriptedTransactionWrapper(self), self._lock)


client_class = ImmediateSqliteClient
"""The name by which Tortoise finds the client of an engine."""
