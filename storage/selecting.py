"""Reading with plain statements: what is asked at the same time is answered in one visit to the database.

A query built by the library takes ten times as long as SQLite's answer to it, and a visit to the
connection's thread several times as long [docs/performance.md].
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import BaseORMException

from chatdesk.errors import StorageError
from storage.database import Database
from storage.rows import Record
from storage.sqlite_client import ImmediateSqliteClient


@dataclass(frozen=True, slots=True)
class Select:
    """A statement, a ``?`` for each of its values."""

    query: str
    values: Sequence[str | int]


Answers = list[list[Record]]
_Asked = tuple[Sequence[Select], asyncio.Future[Answers]]


class Selecting:
    """Reads from one database, in a visit for all who ask meanwhile (SQLite)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: list[_Asked] = []
        self._visits: asyncio.Task[None] | None = None

    async def one(self, query: str, *values: str | int) -> list[Record]:
        """Return the rows of one statement. Raises StorageError."""
        return (await self.all([Select(query, values)]))[0]

    async def all(self, selects: Sequence[Select]) -> Answers:
        """Return the rows of each statement, read one after the other. Raises StorageError."""
        reader = self._database.reader
        if not isinstance(reader, ImmediateSqliteClient):
            try:
                return [await self._on_postgres(reader, select) for select in selects]
            except BaseORMException as error:
                raise StorageError(str(error)) from error
        answers: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()
        self._asked.append((selects, answers))
        if self._visits is None or self._visits.done():
            self._visits = asyncio.ensure_future(self._visit(reader))
        return await answers

    async def _on_postgres(self, reader: BaseDBAsyncClient, select: Select) -> list[Record]:
        return [*await reader.execute_query_dict(_numbered(select.query), list(select.values))]

    async def _visit(self, reader: ImmediateSqliteClient) -> None:
        while self._asked:
            asked, self._asked = self._asked, []
            try:
                answered = await reader.visit(_answer_all, [selects for selects, _ in asked])
            except (sqlite3.Error, ValueError) as error:
                # The connection is closed.
                answered = [StorageError(str(error))] * len(asked)
            for (_, future), answer in zip(asked, answered, strict=True):
                _settle(future, answer)


def _answer_all(
    database: sqlite3.Connection, asked: Sequence[Sequence[Select]]
) -> list[Answers | StorageError]:
    return [_answer(database, selects) for selects in asked]


def _answer(database: sqlite3.Connection, selects: Sequence[Select]) -> Answers | StorageError:
    try:
        return [_rows(database.execute(select.query, select.values)) for select in selects]
    except sqlite3.Error as error:
        return StorageError(str(error))


def _rows(cursor: sqlite3.Cursor) -> list[Record]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _settle(future: asyncio.Future[Answers], answer: Answers | StorageError) -> None:
    # Who asked may have gone away meanwhile.
    if future.done():
        return
    if isinstance(answer, StorageError):
        future.set_exception(answer)
    else:
        future.set_result(answer)


@cache
def _numbered(query: str) -> str:
    """Return the statement with PostgreSQL's marks for its values."""
    first, *others = query.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, start=1))
