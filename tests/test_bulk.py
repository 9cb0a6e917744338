"""Statements for many rows: what they write on SQLite, and what they say to PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from tortoise import fields
from tortoise.models import Model

from chatdesk.conversation import Visibility
from chatdesk.errors import StorageError
from storage import models, tables
from storage.bulk import Row, delete, insert, parameters, parts, update
from storage.database import Database
from storage.parameters import in_list, rows_json
from storage.writing import write_all
from tests.core_builders import url

COUNTER = tables.Table("counter", key="name", columns={"name": "text", "value": "bigint"})


def test_columns_leave_out_keys_that_the_database_makes() -> None:
    assert tuple(tables.SESSION.columns) == ("id", "agent", "once", "created_at", "expires_at")
    assert tuple(tables.RATING.columns) == ("conversation", "score", "comment", "at")


KINDS = ((fields.DatetimeField, "timestamptz"), (fields.BooleanField, "boolean"))
NUMBERS = ((fields.BigIntField, "bigint"), (fields.IntField, "int"))


def kind(field: object) -> str:
    """Return PostgreSQL's type for a model's field."""
    return next((kind for cls, kind in (*KINDS, *NUMBERS) if isinstance(field, cls)), "text")


@pytest.mark.parametrize("table", [one for one in vars(tables).values() if isinstance(one, tables.Table)])
def test_the_tables_of_plain_statements_are_those_of_the_models(table: tables.Table) -> None:
    every = [each for each in vars(models).values() if isinstance(each, type) and issubclass(each, Model)]
    (model,) = [each for each in every if each._meta.db_table == table.name]
    columns = {name: kind(field) for name, field in model._meta.fields_map.items()}
    if model._meta.pk.generated:
        del columns[model._meta.pk_attr]
    assert list(table.columns.items()) == list(columns.items())
    assert table.key == model._meta.pk_attr


@pytest.mark.sqlite("its statements; the stores' contract has those of both")
@pytest.mark.parametrize("count", [1, 2, 3, 7, 256, 300, 513])
async def test_rows_are_inserted_and_updated_by_key_and_counted(tmp_path: Path, count: int) -> None:
    names = [f'its "{number}"' for number in range(count)]
    made = insert(COUNTER, [[name, 1] for name in names], "sqlite")
    other: list[Row] = [[name, number] for number, name in enumerate(names)]
    changed = update(COUNTER, ("name",), other, "sqlite")
    missing = update(COUNTER, ("name",), [*other, ["missing", 1]], "sqlite")
    async with Database(url(tmp_path, "sqlite")) as database:
        async with database.transaction() as connection:
            assert await write_all(connection, [made, changed]) is None
            assert await write_all(connection, [replace(missing, changes=count)]) is None
            assert await write_all(connection, [replace(missing, changes=count + 1)]) is not None
        found = await database.writer.execute_query_dict("SELECT name, value FROM counter ORDER BY value")
        query = f"SELECT value FROM counter WHERE name IN {in_list('sqlite')}"
        picked = await database.writer.execute_query_dict(query, [rows_json([names[-1], "nobody"])])
    assert [(row["name"], row["value"]) for row in found] == [(name, n) for n, name in enumerate(names)]
    assert [row["value"] for row in picked] == [count - 1]


@pytest.mark.sqlite("its statements; the stores' contract has those of both")
@pytest.mark.parametrize("count", [1, 3, 300])
async def test_rows_are_deleted_by_their_key_and_by_an_index(tmp_path: Path, count: int) -> None:
    rows: list[Row] = [[1, f"{number}@x.example", "", "", None] for number in range(count)]
    other: Row = [2, "0@x.example", "", "", None]
    gone = delete(tables.AFFECTED, ("ticket", "mailbox"), [row[:2] for row in rows], "sqlite")
    async with Database(url(tmp_path, "sqlite")) as database:
        async with database.transaction() as connection:
            made = insert(tables.AFFECTED, [*rows, other], "sqlite")
            assert await write_all(connection, [made, replace(gone, changes=count)]) is None
        (left,) = await database.writer.execute_query_dict("SELECT ticket FROM affected")
        query, values = next(parts(gone))
        plan = await database.writer.execute_query_dict(f"EXPLAIN QUERY PLAN {query}", values)
    assert left["ticket"] == 2
    assert any(row["detail"].startswith("SEARCH t USING") for row in plan), plan
    assert not any(row["detail"].startswith(("SCAN t", "SCAN affected")) for row in plan), plan


@pytest.mark.sqlite("PostgreSQL undoes a transaction at its first fault by itself")
async def test_a_row_that_is_refused_undoes_the_whole_transaction(tmp_path: Path) -> None:
    rows: list[Row] = [[f"name {number}", 1] for number in range(300)]
    async with Database(url(tmp_path, "sqlite")) as database:
        with pytest.raises(StorageError, match="UNIQUE"):
            async with database.transaction() as connection:
                await write_all(connection, [insert(COUNTER, [*rows, rows[299]], "sqlite")])
        query = "SELECT count(*) AS names FROM counter WHERE name LIKE 'name %'"
        assert (await database.writer.execute_query_dict(query))[0]["names"] == 0
        async with database.transaction() as connection:
            await write_all(connection, [insert(COUNTER, rows, "sqlite")])
        assert (await database.writer.execute_query_dict(query))[0]["names"] == 300


def test_sqlite_prepares_few_texts_whatever_the_number_of_rows() -> None:
    sizes = {
        query.count("(?")
        for count in range(1, 700)
        for query, _ in parts(insert(COUNTER, [["a", 1]] * count, "sqlite"))
    }
    assert sizes == {1, 2, 4, 8, 16, 32, 64, 128, 256}


def test_values_for_sqlite_are_plain_and_without_nul() -> None:
    row = [Visibility.PUBLIC, "a\0b", None, 7, True]
    values = parameters([row])
    assert values == ["public", "a\ufffdb", None, 7, True]
    assert [type(value) for value in values[:2]] == [str, str]


@pytest.mark.sqlite("its statements; the stores' contract has those of both")
async def test_an_update_finds_its_rows_by_their_key(tmp_path: Path) -> None:
    ((query, values),) = parts(update(tables.RECEIVED, ("key",), [["k", "c", 1, 2]] * 2, "sqlite"))
    async with Database(url(tmp_path, "sqlite")) as database:
        plan = await database.writer.execute_query_dict(f"EXPLAIN QUERY PLAN {query}", values)
    assert any(row["detail"].startswith("SEARCH received USING") for row in plan)


def test_a_versioned_update_asks_for_the_version_before_and_counts() -> None:
    statement = update(tables.TICKET, ("number",), [[1], [2]], "sqlite", versioned=True)
    query = statement.query(1)
    assert statement.changes == 2
    assert '"ticket"."version" = new."version" - 1' in query
    assert '"number" = new."number",' not in query.split("WHERE")[0].split("SET")[1].split("FROM")[0]


def test_postgres_gets_every_value_in_the_columns_type() -> None:
    query = insert(tables.RATING, [["c", 5, "", ""]] * 3, "postgres").query(3)
    assert "(value->>1)::int" in query
    assert "(value->>3)::timestamptz" in query
    assert "jsonb_array_elements($1::jsonb)" in query
    assert in_list("postgres", "bigint") == (
        "(SELECT (value #>> '{}')::bigint FROM (SELECT value FROM jsonb_array_elements($1::jsonb) "
        "WHERE jsonb_typeof(value) = 'number') AS given)"
    )
