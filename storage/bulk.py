"""Statements that write many rows at once: one statement, one parameter, whatever the number of rows.

The rows travel as one JSON array and the database unpacks them. Beside the round trips this saves the
interpreter lock: SQLite works through the whole statement without handing it back and forth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tortoise import fields
from tortoise.models import Model

NODES_CHANNEL = "chatdesk"
"""The channel on which nodes tell one another what happened (PostgreSQL's NOTIFY)."""

Row = Sequence[str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and its one parameter, rows as JSON; ``changes`` is how many rows it has to change."""

    query: str
    rows: str
    changes: int | None = None


_POSTGRES_TYPES: tuple[tuple[type[fields.Field], str], ...] = (  # type: ignore[type-arg]
    (fields.DatetimeField, "timestamptz"),
    (fields.BooleanField, "boolean"),
    (fields.BigIntField, "bigint"),
    (fields.IntField, "int"),
)


@cache
def columns(model: type[Model]) -> tuple[str, ...]:
    """Return the columns of a model in the order in which rows hold them; generated keys are left out."""
    return tuple(name for name, field in model._meta.fields_map.items() if not (field.pk and field.generated))


@cache
def insert_sql(model: type[Model], dialect: str) -> str:
    """Return the statement that inserts a JSON array of rows, each in the order of ``columns``."""
    names = ", ".join(f'"{name}"' for name in columns(model))
    values = ", ".join(_value(model, name, index, dialect) for index, name in enumerate(columns(model)))
    return f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {values} FROM {_source(dialect)}'


@cache
def update_sql(
    model: type[Model],
    key: tuple[str, ...],
    dialect: str,
    *,
    versioned: bool,
    fixed: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> str:
    """Return the statement that updates rows found by ``key``.

    When ``versioned`` only rows whose version is one lower than the new one are touched, so the number
    of rows changed tells whether anybody else was faster. Columns that are ``fixed`` for good are left
    out, and so are the indexes over them. With ``only``, rows hold just these columns, key included.
    """
    table = f'"{model._meta.db_table}"'
    values = ", ".join(
        f'{_value(model, name, index, dialect)} AS "{name}"'
        for index, name in enumerate(only or columns(model))
        if name not in fixed
    )
    changed = (name for name in only or columns(model) if name not in (*key, *fixed))
    assignments = ", ".join(f'"{name}" = new."{name}"' for name in changed)
    matches = [f'{table}."{name}" = new."{name}"' for name in key]
    if versioned:
        matches.append(f'{table}."version" = new."version" - 1')
    where = " AND ".join(matches)
    source = f"(SELECT {values} FROM {_source(dialect)}) AS new"
    return f"UPDATE {table} SET {assignments} FROM {source} WHERE {where}"


@cache
def hold_sql(model: type[Model]) -> str:
    """Return PostgreSQL's statement that locks rows and returns those that are not as they are known.

    Its parameter is a JSON array of [key, known version]; the rows are locked in the order of their keys.
    """
    key = model._meta.pk_attr
    kind = _postgres_type(model, key)
    return (
        f"WITH held AS MATERIALIZED (SELECT t.*, (value->>1)::int AS known "
        f'FROM jsonb_array_elements($1::jsonb) JOIN "{model._meta.db_table}" t '
        f'ON t."{key}" = (value->>0)::{kind} ORDER BY t."{key}" FOR NO KEY UPDATE OF t) '
        f"SELECT * FROM held WHERE version <> known"
    )


@cache
def together_sql(queries: tuple[str, ...], *, tell: bool) -> str:
    """Return PostgreSQL's statement that executes several, each with one parameter, in one round trip.

    It answers with one row: how many rows each has changed. With ``tell`` a last parameter, a JSON array
    of texts, is told to every node at the commit.
    """
    parts = [
        f"s{index} AS ({query.replace('$1', f'${index + 1}')} RETURNING 1)"
        for index, query in enumerate(queries)
    ]
    if tell:
        source = f"jsonb_array_elements_text(${len(queries) + 1}::jsonb)"
        parts.append(
            f"s{len(queries)} AS MATERIALIZED (SELECT pg_notify('{NODES_CHANNEL}', value) FROM {source})"
        )
    counts = ", ".join(f"(SELECT count(*) FROM s{index}) AS c{index}" for index in range(len(parts)))
    return f"WITH {', '.join(parts)} SELECT {counts}"


def in_list(dialect: str, kind: str = "text") -> str:
    """Return an expression for all members of one JSON array parameter, for use after IN."""
    if dialect == "sqlite":
        return "(SELECT value FROM json_each(?))"
    return f"(SELECT value::{kind} FROM jsonb_array_elements_text($1::jsonb))"


def _source(dialect: str) -> str:
    return "json_each(?)" if dialect == "sqlite" else "jsonb_array_elements($1::jsonb)"


def _value(model: type[Model], name: str, index: int, dialect: str) -> str:
    if dialect == "sqlite":
        return f"json_extract(value, '$[{index}]')"
    return f"(value->>{index})::{_postgres_type(model, name)}"


def _postgres_type(model: type[Model], name: str) -> str:
    field = model._meta.fields_map[name]
    return next((sql for cls, sql in _POSTGRES_TYPES if isinstance(field, cls)), "text")
