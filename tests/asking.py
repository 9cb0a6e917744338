"""A database asked past the desk, as another program would: SQLite's file, or PostgreSQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import asyncpg

from storage.database import postgres_address, sqlite_file

PATIENCE = 10.0
"""Seconds to wait for who is writing."""


async def ask(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, ``$1`` in it for the first value; what it changes is committed."""
    if url.startswith("sqlite:"):
        numbered = {str(number): value for number, value in enumerate(values, 1)}
        with closing(sqlite3.connect(sqlite_file(url), timeout=PATIENCE)) as file, file:
            return file.execute(statement, numbered).fetchall()
    connection = await asyncpg.connect(postgres_address(url), timeout=PATIENCE)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


async def number(url: str, query: str, *values: Any) -> int:
    """Return the one number that a query finds."""
    ((found,),) = await ask(url, query, *values)
    return int(found)
