"""Brings the schema up to date at the start; safe to interrupt, and refuses a newer database."""

from __future__ import annotations

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.recorder import MigrationRecorder

from chatdesk.errors import DatabaseTooNew

APPS = {
    "models": {
        "models": ["storage.models"],
        "default_connection": "default",
        "migrations": "storage.migrations",
    }
}


async def bring_up_to_date(connection: BaseDBAsyncClient) -> None:
    """Run the migrations that this database lacks, all of them and the note of them in one transaction.

    The library notes a migration after it has committed it; a process killed in between could never
    start again. Raises DatabaseTooNew when the database has a migration this program does not know.
    """
    await _refuse_newer(connection)
    async with connection._in_transaction() as transaction:
        await MigrationExecutor(transaction, APPS).migrate(None)


async def _refuse_newer(connection: BaseDBAsyncClient) -> None:
    executor = MigrationExecutor(connection, APPS)
    applied = await MigrationRecorder(connection).applied_migrations()
    await executor.loader.build_graph()
    known = set(executor.loader.graph.nodes)
    unknown = sorted(key.name for key in applied if key not in known)
    if unknown:
        names = ", ".join(unknown)
        raise DatabaseTooNew(
            f"This database was changed by a newer chatdesk ({names}). "
            "Start that version, or restore a backup."
        )
