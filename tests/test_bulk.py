"""Statements for many rows: what they write on SQLite, and what they say to PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from storage import models
from storage.bulk import columns, in_list, insert_sql, update_sql
from storage.database import Database
from tests.core_builders import url


def test_columns_leave_out_keys_that_the_database_makes() -> None:
    assert columns(models.Counter) == ("name", "value")
    assert columns(models.Rating) == ("conversation", "score", "comment", "at")


async def test_rows_are_inserted_and_updated_by_key_and_counted(tmp_path: Path) -> None:
    async with Database(url(tmp_path)) as database:
        rows = '[["a", 1], ["b", 2], ["its \\"c\\"", null]]'.replace("null", "3")
        await database.writer.execute_query(insert_sql(models.Counter, "sqlite"), [rows])
        update = update_sql(models.Counter, ("name",), "sqlite", versioned=False)
        changed, _ = await database.writer.execute_query(update, ['[["a", 10], ["b", 20], ["missing", 1]]'])
        found = await database.writer.execute_query_dict("SELECT name, value FROM counter ORDER BY value")
        query = f"SELECT value FROM counter WHERE name IN {in_list('sqlite')}"
        picked = await database.writer.execute_query_dict(query, ['["a", "nobody"]'])
    assert changed == 2
    assert [(row["name"], row["value"]) for row in found] == [('its "c"', 3), ("a", 10), ("b", 20)]
    assert [row["value"] for row in picked] == [10]


def test_a_versioned_update_asks_for_the_version_before() -> None:
    update = update_sql(models.Ticket, ("number",), "sqlite", versioned=True)
    assert '"ticket"."version" = new."version" - 1' in update
    assert '"number" = new."number",' not in update.split("WHERE")[0].split("SET")[1].split("FROM")[0]


def test_postgres_gets_every_value_in_the_columns_type() -> None:
    insert = insert_sql(models.Rating, "postgres")
    assert "(value->>1)::int" in insert
    assert "(value->>3)::timestamptz" in insert
    assert "jsonb_array_elements($1::jsonb)" in insert
    assert in_list("postgres", "bigint") == "(SELECT value::bigint FROM jsonb_array_elements_text($1::jsonb))"
