"""Brings the schema up to date at the start; safe to interrupt, and refuses a newer database."""

from __future__ import annotations

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.executor import MigrationExecutor

from chatdesk.errors import DatabaseTooNew

APPS = {
    "models": {
        "models": ["storage.models"],
        "default_connection": "default",
        "migrations": "storage.migrations",
    }
}


_LOCK = 0x63686174
"""Number of the advisory lock that one migrating node holds (PostgreSQL)."""


async def bring_up_to_date(connection: BaseDBAsyncClient) -> None:
    """Run the migrations that this database lacks, all of them and the note of them in one transaction.

    The library notes a migration after it has committed it; a process killed in between could never
    start again. Of several nodes that start at once one migrates and the others wait for it. Raises
    DatabaseTooNew when the database has a migration this program does not know.
    """
    async with connection._in_transaction() as transaction:
        if connection.capabilities.dialect == "postgres":
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
