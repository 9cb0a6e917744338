"""Work that is done to its end although whoever waits for it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from storage.uninterrupted import Uninterrupted, uninterrupted

Way = Callable[[asyncio.Future[int]], Awaitable[int]]


def by_a_task(done: asyncio.Future[int]) -> Coroutine[Any, Any, int]:
    async def work() -> int:
        return await asyncio.shield(done)

    return uninterrupted(work())


def by_itself(done: asyncio.Future[int]) -> Awaitable[int]:
    return done


WAYS = pytest.mark.parametrize("way", [by_a_task, by_itself])


async def waiting(way: Way, done: asyncio.Future[int]) -> asyncio.Task[int]:
    """Return a task that waits for the work."""

    async def wait() -> int:
        return await way(done)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


@WAYS
async def test_its_result_is_returned(way: Way) -> None:
    done: Uninterrupted[int] = Uninterrupted()
    task = await waiting(way, done)
    done.set_result(7)
    assert await task == 7


@WAYS
async def test_who_is_cancelled_meanwhile_is_so_when_it_is_done(way: Way) -> None:
    done: Uninterrupted[int] = Uninterrupted()
    task = await waiting(way, done)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    assert not done.done()
    done.set_result(7)
    with pytest.raises(asyncio.CancelledError):
        await task


@WAYS
async def test_a_fault_is_raised(way: Way) -> None:
    done: Uninterrupted[int] = Uninterrupted()
    task = await waiting(way, done)
    done.set_exception(OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        await task


@WAYS
async def test_a_limit_of_time_passes_when_it_is_done(way: Way) -> None:
    done: Uninterrupted[int] = Uninterrupted()
    asyncio.get_running_loop().call_later(0.02, done.set_result, 7)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await way(done)
    assert done.done()
