"""Work that one node of a desk does at a time: held by a lease, passed on when its holder dies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from chatdesk.errors import StorageError
from chatdesk.ports import Clock

log = structlog.get_logger(__name__)

LENGTH = timedelta(seconds=15)
"""How long a lease lasts unless it is renewed, which happens three times as often."""


class Leases(Protocol):
    """Leases by name. Each new holder gets a higher token, so that an earlier one is told from it."""

    async def take(self, name: str, holder: str, now: datetime, until: datetime) -> int | None:
        """Take the lease if nobody holds it at ``now``; return its token, None when it is held."""

    async def keep(self, name: str, token: int, until: datetime) -> bool:
        """Hold it for longer; False when somebody else took it meanwhile."""

    async def give_back(self, name: str, token: int) -> None:
        """End it, so that another need not wait; nothing happens when somebody else has it."""


class Alone:
    """Does work on one node at a time. ``node`` is this process's own name among the desk's nodes."""

    def __init__(self, leases: Leases, node: str, clock: Clock, length: timedelta = LENGTH) -> None:
        self._leases = leases
        self._node = node
        self._clock = clock
        self._length = length
        self._pause = length.total_seconds() / 3

    async def run(self, name: str, work: Callable[[int], Awaitable[None]]) -> None:
        """Do ``work`` while this node holds the lease, until it ends by itself or this is cancelled.

        ``work`` gets the lease's token and is cancelled before the lease ends when it cannot be renewed.
        """
        while True:
            began = self._clock()
            token = await self._take(name, began)
            if token is None:
                await asyncio.sleep(self._pause)
            elif await self._hold(name, token, work, began + self._length):
                return

    async def _take(self, name: str, now: datetime) -> int | None:
        try:
            token = await self._leases.take(name, self._node, now, now + self._length)
        except StorageError as error:
            log.warning("lease_not_asked_for", lease=name, error=str(error))
            return None
        if token is not None:
            log.info("lease_taken", lease=name, token=token)
        return token

    async def _hold(
        self, name: str, token: int, work: Callable[[int], Awaitable[None]], until: datetime
    ) -> bool:
        """Work until the work has ended (True) or the lease cannot be kept (False)."""
        task = asyncio.ensure_future(work(token))
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=self._pause)
                if done:
                    task.result()
                    return True
                wanted = self._clock() + self._length
                kept = await self._keep(name, token, wanted)
                if kept:
                    until = wanted
                elif kept is False or self._clock() + self._length / 3 >= until:
                    log.warning("lease_lost", lease=name, token=token)
                    return False
        finally:
            task.cancel()
            await asyncio.wait({task})
            await self._give_back(name, token)

    async def _keep(self, name: str, token: int, until: datetime) -> bool | None:
        """Tell whether it was renewed; False when another node took it, None when nobody could be asked."""
        try:
            async with asyncio.timeout(self._pause):
                return await self._leases.keep(name, token, until)
        except (StorageError, TimeoutError) as error:
            log.warning("lease_not_renewed", lease=name, error=str(error))
            return None

    async def _give_back(self, name: str, token: int) -> None:
        try:
            async with asyncio.timeout(self._pause):
                await self._leases.give_back(name, token)
        except (StorageError, TimeoutError) as error:
            log.warning("lease_not_given_back", lease=name, error=str(error))
