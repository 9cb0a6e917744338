"""Waiting for something for so long and no longer, as loops do between two rounds."""

from __future__ import annotations

import asyncio


async def happens_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until ``event`` is set, at most so many seconds; tell whether it is.

    ``asyncio.wait_for`` of Python 3.11 can lose a cancellation that comes together with the event.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
