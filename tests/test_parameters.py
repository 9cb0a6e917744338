"""The same statement and the same values for either database [storage.parameters]."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from storage.connection import execute, fetch
from storage.database import Database
from storage.parameters import given, numbered
from storage.selecting import Selecting
from tests.core_builders import url
from tests.desk_builders import TUESDAY

NEW = "INSERT INTO lease (name, holder, token, until) VALUES (?, ?, 1, ?)"
FREE = "SELECT name, token FROM lease WHERE until <= ? AND holder = ? ORDER BY name"


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "on_postgres"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT a FROM b WHERE c = ?", "SELECT a FROM b WHERE c = $1"),
        ("SELECT a FROM b WHERE (c, d) > (?, ?) LIMIT 5", "SELECT a FROM b WHERE (c, d) > ($1, $2) LIMIT 5"),
    ],
)
def test_each_value_has_the_databases_own_mark(query: str, on_postgres: str) -> None:
    assert numbered(query, "postgres") == on_postgres
    assert numbered(query, "sqlite") == query


def test_a_moment_is_given_as_the_driver_takes_it_and_other_values_as_they_are() -> None:
    values = [TUESDAY, "text", 7, None, b"mail"]
    assert given(values, "postgres") == values
    assert given(values, "sqlite") == ["2026-09-15 14:12:00.000000+00:00", "text", 7, None, b"mail"]


async def test_a_statement_with_moments_is_the_same_on_both_databases(database: Database) -> None:
    async with database.writing() as connection:
        for name, until in (("imap", TUESDAY), ("slack", TUESDAY + timedelta(microseconds=1))):
            await execute(connection, NEW, name, "a", until)
        assert await execute(connection, "UPDATE lease SET token = 2 WHERE until <= ?", TUESDAY) == 1
        found = await fetch(connection, FREE, TUESDAY, "a")
    assert found == await Selecting(database).one(FREE, TUESDAY, "a") == [{"name": "imap", "token": 2}]
