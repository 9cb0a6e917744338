"""Moves a whole desk from one database to another: table by table, in the order of the keys.

What was copied stays; a run that was interrupted goes on after the last key. At the end every table is
read on both sides and compared, count and checksum; then what a search reads is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic_core import to_json
from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import BaseORMException
from tortoise.models import Model

from chatdesk.errors import ConcurrentChange, StorageError
from chatdesk.plain_text import clean_line, shortened
from storage import models
from storage.columns import moment
from storage.connection import fetch
from storage.database import Database, brought_up_to_date, exists, tortoise_config
from storage.migrator import is_current
from storage.orm import WRITER
from storage.parameters import given, numbered
from storage.search_index import index_all
from storage.unfinished_move import MARK, MARKED

CHUNK, CHUNK_OF_MAILS = 2_000, 20
STATEMENT_TIMEOUT = 3600.0
"""Seconds that PostgreSQL has for a statement: nobody waits for an answer, and a table may be large."""

Progress = Callable[[str, int, int], None]
"""Called with a table's name, how many of its rows are done and how many there are."""


def unseen(table: str, done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table's columns, its key first."""

    name: str
    key: str
    columns: tuple[str, ...]
    model: type[Model]

    @property
    def chunk(self) -> int:
        """How many rows are carried at a time; whole mails may be large."""
        kinds = (type(self.model._meta.fields_map[column]) for column in self.columns)
        return CHUNK_OF_MAILS if fields.BinaryField in kinds else CHUNK


@dataclass(frozen=True, slots=True)
class Compared:
    """A table that is the same on both sides: how many rows, and the checksum of them all."""

    table: str
    rows: int
    checksum: str


class Side:
    """One of the two databases."""

    def __init__(self, client: BaseDBAsyncClient) -> None:
        self._client = client
        self._dialect: str = client.capabilities.dialect
        self._postgres = self._dialect == "postgres"

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Side]:
        """Let nobody else write until the block ends; yield what it is read through.

        Raises StorageError when somebody is writing.
        """
        if not self._postgres:
            await self._client.execute_query("BEGIN IMMEDIATE")
            yield self
            return
        # PostgreSQL's driver is needed by a desk on PostgreSQL only.
        from storage.postgres_client import PostgresClient

        assert isinstance(self._client, PostgresClient)
        async with self._client.holding() as transaction:
            names = ", ".join(f'"{table.name}"' for table in tables())
            try:
                await transaction.execute_query(f"LOCK TABLE {names} IN SHARE MODE")
            except ConcurrentChange as error:
                raise StorageError("Somebody writes to the source. Stop its desk and move again.") from error
            yield Side(transaction)

    @asynccontextmanager
    async def seen(self) -> AsyncIterator[Side]:
        """Read PostgreSQL as of one moment until the block ends, while others write."""
        # PostgreSQL's driver is needed by a desk on PostgreSQL only.
        from storage.postgres_client import PostgresClient, PostgresSnapshotWrapper

        assert isinstance(self._client, PostgresClient)
        async with self._client.holding(PostgresSnapshotWrapper) as transaction:
            yield Side(transaction)

    async def count(self, table: Table) -> int:
        found = await self._client.execute_query_dict(f'SELECT COUNT(*) AS n FROM "{table.name}"')
        return int(found[0]["n"])

    async def last(self, table: Table) -> Any:
        """Return the highest key there is, None when there is none."""
        key = self._key(table)
        query = f'SELECT "{table.key}" AS key FROM "{table.name}" ORDER BY {key} DESC LIMIT 1'
        found = await self._client.execute_query_dict(query)
        return found[0]["key"] if found else None

    async def chunks(self, table: Table, after: Any = None) -> AsyncIterator[list[Sequence[Any]]]:
        """Yield the rows after a key, in the order of their keys."""
        names = ", ".join(f'"{column}"' for column in table.columns)
        key = self._key(table)
        while True:
            where = "" if after is None else f"WHERE {key} > ?"
            query = f'SELECT {names} FROM "{table.name}" {where} ORDER BY {key} LIMIT {table.chunk}'
            found = await fetch(self._client, query, *([] if after is None else [after]))
            if not found:
                return
            yield [[row[column] for column in table.columns] for row in found]
            after = found[-1][table.key]

    async def insert(self, table: Table, chunk: Sequence[Sequence[Any]]) -> None:
        """Insert these rows. Raises StorageError, which names a value that the database does not take.

        The rows before that are there then.
        """
        names = ", ".join(f'"{column}"' for column in table.columns)
        places = ", ".join("?" * len(table.columns))
        query = numbered(f'INSERT INTO "{table.name}" ({names}) VALUES ({places})', self._dialect)
        rows = [given(_values(table, row), self._dialect) for row in chunk]
        try:
            await self._client.execute_many(query, rows)
        except (StorageError, BaseORMException):
            raise
        except Exception:
            # The driver's own error: some value is at fault [storage.postgres_errors.translated].
            await self._insert_one_by_one(table, query, rows)

    async def _insert_one_by_one(self, table: Table, query: str, rows: Sequence[list[Any]]) -> None:
        for row in rows:
            try:
                await self._client.execute_many(query, [row])
            except (StorageError, BaseORMException):
                raise
            except Exception as error:
                raise StorageError(_not_taken(table, row, error)) from error

    async def number_on(self, table: Table) -> None:
        """Let generated keys go on after those that were copied."""
        if self._postgres and table.model._meta.pk.generated:
            await self._client.execute_query(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{table.key}'), "
                f'COALESCE(MAX("{table.key}"), 1), MAX("{table.key}") IS NOT NULL) FROM "{table.name}"'
            )

    async def is_marked(self) -> bool:
        """Tell whether a move into this database has begun and not ended."""
        return bool(await self._client.execute_query_dict(MARKED))

    async def mark(self) -> None:
        row = f"('{MARK}', '', 0, '2000-01-01 00:00:00+00:00')"
        await self._client.execute_query(f"INSERT INTO lease (name, holder, token, until) VALUES {row}")

    async def unmark(self) -> None:
        await self._client.execute_query(f"DELETE FROM lease WHERE name = '{MARK}'")

    def _key(self, table: Table) -> str:
        # Both sides have to sort texts alike.
        text = isinstance(table.model._meta.pk, fields.CharField)
        return f'"{table.key}" COLLATE "C"' if text and self._postgres else f'"{table.key}"'


