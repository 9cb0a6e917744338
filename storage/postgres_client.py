"""Tortoise's PostgreSQL client, repaired: transactions survive cancellation, and a lost server is told apart.

The library's own keeps a connection for ever when a task is cancelled while it enters a transaction, and
lets the driver's errors through when the server goes away [storage/postgres_errors.py].
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import (
    NestedTransactionContext,
    PoolConnectionWrapper,
    TransactionContext,
    TransactionContextPooled,
)
from tortoise.connection import get_connections

from chatdesk.errors import DatabaseUnavailable
from storage.kept_connection import KeptConnection, give_back
from storage.postgres_errors import connected, translated
from storage.uninterrupted import uninterrupted

ACQUIRE_TIMEOUT = 10.0
"""Seconds to wait for a free connection, or for a new one to be made."""
COMMAND_TIMEOUT, SCRIPT_TIMEOUT = 60.0, 3600.0
"""Seconds after which a statement, or a migration, counts as lost with its connection."""
_SETTINGS = {
    "application_name": "chatdesk",
    "timezone": "UTC",
    # A node that hangs in a transaction must not hold the others' rows for ever.
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "8s",
}


async def _reset(connection: asyncpg.Connection) -> None:
    """Make a connection that is given back fit for the next, which it is but for an open transaction.

    Nothing here changes a session's settings, listens or holds session locks on a pool's connection, and to
    reset those each time is one more round trip for every statement.
    """
    if connection.is_in_transaction():
        await connection.reset()


class _Acquired(PoolConnectionWrapper[asyncpg.Connection]):
    """A connection of the pool for one statement, which may have to be made first."""

    __slots__ = ()

    async def __aenter__(self) -> asyncpg.Connection:
        return await connected(super().__aenter__)

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        await give_back(self.client._pool, self.connection)


class PostgresTransaction(TransactionContextPooled):
    """A transaction whose connection always goes back to the pool."""

    __slots__ = ()
    client: PostgresTransactionWrapper

    async def __aenter__(self) -> PostgresTransactionWrapper:
        await connected(self._acquire)
        try:
            await uninterrupted(translated(self.client.begin))
        except BaseException as error:
            await self._leave(error)
            raise
        self.token = get_connections().set(self.connection_name, self.client)
        return self.client

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        get_connections().reset(self.token)
        if exc_type is None:
            await uninterrupted(translated(self._commit))
        else:
            await self._leave(exc_val)

    async def _leave(self, error: BaseException) -> None:
        """Undo what was begun. Of a lost server every connection is made anew before it is used again."""
        if not isinstance(error, DatabaseUnavailable):
            await uninterrupted(self._undo())
            return
        # Another server may take the writes now, and nobody may answer on this connection any more.
        self._drop()
        await uninterrupted(self._release())
        if isinstance(self.client._parent, PostgresClient):
            await self.client._parent.renew()

    async def _acquire(self) -> None:
        await self.ensure_connection()
        pool = self.client._parent._pool
        if pool is None:
            raise asyncpg.InterfaceError("the pool is closed")
        self.client._connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT)

    async def _commit(self) -> None:
        try:
            await self.client.commit()
        except BaseException:
            self._drop()
            raise
        finally:
            await self._release()

    async def _undo(self) -> None:
        try:
            if self.client.transaction is not None:
                await self.client.rollback()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            # The server undoes what a lost connection had begun.
            self._drop()
        finally:
            await self._release()

    def _drop(self) -> None:
        # The pool has let go of it already when it knows that it is lost.
        with suppress(asyncpg.InterfaceError):
            self.client._connection.terminate()

    async def _release(self) -> None:
        pool = self.client._parent._pool
        if pool is not None:
            await give_back(pool, self.client._connection)


class PostgresTransactionWrapper(TransactionWrapper):
    """The connection of an open transaction."""

    async def execute_script(self, query: str) -> None:
        """Execute a migration, which may take its time."""
        async with self.acquire_connection() as connection:
            await translated(connection.execute, query, timeout=SCRIPT_TIMEOUT)

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        return await translated(func, self, *args, **kwargs)

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(PostgresTransactionWrapper(self))


class PostgresSnapshotWrapper(PostgresTransactionWrapper):
    """The connection of a transaction that only reads, all of it as of one moment."""

    async def begin(self) -> None:
        """Open the transaction."""
        self.transaction = self._connection.transaction(isolation="repeatable_read", readonly=True)
        await self.transaction.start()


class PostgresClient(AsyncpgDBClient):
    """PostgreSQL by its address, as libpq writes it; see the module's text."""

    def __init__(self, dsn: str, command_timeout: float = COMMAND_TIMEOUT, **settings: Any) -> None:
        super().__init__(**settings)
        self._dsn = dsn
        self._command_timeout = command_timeout
        self._kept: KeptConnection | None = None

    async def create_connection(self, with_db: bool) -> None:
        self._pool = await connected(
            asyncpg.create_pool,
            self._dsn,
            min_size=self.pool_minsize,
            max_size=self.pool_maxsize,
            timeout=ACQUIRE_TIMEOUT,
            command_timeout=self._command_timeout,
            server_settings=_SETTINGS,
            reset=_reset,
        )
        self._kept = KeptConnection(self._pool, ACQUIRE_TIMEOUT)
        await self._post_connect()

    def acquire_connection(self) -> _Acquired:
        """Return what acquires a connection. It raises what ``connected`` does."""
        return _Acquired(self, self._pool_init_lock)

    async def execute_autocommit(self, query: str, values: Sequence[Any]) -> None:
        """Execute a statement that is a transaction of its own, one after the other the fastest way.

        Raises what ``translated`` does.
        """
        if self._kept is None:
            raise DatabaseUnavailable("The database is closed.")
        try:
            await translated(self._kept.execute, query, values)
        except DatabaseUnavailable:
            await self.renew()
            raise

    async def execute_script(self, query: str) -> None:
        """Execute a migration, which may take its time."""
        async with self.acquire_connection() as connection:
            await translated(connection.execute, query, timeout=SCRIPT_TIMEOUT)

    async def renew(self) -> None:
        """Have each connection made anew before it is used again."""
        if self._kept is not None:
            await self._kept.give_back()
        if self._pool is not None:
            await self._pool.expire_connections()

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        kept, self._kept = self._kept, None
        if pool is None:
            return
        try:
            if kept is not None:
                await kept.give_back()
            await asyncio.wait_for(pool.close(), 5.0)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        return await translated(func, self, *args, **kwargs)

    def _in_transaction(self) -> TransactionContext:
        return PostgresTransaction(PostgresTransactionWrapper(self), self._pool_init_lock)

    def snapshot(self) -> PostgresTransaction:
        """Return a transaction in which all statements read as of one moment."""
        return PostgresTransaction(PostgresSnapshotWrapper(self), self._pool_init_lock)

    @asynccontextmanager
    async def holding(
        self, kind: type[PostgresTransactionWrapper] = PostgresTransactionWrapper
    ) -> AsyncIterator[PostgresTransactionWrapper]:
        """Open a transaction that may stay open while nothing is asked of it; it is undone at the end."""
        pool = self._pool
        if pool is None:
            raise DatabaseUnavailable("The database is closed.")
        transaction = kind(self)
        transaction._connection = await connected(pool.acquire, timeout=ACQUIRE_TIMEOUT)
        try:
            await transaction.begin()
            await transaction.execute_query("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield transaction
        finally:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await transaction.rollback()
            await uninterrupted(give_back(pool, transaction._connection))


client_class = PostgresClient
"""The name by which Tortoise finds the client of an engine."""
