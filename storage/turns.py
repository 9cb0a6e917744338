"""Turns taken in the database by those who look before they write, where it does not see to that itself."""

from __future__ import annotations

from storage.connection import Connection


async def take_turn(connection: Connection, name: str) -> None:
    """Wait until no other transaction has the turn of this name, and have it until this one ends.

    What is read after it holds until then, so that two who count, or look for a row, do not both find room.
    SQLite has one writing transaction at a time; on PostgreSQL they run side by side, on every node.
    """
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [name])
