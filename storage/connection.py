"""What plain statements ask of a connection; the ORM's clients and those without it offer it alike.

``execute`` and ``fetch`` take the same statement on either database [storage.parameters].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from storage.bulk import Statement
from storage.parameters import given, numbered


class HasDialect(Protocol):
    """Says ``sqlite`` or ``postgres``."""

    @property
    def dialect(self) -> str: ...


class Connection(Protocol):
    """A connection, which may be that of an open transaction."""

    @property
    def capabilities(self) -> HasDialect: ...

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, Sequence[Any]]:
        """Execute a statement; return how many rows it changed, or found, and those it returned."""

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a statement, by column name."""

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """Execute a statement with each of these values."""


class Autocommit(Connection, Protocol):
    """PostgreSQL's client, which executes statements that are transactions of their own."""

    async def execute_autocommit(self, query: str, values: Sequence[Any]) -> None:
        """Execute a statement that is a transaction of its own."""


@runtime_checkable
class InTurn(Protocol):
    """SQLite's open transactions: they execute any number of statements in one visit to their thread."""

    async def execute_in_turn(self, statements: Sequence[Statement]) -> Statement | None:
        """Execute all; stop at one that changes another number of rows than it has to, and return it."""


async def execute(connection: Connection, query: str, *values: Any) -> int:
    """Execute a statement, a ``?`` in it for each value; return how many rows it updated or deleted."""
    dialect = connection.capabilities.dialect
    changed, _ = await connection.execute_query(numbered(query, dialect), given(values, dialect))
    return changed


async def fetch(connection: Connection, query: str, *values: Any) -> list[dict[str, Any]]:
    """Execute a statement, a ``?`` in it for each value; return its rows by column name."""
    dialect = connection.capabilities.dialect
    return await connection.execute_query_dict(numbered(query, dialect), given(values, dialect))
