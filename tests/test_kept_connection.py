"""A connection is kept while all is well with it, and goes back to the pool when it is not, or not used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from storage import kept_connection
from storage.kept_connection import KeptConnection
from tests.core_builders import url

pytestmark = pytest.mark.postgres

NOTE = "INSERT INTO noted SELECT pg_backend_pid() FROM pg_sleep($1)"


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(url(tmp_path, "postgres"), min_size=0, max_size=3) as opened:
        await opened.execute("CREATE TABLE noted (process int)")
        yield opened
        await opened.execute("DROP TABLE noted")


@pytest.fixture
async def kept(pool: asyncpg.Pool) -> AsyncIterator[KeptConnection]:
    found = KeptConnection(pool, 5.0)
    yield found
    # A pool waits for all that it has given away.
    await found.give_back()


async def processes(pool: asyncpg.Pool) -> list[int]:
    """Return which of the server's processes executed the statements, in order."""
    return [row["process"] for row in await pool.fetch("SELECT process FROM noted")]


def kept_of(pool: asyncpg.Pool) -> int:
    """Return how many connections the pool has given away."""
    return int(pool.get_size() - pool.get_idle_size())


async def test_one_statement_after_the_other_is_executed_on_one_connection(
    pool: asyncpg.Pool, kept: KeptConnection
) -> None:
    for _ in range(5):
        await kept.execute(NOTE, [0])
        assert kept_of(pool) == 1
    assert len(set(await processes(pool))) == 1
    await kept.give_back()
    await kept.give_back()
    assert kept_of(pool) == 0


async def test_statements_at_the_same_time_have_a_connection_each_of_which_one_is_kept(
    pool: asyncpg.Pool,
    kept: KeptConnection,
) -> None:
    await asyncio.gather(*(kept.execute(NOTE, [0.05]) for _ in range(3)))
    assert len(set(await processes(pool))) == 3
    assert kept_of(pool) == 1


async def test_after_a_conflict_the_connection_is_kept(pool: asyncpg.Pool, kept: KeptConnection) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await kept.execute("SELECT 1 / $1::int", [0])
    assert kept_of(pool) == 1


async def test_a_statement_that_failed_or_was_cancelled_leaves_nothing_kept(
    pool: asyncpg.Pool, kept: KeptConnection
) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await kept.execute("INSERT INTO nowhere VALUES (1)", [])
    assert kept_of(pool) == 0
    task = asyncio.create_task(kept.execute(NOTE, [30]))
    while not kept_of(pool):  # noqa: ASYNC110 - the pool tells nobody
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kept_of(pool) == 0
    await kept.execute(NOTE, [0])
    assert len(await processes(pool)) == 1


async def test_a_connection_that_the_server_has_closed_is_replaced(
    pool: asyncpg.Pool, kept: KeptConnection
) -> None:
    await kept.execute(NOTE, [0])
    (process,) = await processes(pool)
    await pool.execute("SELECT pg_terminate_backend($1, 5000)", process)
    # That it is closed is either known by then, or told by the statement.
    while True:
        try:
            await kept.execute(NOTE, [0])
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            continue
        break
    first, second = await processes(pool)
    assert first != second
    assert kept_of(pool) == 1


async def test_what_was_not_used_for_long_is_asked_for_anew(
    pool: asyncpg.Pool, kept: KeptConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_connection, "IDLE", -1.0)
    await kept.execute(NOTE, [0])
    await pool.expire_connections()
    await kept.execute(NOTE, [0])
    assert len(set(await processes(pool))) == 2
    assert kept_of(pool) == 1
