"""What has to be cleared away now and then, so that a desk that runs for months does not fill up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import structlog

from chatdesk.errors import ChatdeskError
from chatdesk.pauses import happens_within
from chatdesk.ports import Clock

log = structlog.get_logger(__name__)

FIRST, PAUSE = 60.0, 3600.0
"""Seconds before the first round, so that a start has the desk for itself, and between two."""

Chore = Callable[[datetime], Awaitable[int]]
"""Clears away what is too old at that moment (aware, UTC); returns how much it was."""


class Housekeeping:
    """Does its chores, by name, every hour; each node does them. ``run`` has to be running."""

    def __init__(
        self, chores: Mapping[str, Chore], clock: Clock, *, first: float = FIRST, pause: float = PAUSE
    ) -> None:
        self._chores = chores
        self._clock = clock
        self._first = first
        self._pause = pause
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let ``run`` end."""
        self._stopping.set()

    async def run(self) -> None:
        """Do every chore a minute after the start, then every hour, until ``stop``."""
        wait = self._first
        while not await happens_within(self._stopping, wait):
            for name, chore in self._chores.items():
                await self._do(name, chore)
            wait = self._pause

    async def _do(self, name: str, chore: Chore) -> None:
        try:
            cleared = await chore(self._clock())
        except (ChatdeskError, OSError) as error:
            # What could not be cleared away now is found an hour later.
            log.warning("chore_failed", chore=name, error=str(error))
        else:
            if cleared:
                log.info("cleared_away", chore=name, number=cleared)
