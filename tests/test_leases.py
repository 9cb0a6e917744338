"""Leases: one holder at a time, rising tokens, passed on when the holder stops renewing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatdesk.errors import LeaseLost
from chatdesk.leases import Alone, Leases
from storage.adapter_notes import TortoiseAdapterNotes
from storage.database import Database
from storage.leases import Fence, TortoiseLeases
from tests.core_builders import url
from tests.desk_builders import TUESDAY

SECOND = timedelta(seconds=1)
SHORT = timedelta(milliseconds=300)
PATIENT = timedelta(seconds=2)
"""A lease that a busy disk does not keep from being renewed in time."""


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


@pytest.fixture
def leases(database: Database) -> Leases:
    return TortoiseLeases(database)


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_lease_has_one_holder_until_it_ends(leases: Leases) -> None:
    assert await leases.take("imap", "a", TUESDAY, TUESDAY + SECOND) == 1
    assert await leases.take("imap", "b", TUESDAY, TUESDAY + SECOND) is None
    assert await leases.take("slack", "b", TUESDAY, TUESDAY + SECOND) == 1
    assert await leases.take("imap", "b", TUESDAY + SECOND, TUESDAY + 2 * SECOND) == 2


async def test_an_earlier_holder_cannot_keep_what_passed_on(leases: Leases) -> None:
    first = await leases.take("imap", "a", TUESDAY, TUESDAY + SECOND)
    assert first is not None
    assert await leases.keep("imap", first, TUESDAY + 2 * SECOND)
    assert await leases.take("imap", "b", TUESDAY + SECOND, TUESDAY + 3 * SECOND) is None
    second = await leases.take("imap", "b", TUESDAY + 2 * SECOND, TUESDAY + 3 * SECOND)
    assert second == first + 1
    assert not await leases.keep("imap", first, TUESDAY + 9 * SECOND)
    await leases.give_back("imap", first)
    assert await leases.take("imap", "c", TUESDAY + 2 * SECOND, TUESDAY + 9 * SECOND) is None


async def test_a_lease_given_back_is_free_and_its_token_goes_on_rising(leases: Leases) -> None:
    await leases.give_back("imap", await leases.take("imap", "a", TUESDAY, TUESDAY + SECOND) or 0)
    assert await leases.take("imap", "b", TUESDAY, TUESDAY + SECOND) == 2


async def test_of_many_nodes_at_once_one_gets_it(leases: Leases) -> None:
    taken = await asyncio.gather(
        *(leases.take("imap", f"node {n}", TUESDAY, TUESDAY + SECOND) for n in range(10))
    )
    assert sorted(token for token in taken if token is not None) == [1]


async def test_work_moves_to_another_node_when_its_holder_stops(leases: Leases) -> None:
    working: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    def node(name: str) -> asyncio.Task[None]:
        async def work(token: int) -> None:
            working.put_nowait((name, token))
            await asyncio.Event().wait()

        return asyncio.create_task(Alone(leases, name, now, PATIENT).run("imap", work))

    first = node("a")
    assert await working.get() == ("a", 1)
    second = node("b")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(working.get(), 1.5 * PATIENT.total_seconds())
    first.cancel()
    assert await asyncio.wait_for(working.get(), 10) == ("b", 2)
    second.cancel()
    await asyncio.wait({first, second})


async def test_work_is_cut_off_before_a_lease_that_cannot_be_renewed_ends(leases: Leases) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work(token: int) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(Alone(leases, "a", now, SHORT).run("imap", work))
    await begun.wait()
    # Another node takes it by force, as one would whose clock is far ahead.
    assert await leases.take("imap", "b", now() + 99 * SECOND, now() + 999 * SECOND) == 2
    await asyncio.wait_for(ended.wait(), 10)
    task.cancel()
    await asyncio.wait({task})


async def test_work_that_ends_by_itself_ends_the_lease(leases: Leases) -> None:
    async def work(token: int) -> None:
        return None

    await Alone(leases, "a", now, SHORT).run("imap", work)
    assert await leases.take("imap", "b", now(), now() + SECOND) == 2


async def test_work_is_cut_off_at_once_when_another_node_has_taken_its_lease(leases: Leases) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work(token: int) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(Alone(leases, "a", now, 10 * SHORT).run("imap", work))
    await begun.wait()
    assert await leases.take("imap", "b", now() + 99 * SECOND, now() + 999 * SECOND) == 2
    # The first renewal comes after a third of it; the lease itself would last twice as long as this.
    await asyncio.wait_for(ended.wait(), 5 * SHORT.total_seconds())
    task.cancel()
    await asyncio.wait({task})


async def test_an_earlier_holder_writes_nothing_more(database: Database, leases: Leases) -> None:
    first = await leases.take("imap", "a", TUESDAY, TUESDAY + SECOND)
    assert first is not None
    notes = TortoiseAdapterNotes(database, Fence("imap", first))
    await notes.put("email", "folder", "1", TUESDAY)
    # Its lease has ended, but nobody has taken it: nothing can have been done meanwhile.
    await notes.put("email", "folder", "2", TUESDAY + 2 * SECOND)
    second = await leases.take("imap", "b", TUESDAY + 2 * SECOND, TUESDAY + 3 * SECOND)
    assert second is not None
    for write in (
        notes.put("email", "folder", "3", TUESDAY),
        notes.claim("email", "other", "3", TUESDAY),
        notes.remove("email", "folder"),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert await notes.get("email", "folder") == "2"
    assert await notes.get("email", "other") is None
    await TortoiseAdapterNotes(database, Fence("imap", second)).put("email", "folder", "9", TUESDAY)
    assert await notes.get("email", "folder") == "9"


async def test_a_lease_passes_on_only_after_what_its_holder_writes(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        leases = TortoiseLeases(database)
        token = await leases.take("imap", "a", TUESDAY, TUESDAY + SECOND)
        assert token is not None
        async with database.transaction() as connection:
            await Fence("imap", token).check(connection)
            taking = asyncio.create_task(leases.take("imap", "b", TUESDAY + SECOND, TUESDAY + 2 * SECOND))
            await until_waiting(database)
            assert not taking.done()
        assert await taking == token + 1


async def until_waiting(database: Database) -> None:
    """Wait until a transaction of the database waits for another one's lock."""
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not await database.reader.execute_query_dict(query):  # noqa: ASYNC110 - another process waits
            await asyncio.sleep(0.01)
