"""Statements that write many rows at once, for either database.

PostgreSQL gets one text with one parameter, a JSON array that it unpacks, so that a batch is one round trip.
SQLite gets the values themselves, in texts for 1, 2, 4, ... rows, each prepared once: unpacking JSON takes it
twice the time. Neither hands the interpreter lock back and forth for every row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct
from msgspec.json import encode as to_json

from storage.tables import Table

NODES_CHANNEL = "chatdesk"
"""The channel on which nodes tell one another what happened (PostgreSQL's NOTIFY)."""
MOST_ROWS = 256
"""Rows of one statement on SQLite; the widest table has 27 columns, and 32,766 parameters are allowed."""

Value = str | int | bool | None
Row = Sequence[Value]

_OR_ELSE: Mapping[str, str] = {"sqlite": "OR ROLLBACK ", "postgres": ""}
"""What becomes of the transaction when a row is refused. By itself SQLite would undo only the statement, and
for that keep a copy of each page it changes; whoever writes in batches undoes everything anyway.
"""

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class Statement(Struct, frozen=True):
    """Rows to write in a table.

    ``query`` returns the text for that many, ``changes`` is how many it has to change.
    """

    table: str
    query: Callable[[int], str]
    rows: Sequence[Row]
    changes: int | None = None


def parts(statement: Statement) -> Iterator[tuple[str, list[Value]]]:
    """Return what SQLite executes, texts with their parameters, to write all rows of the statement."""
    rows, done = statement.rows, 0
    while done < len(rows):
        count = min(1 << (len(rows) - done).bit_length() - 1, MOST_ROWS)
        yield statement.query(count), parameters(rows[done : done + count])
        done += count


def parameters(rows: Sequence[Row]) -> list[Value]:
    """Return the values as SQLite's driver takes them; a NUL, which cuts a text there, becomes U+FFFD."""
    return [
        _plain(value) if isinstance(value, str) and (value.__class__ is not str or "\0" in value) else value
        for row in rows
        for value in row
    ]


def rows_json(values: Sequence[Any] | Mapping[str, Value]) -> str:
    """Return rows as JSON; a NUL, which cuts a text in SQLite and fails in PostgreSQL, becomes U+FFFD."""
    return without_nul(to_json(values).decode())


def without_nul(json: str) -> str:
    """Return JSON with U+FFFD for each NUL."""
    return _NUL.sub(r"\1\\ufffd", json) if r"\u0000" in json else json


def _plain(text: str) -> str:
    # Also for members of a StrEnum, which the driver takes a microsecond longer for than for a plain text.
    return str(text).replace("\0", "\ufffd")


def elements(kind: str = "array", parameter: int = 1) -> str:
    """Return PostgreSQL's elements of a parameter as ``value``: a JSON array of which all are of this kind.

    Of a function it expects 100 rows, and reads a table of 1,000 as a whole to find six; because of the
    condition, which each element meets, it expects one and goes by the index, with one plan that it keeps.
    """
    found = f"SELECT value FROM jsonb_array_elements(${parameter}::jsonb)"
    return f"({found} WHERE jsonb_typeof(value) = '{kind}') AS given"


def insert(table: Table, rows: Sequence[Row], dialect: str) -> Statement:
    """Return the statement that inserts rows, each in the order of its columns."""
    return Statement(table.name, _insert_sql(table, dialect), rows)


def update(
    table: Table,
    key: tuple[str, ...],
    rows: Sequence[Row],
    dialect: str,
    *,
    versioned: bool = False,
    fixed: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> Statement:
    """Return the statement that updates rows found by ``key``.

    When ``versioned`` only rows whose version is one lower than the new one are touched, and all of them
    must be: the number of rows changed tells whether anybody else was faster. Columns that are ``fixed``
    for good are left out, and so are the indexes over them. With ``only``, rows hold just these columns,
    key included.
    """
    query = _update_sql(table, key, dialect, versioned, fixed, only)
    return Statement(table.name, query, rows, len(rows) if versioned else None)


@cache
def _insert_sql(table: Table, dialect: str) -> Callable[[int], str]:
    names = ", ".join(f'"{name}"' for name in table.columns)
    begin = f'INSERT {_OR_ELSE[dialect]}INTO "{table.name}" ({names})'
    if dialect == "sqlite":
        return cache(lambda count: f"{begin} {_values(len(table.columns), count)}")
    values = ", ".join(_from_json(table, name, index) for index, name in enumerate(table.columns))
    query = f"{begin} SELECT {values} FROM {elements()}"
    return lambda _: query


@cache
def _update_sql(
    table: Table,
    key: tuple[str, ...],
    dialect: str,
    versioned: bool,
    fixed: tuple[str, ...],
    only: tuple[str, ...],
) -> Callable[[int], str]:
    given = only or tuple(table.columns)
    used = [(index, name) for index, name in enumerate(given) if name not in fixed]
    assignments = ", ".join(f'"{name}" = new."{name}"' for _, name in used if name not in key)
    matches = [f'"{table.name}"."{name}" = new."{name}"' for name in key]
    if versioned:
        matches.append(f'"{table.name}"."version" = new."version" - 1')
    begin = f'UPDATE {_OR_ELSE[dialect]}"{table.name}" SET {assignments} FROM (SELECT'
    end = f") AS new WHERE {' AND '.join(matches)}"
    if dialect == "sqlite":
        picked = ", ".join(f'column{index + 1} AS "{name}"' for index, name in used)
        return cache(lambda count: f"{begin} {picked} FROM ({_values(len(given), count)}){end}")
    picked = ", ".join(f'{_from_json(table, name, index)} AS "{name}"' for index, name in used)
    query = f"{begin} {picked} FROM {elements()}{end}"
    return lambda _: query


@cache
def hold_sql(table: Table) -> str:
    """Return PostgreSQL's statement that locks rows and returns those that are not as they are known.

    Its parameter is a JSON array of `[key, known version]`; the rows are locked in the order of their keys.
    """
    key, kind = table.key, table.columns[table.key]
    return (
        f"WITH held AS MATERIALIZED (SELECT t.*, (value->>1)::int AS known "
        f'FROM {elements()} JOIN "{table.name}" t '
        f'ON t."{key}" = (value->>0)::{kind} ORDER BY t."{key}" FOR NO KEY UPDATE OF t) '
        f"SELECT * FROM held WHERE version <> known"
    )


def in_list(dialect: str, kind: str = "text") -> str:
    """Return an expression for all members of one JSON array parameter, for use after IN."""
    if dialect == "sqlite":
        return "(SELECT value FROM json_each(?))"
    members = elements("string" if kind == "text" else "number")
    return f"(SELECT (value #>> '{{}}')::{kind} FROM {members})"


LOOK_UP = f"""
    WITH held AS MATERIALIZED (
        SELECT c.*, (value->>1)::int AS known
        FROM {elements(parameter=2)} JOIN conversation c ON c.id = value->>0
        ORDER BY c.id FOR NO KEY UPDATE OF c
    ), of_held AS MATERIALIZED (
        SELECT t.*, ($3::jsonb->>t.number::text)::int AS known
        FROM (SELECT DISTINCT ticket FROM held) h JOIN ticket t ON t.number = h.ticket
        ORDER BY t.number FOR NO KEY UPDATE OF t
    ), before AS (
        SELECT * FROM received WHERE key IN {in_list("postgres")}
    )
    SELECT (SELECT json_agg(before) FROM before)::text AS received,
        (SELECT json_agg(held) FROM held WHERE version <> known)::text AS conversations,
        (SELECT json_agg(of_held) FROM of_held WHERE version IS DISTINCT FROM known)::text AS tickets"""
"""PostgreSQL's statement that reads all that a batch of plain messages needs, in one round trip.

It returns, as JSON, which of the events' keys ($1) were received before, and of the conversations ($2, each
as `[id, known version]`) and their tickets ($3, an object of numbers and known versions) those that are not
as they are known. It locks both in the order in which all nodes do, conversations before tickets.
"""


@cache
def together_sql(queries: tuple[str, ...], *, tell: bool) -> str:
    """Return PostgreSQL's statement that executes several, each with one parameter, in one round trip.

    It answers with one row: how many rows each has changed. With ``tell`` the texts of a last parameter, an
    array, are told to every node at the commit.
    """
    parts = _named_parts(queries, tell=tell)
    counts = ", ".join(f"(SELECT count(*) FROM s{index}) AS c{index}" for index in range(len(parts)))
    return f"WITH {', '.join(parts)} SELECT {counts}"


@cache
def all_or_nothing_sql(queries: tuple[str, ...], *, tell: bool) -> str:
    """Return PostgreSQL's statement that executes several as a transaction of its own, in one round trip.

    Two parameters follow those of ``together_sql``, as JSON: how many rows each query has to change, null
    for any number, and tickets as `[number, version]`. When a number is another, or a ticket has another
    version, it fails with a division by zero, and nothing has changed.
    """
    parts = _named_parts(queries, tell=tell)
    counts, tickets = f"${len(parts) + 1}::jsonb", f"${len(parts) + 2}::jsonb"
    met = [
        f"COALESCE((SELECT count(*) FROM s{index}) = ({counts}->>{index})::int, true)"
        for index in range(len(queries))
    ]
    if tell:
        # What nobody asks for is not executed.
        met.append(f"(SELECT count(*) FROM s{len(queries)}) > 0")
    present = (
        f"(SELECT count(*) FROM {elements(parameter=len(parts) + 2)} JOIN ticket t "
        f"ON t.number = (value->>0)::bigint AND t.version = (value->>1)::int) = jsonb_array_length({tickets})"
    )
    return f"WITH {', '.join(parts)} SELECT 1 / CASE WHEN {' AND '.join([*met, present])} THEN 1 ELSE 0 END"


def _named_parts(queries: tuple[str, ...], *, tell: bool) -> list[str]:
    parts = [
        f"s{index} AS ({query.replace('$1', f'${index + 1}')} RETURNING 1)"
        for index, query in enumerate(queries)
    ]
    if tell:
        source = f"unnest(${len(queries) + 1}::text[]) AS told"
        parts.append(
            f"s{len(queries)} AS MATERIALIZED (SELECT pg_notify('{NODES_CHANNEL}', told) FROM {source})"
        )
    return parts


def _values(width: int, rows: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"VALUES {', '.join([row] * rows)}"


def _from_json(table: Table, name: str, index: int) -> str:
    return f"(value->>{index})::{table.columns[name]}"
