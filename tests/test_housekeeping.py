"""chatdesk.housekeeping: chores are done again and again, and one that fails does not stop the others."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from chatdesk.errors import StorageError
from chatdesk.housekeeping import Housekeeping

NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize("error", [StorageError("locked"), PermissionError("read-only")])
async def test_every_chore_is_done_each_round_although_one_fails(error: Exception) -> None:
    done: list[datetime] = []
    enough = asyncio.Event()

    async def fails(at: datetime) -> int:
        raise error

    async def works(at: datetime) -> int:
        done.append(at)
        if len(done) == 3:
            enough.set()
        return len(done)

    housekeeping = Housekeeping({"fails": fails, "works": works}, lambda: NOON, first=0, pause=0)
    running = asyncio.create_task(housekeeping.run())
    async with asyncio.timeout(10):
        await enough.wait()
        housekeeping.stop()
        await running
    assert done[:3] == [NOON] * 3


async def test_it_ends_at_once_when_told_to() -> None:
    housekeeping = Housekeeping({}, lambda: NOON)
    running = asyncio.create_task(housekeeping.run())
    housekeeping.stop()
    async with asyncio.timeout(10):
        await running


async def test_the_first_round_does_not_wait_for_an_hour() -> None:
    done = asyncio.Event()

    async def chore(at: datetime) -> int:
        done.set()
        return 0

    housekeeping = Housekeeping({"chore": chore}, lambda: NOON, first=0)
    running = asyncio.create_task(housekeeping.run())
    async with asyncio.timeout(10):
        await done.wait()
        housekeeping.stop()
        await running
