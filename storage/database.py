"""The open database: its connections, its schema brought up to date, and closing it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from chatdesk.errors import DatabaseUnavailable, StorageError
from storage import orm
from storage.connection import Connection
from storage.migrator import bring_up_to_date
from storage.orm import APPS, WRITER, faults
from storage.sqlite_connection import PRAGMAS, SqliteConnection

if TYPE_CHECKING:
    from tortoise.backends.base.client import BaseDBAsyncClient
    from tortoise.context import TortoiseContext

    from storage.postgres_client import PostgresClient

READER = "reader"
POOL_SIZE = 5
"""Connections to PostgreSQL at most, for writing and again for reading."""
WRITE_TIMEOUT = 10.0
"""Seconds after which a statement of a batch counts as lost on PostgreSQL: batches wait no longer than 20."""
_PASSWORD = re.compile(r"^(\w+://[^:/@]*):[^@]*@")


class Database:
    """One open database: writes take turns on one connection, reads have another and never wait for them.

    On SQLite the ORM is loaded by what asks for it first: ``reader``, ``writer``, ``transaction`` or a model
    [storage/orm.py]. ``select`` and ``writing`` do without.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.sqlite_writer: SqliteConnection | None = None
        """The connection for writing, on SQLite."""
        self.sqlite_reader: SqliteConnection | None = None
        """The connection for reading, on SQLite."""
        self._context: TortoiseContext | None = None
        self._clients: dict[str, BaseDBAsyncClient] = {}
        self._open = False

    async def open(self) -> Self:
        """Connect and bring the schema up to date.

        Raises StorageError when the database cannot be used, DatabaseTooNew when a newer program made it.
        """
        try:
            await self.connect()
            await bring_up_to_date(self)
        except (faults.BaseORMException, sqlite3.Error, OSError) as error:
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

    async def connect(self) -> None:
        """Connect, and leave the schema as it is. Raises what the driver raises."""
        if self.dialect == "sqlite":
            await self._open_sqlite()
        else:
            await self._open_postgres()
        if self._context is not None:
            # Of several databases in one process, this task and those it starts mean this one.
            self._context.__enter__()

    async def _open_sqlite(self) -> None:
        file = sqlite_file(self.url)
        file.parent.mkdir(parents=True, exist_ok=True)
        self.sqlite_writer, self.sqlite_reader = SqliteConnection(file), SqliteConnection(file)
        await self.sqlite_writer.open()
        await self.sqlite_reader.open()
        self._open = True
        orm.at_first_use(self._set_up_orm)

    async def _open_postgres(self) -> None:
        orm.at_first_use(self._set_up_orm)
        orm.load()
        self._open = True
        # The library's first statement would keep its lock for ever if connecting failed then.
        for client in (self.writer, self.reader):
            await client.create_connection(with_db=True)

    def _set_up_orm(self) -> None:
        from tortoise.backends.base.executor import EXECUTOR_CACHE
        from tortoise.context import TortoiseContext

        # The library keeps statements by connection name; another database of this process may differ.
        EXECUTOR_CACHE.clear()
        self._context = TortoiseContext()
        with self._context:
            _finish(self._context.init(config=tortoise_config(self.url), _enable_global_fallback=True))
            self._clients = {alias: self._context.connections.get(alias) for alias in (WRITER, READER)}
        if self.sqlite_writer is not None and self.sqlite_reader is not None:
            from storage.sqlite_client import ImmediateSqliteClient

            for alias, connection in ((WRITER, self.sqlite_writer), (READER, self.sqlite_reader)):
                client = self._clients[alias]
                assert isinstance(client, ImmediateSqliteClient)
                client.use(connection)

    async def close(self) -> None:
        """Close every connection."""
        self._open = False
        orm.no_longer(self._set_up_orm)
        try:
            if self._context is not None:
                await self._context.__aexit__(None, None, None)
        finally:
            for connection in (self.sqlite_reader, self.sqlite_writer):
                if connection is not None:
                    await connection.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def writer(self) -> BaseDBAsyncClient:
        """The ORM's connection for writing, never the open transaction of whoever started this task."""
        return self._client(WRITER)

    @property
    def postgres_writer(self) -> PostgresClient:
        """The connections for writing, on PostgreSQL."""
        return _postgres(self.writer)

    @property
    def reader(self) -> BaseDBAsyncClient:
        """The ORM's connection for reading."""
        return self._client(READER)

    @property
    def postgres_reader(self) -> PostgresClient:
        """The connections for reading, on PostgreSQL."""
        return _postgres(self.reader)

    def _client(self, alias: str) -> BaseDBAsyncClient:
        if not self._open:
            raise StorageError(f"The database {self.name} is not open.")
        orm.load()
        return self._clients[alias]

    @property
    def name(self) -> str:
        """The address as it may be shown: without a password."""
        return _PASSWORD.sub(r"\1:***@", self.url)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgres``."""
        return "sqlite" if self.url.startswith("sqlite:") else "postgres"

    async def problem(self) -> str | None:
        """Return why nothing can be stored at the moment, a sentence; None when all is well.

        Raises StorageError when the database does not answer.
        """
        if self.dialect != "postgres":
            await self.select("SELECT 1")
            return None
        found = await self.writer.execute_query_dict("SHOW transaction_read_only")
        if found[0]["transaction_read_only"] == "on":
            for client in (self.postgres_writer, self.postgres_reader):
                await client.renew()
            return "The database server only reads: it is a standby."
        return None

    async def copy_log(self) -> None:
        """Copy SQLite's write-ahead log into the database. Raises StorageError when that fails."""
        if self.sqlite_writer is not None:
            try:
                await self.sqlite_writer.copy_log()
            except (sqlite3.Error, ValueError) as error:
                raise StorageError(str(error)) from error

    async def select(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a plain statement without values. Raises StorageError."""
        try:
            return await (self.sqlite_reader or self.reader).execute_query_dict(query)
        except (faults.BaseORMException, sqlite3.Error, ValueError) as error:
            raise StorageError(str(error)) from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """Open a transaction for plain statements; raises what ``transaction`` does."""
        if self.sqlite_writer is None:
            async with self.transaction() as connection:
                yield connection
            return
        with _storage_errors():
            async with self.sqlite_writer.transaction() as transaction:
                yield transaction

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[BaseDBAsyncClient]:
        """Open a transaction for writing; committed at the end, undone when the block raises.

        Raises StorageError when the database does not take it. A value that no database could take (such
        as a text that is too long) raises the driver's own error: the record is at fault then.
        """
        with _storage_errors():
            async with self.writer._in_transaction() as connection:
                yield connection


def _postgres(client: BaseDBAsyncClient) -> PostgresClient:
    # PostgreSQL's driver is needed by a desk on PostgreSQL only.
    from storage.postgres_client import PostgresClient

    assert isinstance(client, PostgresClient)
    return client


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError):
        raise
    except (faults.BaseORMException, sqlite3.Error) as error:
        raise StorageError(str(error)) from error


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run to its end what the library declares ``async`` and waits for nothing."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("The ORM's set-up waited for something.")


def postgres_address(url: str) -> str:
    """Return the address as the driver reads it; asyncpg:// is another word for postgres://."""
    return "postgresql://" + url.partition("://")[2]


def sqlite_file(url: str) -> Path:
    """Return the file of sqlite://relative or sqlite:///absolute."""
    path = url.removeprefix("sqlite://")
    return Path("/" + path.lstrip("/")) if path.startswith("/") else Path(path)


async def brought_up_to_date(url: str) -> None:
    """Open a database as a start does, which brings its schema up to date or makes it. Raises as ``open``."""
    async with Database(url):
        pass


def exists(url: str) -> bool:
    """Tell whether there is a database to open; a server is asked when it is opened."""
    return not url.startswith("sqlite:") or sqlite_file(url).exists()


def tortoise_config(url: str) -> dict[str, Any]:
    """Return Tortoise's configuration for sqlite://relative, sqlite:///absolute or postgres://…."""
    if url.startswith("sqlite:"):
        file = sqlite_file(url)
        file.parent.mkdir(parents=True, exist_ok=True)
        writer: Any = {
            "engine": "storage.sqlite_client",
            "credentials": {"file_path": str(file), **PRAGMAS},
        }
        reader = writer
    else:
        credentials = {"dsn": postgres_address(url), "maxsize": POOL_SIZE}
        reader = {"engine": "storage.postgres_client", "credentials": credentials}
        writer = {**reader, "credentials": {**credentials, "command_timeout": WRITE_TIMEOUT}}
    return {"connections": {WRITER: writer, READER: reader}, "apps": APPS}
