"""Statements that write many rows at once, for either database.

PostgreSQL gets one text with one parameter, a JSON array that it unpacks, so that a batch is one round trip.
SQLite gets the values themselves, in texts for 1, 2, 4, ... rows, each prepared once: unpacking JSON takes it
twice the time. Neither hands the interpreter lock back and forth for every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from msgspec import Struct

from storage.parameters import elements
from storage.tables import Table

MOST_ROWS = 256
"""Rows of one statement on SQLite; the widest table has 27 columns, and 32,766 parameters are allowed."""

Value = str | int | bool | None
Row = Sequence[Value]

_OR_ELSE: Mapping[str, str] = {"sqlite": "OR ROLLBACK ", "postgres": ""}
"""What becomes of the transaction when a row is refused. By itself SQLite would undo only the statement, and
for that keep a copy of each page it changes; whoever writes in batches undoes everything anyway.
"""


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


def _plain(text: str) -> str:
    # Also for members of a StrEnum, which the driver takes a microsecond longer for than for a plain text.
    return str(text).replace("\0", "\ufffd")


def insert(table: Table, rows: Sequence[Row], dialect: str) -> Statement:
    """Return the statement that inserts rows, each in the order of its columns."""
    return Statement(table.name, _insert_sql(table, dialect), rows)


def delete(table: Table, key: tuple[str, ...], rows: Sequence[Row], dialect: str) -> Statement:
    """Return the statement that deletes rows found by ``key``, whose values each of ``rows`` holds."""
    return Statement(table.name, _delete_sql(table, key, dialect), rows)


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
def _delete_sql(table: Table, key: tuple[str, ...], dialect: str) -> Callable[[int], str]:
    matches = " AND ".join(f't."{name}" = gone."{name}"' for name in key)
    if dialect == "sqlite":
        picked = ", ".join(f'column{index} AS "{name}"' for index, name in enumerate(key, start=1))
        begin = (
            f'DELETE FROM "{table.name}" WHERE "{table.key}" IN (SELECT t."{table.key}" FROM (SELECT {picked}'
        )
        # Joined in this order it goes by the index; for several rows SQLite would read the whole table.
        end = f') AS gone CROSS JOIN "{table.name}" t ON {matches})'
        return cache(lambda count: f"{begin} FROM ({_values(len(key), count)}){end}")
    picked = ", ".join(f'{_from_json(table, name, index)} AS "{name}"' for index, name in enumerate(key))
    query = f'DELETE FROM "{table.name}" t USING (SELECT {picked} FROM {elements()}) AS gone WHERE {matches}'
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


def _values(width: int, rows: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"VALUES {', '.join([row] * rows)}"


def _from_json(table: Table, name: str, index: int) -> str:
    return f"(value->>{index})::{table.columns[name]}"
