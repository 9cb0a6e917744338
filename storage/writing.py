"""Executes statements for many rows in an open transaction of either database."""

from __future__ import annotations

from collections.abc import Sequence

from tortoise.backends.base.client import BaseDBAsyncClient

from storage.bulk import Statement, rows_json
from storage.sqlite_client import ScriptedTransactionWrapper


async def write_all(connection: BaseDBAsyncClient, statements: Sequence[Statement]) -> Statement | None:
    """Execute all; stop at one that changes another number of rows than it has to, and return it."""
    if isinstance(connection, ScriptedTransactionWrapper):
        unmet: Statement | None = await connection.execute_in_turn(statements)
        return unmet
    for statement in statements:
        query = statement.query(len(statement.rows))
        changed, _ = await connection.execute_query(query, [rows_json(statement.rows)])
        if statement.changes is not None and changed != statement.changes:
            return statement
    return None
