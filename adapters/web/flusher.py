"""Writes to all sockets whose readers keep up, in one task: a turn of the loop for each costs more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Protocol

from aiohttp import web


class Flushed(Protocol):
    """Somebody with something to write; ``flush`` must not wait for a reader, and must not raise."""

    async def flush(self) -> None: ...


class Flusher:
    """Flushes whoever asked, in order; ``run`` has to be running."""

    def __init__(self) -> None:
        self._asked: list[Flushed] = []
        self._idle: asyncio.Future[None] | None = None

    def add(self, flushed: Flushed) -> None:
        """Have it flushed soon, after everything that is told in this turn of the loop."""
        self._asked.append(flushed)
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    async def run(self) -> None:
        """Flush until cancelled."""
        while True:
            if not self._asked:
                self._idle = asyncio.get_running_loop().create_future()
                await self._idle
            asked, self._asked = self._asked, []
            for flushed in asked:
                await flushed.flush()


FLUSHER = web.AppKey("flusher", Flusher)


async def flushing(application: web.Application) -> AsyncIterator[None]:
    """Run the flusher while the application runs."""
    task = asyncio.create_task(application[FLUSHER].run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
