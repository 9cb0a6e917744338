"""Brings the schema up to date at the start; safe to interrupt, and refuses a newer database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chatdesk.errors import DatabaseTooNew, StorageError
from storage.orm import APPS
from storage.sqlite_connection import statements_of

if TYPE_CHECKING:
    from tortoise.migrations.executor import MigrationExecutor

    from storage.database import Database

NEW_DESK = Path(__file__).parent / "new_desk.sql"
"""What all migrations together make of an empty SQLite database; a test holds it to them."""
_FOLDER = Path(__file__).parent / "migrations"
_APPLIED = "SELECT name FROM tortoise_migrations WHERE app = 'models'"
_LOCK = 0x63686174
"""Number of the advisory lock that one migrating node holds (PostgreSQL)."""


async def bring_up_to_date(database: Database) -> None:
    """Run the migrations that this database lacks, all of them and the note of them in one transaction.

    The library notes a migration after it has committed it; a process killed in between could never
    start again. Of several nodes that start at once one migrates and the others wait for it. Raises
    DatabaseTooNew when the database has a migration this program does not know.
    """
    if not await is_current(database) and not await make_new(database):
        await migrate(database)


async def is_current(database: Database) -> bool:
    """Tell whether it has exactly this program's migrations: most starts need no more than that answer."""
    try:
        applied = {row["name"] for row in await database.select(_APPLIED)}
    except StorageError:
        # A new database has no such table. What else is wrong the migrations will tell.
        return False
    return applied == {path.stem for path in _FOLDER.glob("[0-9]*.py")}


async def make_new(database: Database) -> bool:
    """Make all tables in one transaction where there is none yet, on SQLite; tell whether that was done.

    The migrations, one after the other, take several times as long as all else at a desk's first start.
    """
    if database.dialect != "sqlite":
        return False
    async with database.writing() as connection:
        if await connection.execute_query_dict("SELECT 1 FROM sqlite_master LIMIT 1"):
            return False
        for statement in statements_of(NEW_DESK.read_text(encoding="utf-8")):
            await connection.execute_query(statement)
    return True


async def migrate(database: Database) -> None:
    """Run the migrations that are missing."""
    from tortoise.migrations.executor import MigrationExecutor

    async with database.writer._in_transaction() as transaction:
        if database.dialect == "postgres":
            await transaction.execute_script(
                f"SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({_LOCK})"
            )
        executor = MigrationExecutor(transaction, APPS)
        # Before the library asks: it takes a failed question for an empty answer, and on PostgreSQL a
        # failed statement ends the transaction.
        await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
        await _refuse_newer(executor)
        await executor.migrate(None)


async def _refuse_newer(executor: MigrationExecutor) -> None:
    applied = await executor.recorder.applied_migrations()
    await executor.loader.build_graph()
    known = set(executor.loader.graph.nodes)
    unknown = sorted(key.name for key in applied if key not in known)
    if unknown:
        names = ", ".join(unknown)
        raise DatabaseTooNew(
            f"This database was changed by a newer chatdesk ({names}). "
            "Start that version, or restore a backup."
        )
