"""How much one client may send: a bucket that fills with time, the same whatever connection it comes by."""

from __future__ import annotations

import time
from collections.abc import Callable

RATE = 50.0
"""Frames a second in the long run; far above what a person types, below what hurts others."""
BURST = 100.0
KEPT = 1_000
"""Buckets from which on the full ones are forgotten now and then: a new one is as full."""


class Allowance:
    """A token bucket. ``clock`` gives seconds of a monotonic clock."""

    __slots__ = (
        "_at",
        "_clock",
        "_left",
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = BURST
        self._at = clock()

    @property
    def full(self) -> bool:
        """Whether nothing is missing from it."""
        return self._left + (self._clock() - self._at) * RATE >= BURST

    def take(self, tokens: int = 1) -> bool:
        """Take so many tokens; False, and none taken, when there are fewer left."""
        now = self._clock()
        left = self._left + (now - self._at) * RATE
        if left > BURST:
            left = BURST
        enough = left >= tokens
        self._at, self._left = now, left - tokens if enough else left
        return enough


class Allowances:
    """The buckets of those who send, by name: who connects anew goes on with what was left."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_sender: dict[str, Allowance] = {}
        self._room = KEPT

    def of(self, sender: str) -> Allowance:
        """Return the sender's bucket."""
        found = self._by_sender.get(sender)
        if found is None:
            if len(self._by_sender) >= self._room:
                self._forget_full()
            found = self._by_sender[sender] = Allowance(self._clock)
        return found

    @property
    def kept(self) -> int:
        """How many buckets are remembered."""
        return len(self._by_sender)

    def _forget_full(self) -> None:
        self._by_sender = {name: one for name, one in self._by_sender.items() if not one.full}
        self._room = max(KEPT, 2 * len(self._by_sender))