Read = Callable[[Side], AbstractAsyncContextManager[Side]]
"""How the source is read: ``Side.held`` or ``Side.seen``."""


def tables() -> list[Table]:
    """Return every table of a desk; leases are left out: they belong to running nodes."""
    found = [model for model in vars(models).values() if isinstance(model, type) and issubclass(model, Model)]
    kept = [model for model in found if model not in (Model, models.Lease)]
    return [
        Table(m._meta.db_table, m._meta.pk_attr, tuple(m._meta.fields_map), m)
        for m in sorted(kept, key=lambda model: model._meta.db_table)
    ]


async def move(source: str, target: str, progress: Progress = unseen) -> list[Compared]:
    """Copy everything from one database's address to another's and compare both.

    Nobody else writes to the source meanwhile. Raises StorageError when the target holds another desk or does
    not take a value, or when the source changed after an earlier run.
    """
    if source == target:
        raise StorageError("Both addresses name the same database.")
    if not exists(source):
        raise StorageError("There is no database at the address to move from.")
    await brought_up_to_date(source)
    return await _move(source, target, Side.held, progress)


async def copy_as_it_is(source: str, target: str) -> None:
    """Copy a desk on PostgreSQL as of one moment, while it goes on writing; compare both.

    The source's schema stays as it is. Raises StorageError when that is not this program's, and as ``move``.
    """
    database = Database(source)
    try:
        await database.connect()
        current = await is_current(database)
    except (BaseORMException, OSError) as error:
        raise StorageError(f"The database {database.name} cannot be opened: {error}") from error
    finally:
        await database.close()
    if not current:
        raise StorageError(
            "Another version of chatdesk made the database. Back it up with the version that runs the desk."
        )
    _ = await _move(source, target, Side.seen, unseen)


