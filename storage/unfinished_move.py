"""The mark on a database into which a desk is being moved [storage/moving.py]."""

from __future__ import annotations

from chatdesk.errors import StorageError
from storage.database import Database

MARK = "move"
MARKED = f"SELECT 1 FROM lease WHERE name = '{MARK}'"


async def refuse_unfinished(database: Database) -> None:
    """Raise StorageError when a move into this database was interrupted: half a desk must not start."""
    if await database.select(MARKED):
        raise StorageError("A move or restore into this database has not ended. Run the same command again.")
