"""Writes storage/new_desk.sql, what all migrations together make of an empty SQLite database.

`make migration` runs it; a test fails when the file is another than it would write.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from storage.database import Database
from storage.migrator import NEW_DESK, migrate

_TABLES = """
    SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
    ORDER BY rowid"""
_HEAD = "-- Written by scripts/new_desk.py from the migrations: change those.\n"


def script() -> str:
    """Return the script, made from a database that the migrations made."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.sqlite3"
        asyncio.run(_migrated(f"sqlite:///{file}"))
        with closing(sqlite3.connect(file)) as database:
            return _HEAD + "\n".join(f"{statement};" for statement in _statements(database)) + "\n"


async def _migrated(url: str) -> None:
    database = Database(url)
    await database.connect()
    try:
        await migrate(database)
    finally:
        await database.close()


def _statements(database: sqlite3.Connection) -> list[str]:
    found: list[tuple[str, str]] = database.execute(_TABLES).fetchall()
    virtual = [name for name, sql in found if sql.startswith("CREATE VIRTUAL")]
    # What a virtual table keeps it makes itself.
    made = [sql for name, sql in found if not any(name.startswith(f"{owner}_") for owner in virtual)]
    triggers = [sql for _, sql in found if sql.startswith("CREATE TRIGGER")]
    applied = database.execute("SELECT name FROM tortoise_migrations ORDER BY id").fetchall()
    note = (
        "INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '{}', CURRENT_TIMESTAMP)"
    )
    others = [sql for sql in made if sql not in triggers]
    return [*others, *triggers, *(note.format(name) for (name,) in applied)]


if __name__ == "__main__":
    NEW_DESK.write_text(script(), encoding="utf-8")
    print(f"Wrote {NEW_DESK}.")
