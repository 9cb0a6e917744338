"""Reading with plain statements: what is asked at the same time is answered in one visit to the database.

A query built by the library takes ten times as long as SQLite's answer to it, and a visit to the
connection's thread several times as long [docs/performance.md].
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from chatdesk.errors import StorageError
from storage.columns import Record
from storage.connection import fetch
from storage.database import Database
from storage.gathering import Gathering
from storage.orm import faults
from storage.parameters import given


class Select(Struct, frozen=True):
    """A statement, a ``?`` in it for each of its values."""

    query: str
    values: Sequence[str | int | datetime]


Answers = list[list[Record]]


class Selecting:
    """Reads from one database, in a visit for all who ask meanwhile (SQLite)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gathering: Gathering[Sequence[Select], Answers] = Gathering(self._visit)

    async def one(self, query: str, *values: str | int | datetime) -> list[Record]:
        """Return the rows of one statement. Raises StorageError."""
        return (await self.all([Select(query, values)]))[0]

    async def all(self, selects: Sequence[Select]) -> Answers:
        """Return the rows of each statement, all of one moment. Raises StorageError.

        Were a commit to fall between two of them, a ticket would be shown without what its newest message
        did to it, and a client told of a newer message would never ask for the edit before it.
        """
        if self._database.sqlite_reader is not None:
            return await self._gathering.ask(selects)
        try:
            return await self._on_postgres(selects)
        except faults.BaseORMException as error:
            raise StorageError(str(error)) from error

    async def _on_postgres(self, selects: Sequence[Select]) -> Answers:
        reader = self._database.postgres_reader
        if len(selects) == 1:
            return [[*await fetch(reader, selects[0].query, *selects[0].values)]]
        async with reader.snapshot() as connection:
            return [[*await fetch(connection, select.query, *select.values)] for select in selects]

    async def _visit(self, asked: Sequence[Sequence[Select]]) -> Sequence[Answers | Exception]:
        reader = self._database.sqlite_reader
        assert reader is not None
        try:
            return await reader.visit(_answer_all, asked)
        except ValueError as error:
            raise StorageError(str(error)) from error


def _answer_all(database: sqlite3.Connection, asked: Sequence[Sequence[Select]]) -> list[Answers | Exception]:
    return [_answer(database, selects) for selects in asked]


def _answer(database: sqlite3.Connection, selects: Sequence[Select]) -> Answers | StorageError:
    try:
        database.execute("BEGIN")
        try:
            return [_rows(database.execute(each.query, given(each.values, "sqlite"))) for each in selects]
        finally:
            database.execute("COMMIT")
    except sqlite3.Error as error:
        return StorageError(str(error))


def _rows(cursor: sqlite3.Cursor) -> list[Record]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
