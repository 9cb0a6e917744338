"""What a plain statement is given: a mark in it for each value, and each value as its driver takes it.

A statement has a ``?`` for each of its values, in their order, and moments among these are aware: so it is
the same for both databases. Any number of values or rows is given as one, a JSON array.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from msgspec.json import encode as to_json

from storage.columns import timestamp

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def numbered(query: str, dialect: str) -> str:
    """Return the statement with the database's own marks.

    Each text is kept: one that is another at every call is to be put behind the part that has the marks.
    """
    return query if dialect == "sqlite" else _numbered(query)


def given(values: Iterable[Any], dialect: str) -> list[Any]:
    """Return the values as the driver takes them: SQLite has moments as texts."""
    if dialect != "sqlite":
        return list(values)
    return [timestamp(value) if isinstance(value, datetime) else value for value in values]


def rows_json(values: Sequence[Any] | Mapping[str, Any]) -> str:
    """Return rows as JSON; a NUL, which cuts a text in SQLite and fails in PostgreSQL, becomes U+FFFD."""
    return without_nul(to_json(values).decode())


def without_nul(json: str) -> str:
    """Return JSON with U+FFFD for each NUL."""
    return _NUL.sub(r"\1\\ufffd", json) if r"\u0000" in json else json


def elements(kind: str = "array", parameter: int = 1) -> str:
    """Return PostgreSQL's elements of a parameter as ``value``: a JSON array of which all are of this kind.

    Of a function it expects 100 rows, and reads a table of 1,000 as a whole to find six; because of the
    condition, which each element meets, it expects one and goes by the index, with one plan that it keeps.
    """
    found = f"SELECT value FROM jsonb_array_elements(${parameter}::jsonb)"
    return f"({found} WHERE jsonb_typeof(value) = '{kind}') AS given"


def in_list(dialect: str, kind: str = "text") -> str:
    """Return an expression for all members of one JSON array parameter, for use after IN."""
    if dialect == "sqlite":
        return "(SELECT value FROM json_each(?))"
    members = elements("string" if kind == "text" else "number")
    return f"(SELECT (value #>> '{{}}')::{kind} FROM {members})"


@cache
def _numbered(query: str) -> str:
    first, *others = query.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, start=1))
