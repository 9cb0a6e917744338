"""The open database: its connections, its schema brought up to date, and closing it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.context import TortoiseContext
from tortoise.exceptions import BaseORMException

from chatdesk.errors import DatabaseUnavailable, StorageError
from storage.migrator import bring_up_to_date
from storage.sqlite_client import ImmediateSqliteClient

WRITER, READER = "default", "reader"
POOL_SIZE = 5
"""Connections to PostgreSQL at most, for writing and again for reading."""
_PASSWORD = re.compile(r"^(\w+://[^:/@]*):[^@]*@")
_SQLITE_PRAGMAS = {
    "busy_timeout": 10_000,
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    # 16 MB: the pages that many batches touch stay at hand.
    "cache_size": -16_000,
}


class Database:
    """One open database: writes take turns on one connection, reads have another and never wait for them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._context = TortoiseContext()
        self._writer: BaseDBAsyncClient | None = None

    async def open(self) -> Self:
        """Connect and bring the schema up to date.

        Raises StorageError when the database cannot be used, DatabaseTooNew when a newer program made it.
        """
        # The library keeps statements by connection name; another database of this process may differ.
        EXECUTOR_CACHE.clear()
        self._context.__enter__()
        try:
            await self._context.init(config=tortoise_config(self.url), _enable_global_fallback=True)
            # The library's first statement would keep its lock for ever if connecting failed then.
            for alias in (WRITER, READER):
                await self._context.connections.get(alias).create_connection(with_db=True)
            self._writer = self._context.connections.get(WRITER)
            await bring_up_to_date(self._writer)
        except (BaseORMException, sqlite3.Error, OSError) as error:
            await self.close()
            raise StorageError(f"The database {self.name} cannot be opened: {error}") from error
        except StorageError as error:
            await self.close()
            if isinstance(error, DatabaseUnavailable):
                raise DatabaseUnavailable(f"The database {self.name} cannot be opened: {error}") from error
            raise
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Close every connection."""
        await self._context.__aexit__(None, None, None)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def writer(self) -> BaseDBAsyncClient:
        """The connection for writing, never the open transaction of whoever started this task."""
        if self._writer is None:
            raise StorageError(f"The database {self.name} is not open.")
        return self._writer

    @property
    def reader(self) -> BaseDBAsyncClient:
        """The connection for reading."""
        return self._context.connections.get(READER)

    @property
    def name(self) -> str:
        """The address as it may be shown: without a password."""
        return _PASSWORD.sub(r"\1:***@", self.url)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgres``."""
        return self.writer.capabilities.dialect

    async def problem(self) -> str | None:
        """Return why nothing can be stored at the moment, a sentence; None when all is well.

        Raises StorageError when the database does not answer.
        """
        if self.dialect != "postgres":
            await self.reader.execute_query("SELECT 1")
            return None
        found = await self.writer.execute_query_dict("SHOW transaction_read_only")
        if found[0]["transaction_read_only"] == "on":
            # PostgreSQL's driver is needed by a desk on PostgreSQL only.
            from storage.postgres_client import PostgresClient

            for client in (self.writer, self.reader):
                if isinstance(client, PostgresClient):
                    await client.renew()
            return "The database server only reads: it is a standby."
        return None

    async def copy_log(self) -> None:
        """Copy SQLite's write-ahead log into the database. Raises StorageError when that fails."""
        if isinstance(self.writer, ImmediateSqliteClient):
            try:
                await self.writer.copy_log()
            except sqlite3.Error as error:
                raise StorageError(str(error)) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[BaseDBAsyncClient]:
        """Open a transaction for writing; committed at the end, undone when the block raises.

        Raises StorageError when the database does not take it. A value that no database could take (such
        as a text that is too long) raises the driver's own error: the record is at fault then.
        """
        try:
            async with self.writer._in_transaction() as connection:
                yield connection
        except (sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError):
            raise
        except (BaseORMException, sqlite3.Error) as error:
            raise StorageError(str(error)) from error


def postgres_address(url: str) -> str:
    """Return the address as the driver reads it; asyncpg:// is another word for postgres://."""
    return "postgresql://" + url.partition("://")[2]


def sqlite_file(url: str) -> Path:
    """Return the file of sqlite://relative or sqlite:///absolute."""
    path = url.removeprefix("sqlite://")
    return Path("/" + path.lstrip("/")) if path.startswith("/") else Path(path)


def exists(url: str) -> bool:
    """Tell whether there is a database to open; a server is asked when it is opened."""
    return not url.startswith("sqlite:") or sqlite_file(url).exists()


def tortoise_config(url: str) -> dict[str, Any]:
    """Return Tortoise's configuration for sqlite://relative, sqlite:///absolute or postgres://…."""
    if url.startswith("sqlite:"):
        file = sqlite_file(url)
        file.parent.mkdir(parents=True, exist_ok=True)
        connection: Any = {
            "engine": "storage.sqlite_client",
            "credentials": {"file_path": str(file), **_SQLITE_PRAGMAS},
        }
    else:
        connection = {
            "engine": "storage.postgres_client",
            "credentials": {"dsn": postgres_address(url), "maxsize": POOL_SIZE},
        }
    app = {"models": ["storage.models"], "default_connection": WRITER, "migrations": "storage.migrations"}
    return {"connections": {WRITER: connection, READER: connection}, "apps": {"models": app}}
