"""What a plain statement is given: a mark in it for each value, and each value as its driver takes it.

A statement has a ``?`` for each of its values, in their order, and moments among these are aware: so it is
the same for both databases.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from storage.columns import timestamp


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


@cache
def _numbered(query: str) -> str:
    first, *others = query.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, start=1))