async def _move(source: str, target: str, read: Read, progress: Progress) -> list[Compared]:
    await brought_up_to_date(target)
    try:
        async with _side(source) as old_side, read(old_side) as old, _side(target) as new:
            if not await new.is_marked():
                await _refuse_used(new)
                await new.mark()
            for table in tables():
                await _copy(table, old, new, progress)
            compared = [await _compare(table, old, new) for table in tables()]
            async with Database(target) as database:
                await index_all(database)
            await new.unmark()
    except BaseORMException as error:
        raise StorageError(str(error)) from error
    return compared


@asynccontextmanager
async def _side(address: str) -> AsyncIterator[Side]:
    made = tortoise_config(address)["connections"][WRITER]
    credentials = {**made["credentials"]}
    if "command_timeout" in credentials:
        credentials["command_timeout"] = STATEMENT_TIMEOUT
    client = import_module(made["engine"]).client_class(connection_name="move", **credentials)
    await client.create_connection(with_db=True)
    try:
        yield Side(client)
    finally:
        await client.close()


async def _refuse_used(side: Side) -> None:
    for table in tables():
        if await side.count(table):
            raise StorageError(
                f"The target is not empty: it has rows in {table.name}. Name an empty database."
            )


async def _copy(table: Table, old: Side, new: Side, progress: Progress) -> None:
    total, done = await old.count(table), await new.count(table)
    progress(table.name, done, total)
    async for chunk in old.chunks(table, await new.last(table)):
        await new.insert(table, chunk)
        done += len(chunk)
        progress(table.name, done, total)
    await new.number_on(table)


def _not_taken(table: Table, row: Sequence[Any], error: Exception) -> str:
    values = dict(zip(table.columns, row, strict=True))
    unfit = [name for name, value in values.items() if not _fits(table.model._meta.fields_map[name], value)]
    return (
        f"The target does not take {' and '.join(unfit) or 'a value'} of the row "
        f"{shortened(clean_line(str(values[table.key])), 80)} in the table {table.name}: {error}. "
        "Change it in the source and move again."
    )


def _fits(field: fields.Field[Any], value: Any) -> bool:
    """Tell whether a column has room for a value: SQLite takes more than it was told, PostgreSQL does not."""
    if isinstance(field, fields.CharField) and isinstance(value, str):
        return len(value) <= field.max_length
    if isinstance(field, fields.IntField) and isinstance(value, int):
        room = field.constraints
        return bool(room["ge"] <= value <= room["le"])
    return True


async def _compare(table: Table, old: Side, new: Side) -> Compared:
    before, after = await _checksum(table, old), await _checksum(table, new)
    if before != after:
        raise StorageError(
            f"The table {table.name} differs after copying: {before.rows} rows against {after.rows}. "
            "Was the desk still running? Stop it, empty the target and move again."
        )
    return before


async def _checksum(table: Table, side: Side) -> Compared:
    digest, count = hashlib.sha256(), 0
    async for chunk in side.chunks(table):
        count += len(chunk)
        for row in chunk:
            digest.update(to_json(given(_values(table, row), "sqlite"), bytes_mode="base64"))
            digest.update(b"\n")
    return Compared(table.name, count, digest.hexdigest())


def _values(table: Table, row: Sequence[Any]) -> list[Any]:
    """Return a row's values as both databases mean them."""
    return [
        _value(table.model._meta.fields_map[column], value)
        for column, value in zip(table.columns, row, strict=True)
    ]


def _value(field: object, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(field, fields.BooleanField):
        return bool(value)
    if isinstance(field, fields.DatetimeField):
        return moment(value)
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value
