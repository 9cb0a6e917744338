"""The lease of one delivery that is being sent, and the calls that have to end before it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import TypeVar

from chatdesk.outbox import Delivery

Answer = TypeVar("Answer")

A_CALL = 0.3
"""What one call may take of a lease: looking, sending and looking again end together before it does."""
RENEWED_AFTER = 1 / 3
"""After which part of it a lease is renewed: a database that is away for as long again cuts off no call."""


class HeldLease:
    """A lease of the length ``length``, taken at ``taken`` by the event loop's clock and ending at ``until``.

    Calls are timed by the loop's clock, which nobody sets: they end in time although the database hangs.
    """

    def __init__(self, delivery: Delivery, until: datetime, taken: float, length: timedelta) -> None:
        self.delivery = delivery
        self._until = until
        self._length = length
        self._ends = taken + length.total_seconds()
        self._latest = 0.0
        self._limit: asyncio.Timeout | None = None
        self._looking: asyncio.Timeout | None = None

    @property
    def renewed_at(self) -> datetime:
        """When it has to be renewed where it is to last."""
        return self._until - self._length * (1 - RENEWED_AFTER)

    async def send(self, call: Awaitable[Answer], patience: timedelta | None) -> Answer:
        """Await what sends the delivery; it ends early enough for a look before the lease ends.

        With ``patience`` it may take as long as that, where the lease is renewed meanwhile. Raises
        TimeoutError.
        """
        longest = patience or self._length * A_CALL
        self._latest = asyncio.get_running_loop().time() + longest.total_seconds()
        try:
            async with asyncio.timeout_at(self._call_ends) as self._limit:
                return await call
        finally:
            self._limit = None

    async def look(self, call: Awaitable[Answer]) -> Answer:
        """Await what looks whether the delivery arrived. Raises TimeoutError."""
        try:
            async with asyncio.timeout((self._length * A_CALL).total_seconds()) as self._looking:
                return await call
        finally:
            self._looking = None

    def renewed(self, until: datetime, taken: float) -> None:
        """Let the call go on: the lease was renewed at ``taken`` and ends at ``until``."""
        self._until = until
        self._ends = taken + self._length.total_seconds()
        self._end_call()

    def cut_off(self) -> None:
        """Cut off what sends the delivery, or looks for it: another relay has it, or this one stops."""
        self._ends = asyncio.get_running_loop().time()
        self._end_call()
        if self._looking is not None and not self._looking.expired():
            self._looking.reschedule(self._ends)

    @property
    def _call_ends(self) -> float:
        return min(self._latest, self._ends - (self._length * A_CALL).total_seconds())

    def _end_call(self) -> None:
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(self._call_ends)
