"""About one post a second a channel: whoever comes too early is told when to come back."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from chatdesk.errors import DeliveryDelayed

MAX_RESERVED = 10_000


class Pacer:
    """Gives out turns, ``interval`` seconds apart in each channel, in the order they were asked for.

    A short wait is waited out; for a longer one the turn is kept for the delivery, which is delayed until
    then, so that a busy channel holds none of the relay's places. ``clock`` counts seconds.
    """

    def __init__(self, interval: float, clock: Callable[[], float], patience: float = 2.0) -> None:
        self._interval = interval
        self._clock = clock
        self._patience = patience
        self._next: dict[str, float] = {}
        self._reserved: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def turn(self, channel: str, delivery: str) -> None:
        """Wait for the delivery's turn. Raises DeliveryDelayed when it is not soon."""
        if not self._interval:
            return
        now = self._clock()
        turn = self._reserved.pop((channel, delivery), None)
        if turn is None:
            turn = max(now, self._next.get(channel, now))
            self._next[channel] = turn + self._interval
        wait = turn - now
        if wait > self._patience:
            self._keep(channel, delivery, turn)
            raise DeliveryDelayed("Other messages go into this channel first.", retry_after=wait)
        if wait > 0:
            await asyncio.sleep(wait)

    def hold(self, channel: str, seconds: float) -> None:
        """Give out no turn in the channel for so many seconds: Slack asked for it."""
        self._next[channel] = max(self._next.get(channel, 0.0), self._clock() + seconds)

    def _keep(self, channel: str, delivery: str, turn: float) -> None:
        self._reserved[channel, delivery] = turn
        if len(self._reserved) > MAX_RESERVED:
            self._reserved.popitem(last=False)
