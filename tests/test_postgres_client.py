"""The repaired PostgreSQL client: cancelled transactions, lost connections, a server that only reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from chatdesk.errors import ConcurrentChange, DatabaseUnavailable, StorageError
from storage.database import POOL_SIZE, Database
from storage.migrator import migrate
from tests import postgres_server
from tests.core_builders import url

pytestmark = pytest.mark.postgres

SLEEP = "SELECT pg_sleep(30)"


@pytest.fixture
def address(tmp_path: Path) -> str:
    return url(tmp_path, "postgres")


@pytest.fixture
async def database(address: str) -> AsyncIterator[Database]:
    async with Database(address) as opened:
        yield opened


async def on_the_side(address: str, statement: str) -> None:
    """Execute a statement on a connection of its own."""
    connection = await asyncpg.connect(address)
    await connection.execute(statement)
    await connection.close()


async def kill_connections(address: str) -> None:
    await on_the_side(
        address,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


async def test_a_cancelled_transaction_gives_its_connection_back(database: Database) -> None:
    async def work() -> None:
        async with database.transaction() as connection:
            await connection.execute_query("INSERT INTO counter VALUES ('x', 1)")
            await connection.execute_query(SLEEP)

    for round_ in range(3 * POOL_SIZE):
        task = asyncio.create_task(work())
        await asyncio.sleep(0.001 * round_)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with database.transaction() as connection:
        assert await connection.execute_query_dict("SELECT * FROM counter") == []


async def test_killed_connections_are_told_as_unavailable_and_then_replaced(
    database: Database, address: str
) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with database.transaction() as connection:
            await kill_connections(address)
            await connection.execute_query("SELECT 1")
    async with database.transaction() as connection:
        assert await connection.execute_query_dict("SELECT 1 AS one") == [{"one": 1}]


async def test_a_commit_on_a_lost_connection_is_not_taken_for_done(database: Database, address: str) -> None:
    with pytest.raises(StorageError):
        async with database.transaction() as connection:
            await connection.execute_query("INSERT INTO counter VALUES ('x', 1)")
            await kill_connections(address)
    # Not over the reader's own connection, which was killed as well and may not have heard of it.
    connection = await asyncpg.connect(address)
    assert await connection.fetch("SELECT * FROM counter") == []
    await connection.close()


async def test_a_server_that_only_reads_is_told_as_unavailable(database: Database, address: str) -> None:
    name = address.partition("?")[0].rpartition("/")[2]
    await on_the_side(address, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        await kill_connections(address)
        with suppress(StorageError):  # It may meet a connection that was killed.
            await database.writer.execute_query("SELECT 1")
        with pytest.raises(DatabaseUnavailable, match="read-only"):
            async with database.transaction() as connection:
                await connection.execute_query("INSERT INTO counter VALUES ('x', 1)")
        assert "only reads" in (await database.problem() or "")
    finally:
        postgres_server.server().psql(f"ALTER DATABASE {name} RESET default_transaction_read_only;")
    # What was connected while it only read would go on so for good.
    async with asyncio.timeout(10):
        while await database.problem() is not None:  # noqa: ASYNC110 - the server's own connections change
            await asyncio.sleep(0.01)
    async with database.transaction() as connection:
        await connection.execute_query("INSERT INTO counter VALUES ('x', 1)")


@pytest.mark.parametrize("why", postgres_server.REFUSALS)
async def test_a_database_that_cannot_be_connected_to_is_told_as_unavailable(
    database: Database, address: str, why: str
) -> None:
    client = database.postgres_writer
    uses: dict[str, Callable[[], Awaitable[object]]] = {
        "transaction": lambda: in_transaction(database),
        "kept": lambda: client.execute_autocommit("SELECT 1", []),
        "read": lambda: database.select("SELECT 1"),
    }
    with postgres_server.refusing(address, why):
        for use in uses.values():
            # What it was connected with has to be found out to be lost first.
            for _ in range(2 * POOL_SIZE):
                with pytest.raises(DatabaseUnavailable):
                    await use()
    for use in uses.values():
        await use()


@pytest.mark.parametrize("why", postgres_server.REFUSALS)
async def test_a_desk_is_told_that_its_database_cannot_be_connected_to(address: str, why: str) -> None:
    with postgres_server.refusing(address, why), pytest.raises(DatabaseUnavailable):
        await Database(address).open()


async def in_transaction(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute_query("SELECT 1")


async def test_a_deadlock_is_a_concurrent_change(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute_query("INSERT INTO counter VALUES ('a', 1), ('b', 1)")
    first_has_a, second_has_b = asyncio.Event(), asyncio.Event()

    async def update(mine: str, other: str, have: asyncio.Event, wait: asyncio.Event) -> None:
        async with database.transaction() as connection:
            await connection.execute_query(f"UPDATE counter SET value = 2 WHERE name = '{mine}'")
            have.set()
            await wait.wait()
            await connection.execute_query(f"UPDATE counter SET value = 2 WHERE name = '{other}'")

    results = await asyncio.gather(
        update("a", "b", first_has_a, second_has_b),
        update("b", "a", second_has_b, first_has_a),
        return_exceptions=True,
    )
    assert [type(result) for result in results if result is not None] == [ConcurrentChange]


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        async with Database("postgres://desk:secret-word@127.0.0.1:1/desk"):
            pass
    assert "desk:***@127.0.0.1:1/desk" in str(caught.value)
    assert "secret-word" not in str(caught.value)


async def test_nodes_that_start_at_once_migrate_in_turn(address: str, database: Database) -> None:
    await on_the_side(address, "DROP SCHEMA public CASCADE")
    await on_the_side(address, "CREATE SCHEMA public")
    try:
        await asyncio.gather(*(migrate(database) for _ in range(3)))
        assert await database.reader.execute_query_dict("SELECT count(*) AS found FROM ticket") == [
            {"found": 0}
        ]
    finally:
        postgres_server.set_aside(address)
