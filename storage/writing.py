"""Executes statements for many rows in an open transaction of either database."""

from __future__ import annotations

from collections.abc import Sequence

from storage.bulk import Statement
from storage.connection import Connection, InTurn
from storage.parameters import rows_json


async def write_all(connection: Connection, statements: Sequence[Statement]) -> Statement | None:
    """Execute all; stop at one that changes another number of rows than it has to, and return it."""
    if isinstance(connection, InTurn):
        return await connection.execute_in_turn(statements)
    for statement in statements:
        query = statement.query(len(statement.rows))
        changed, _ = await connection.execute_query(query, [rows_json(statement.rows)])
        if statement.changes is not None and changed != statement.changes:
            return statement
    return None
