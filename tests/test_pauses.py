"""chatdesk.pauses: what happens in time is told, what does not is not waited for, and no end is overheard."""

from __future__ import annotations

import asyncio

import pytest

from chatdesk.pauses import happens_within


async def test_what_has_happened_or_happens_in_time_is_told_at_once() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await happens_within(event, 60.0)
    assert await happens_within(event, 60.0)


async def test_what_does_not_happen_is_waited_for_no_longer_than_said() -> None:
    assert not await happens_within(asyncio.Event(), 0.001)


async def test_an_end_that_comes_together_with_the_event_is_not_lost() -> None:
    event = asyncio.Event()
    waiting = asyncio.create_task(happens_within(event, 60.0))
    await asyncio.sleep(0)
    event.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        _ = await waiting
