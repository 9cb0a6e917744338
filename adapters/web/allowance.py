"""How much one client may send: a bucket that fills with time."""

from __future__ import annotations

import time

RATE = 50.0
"""Frames a second in the long run; far above what a person types, below what hurts others."""
BURST = 100.0


class Allowance:
    """A token bucket on the monotonic clock."""

    __slots__ = (
        "_at",
        "_burst",
        "_left",
        "_rate",
    )

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = time.monotonic()

    def take(self) -> bool:
        """Take one token; False when there is none left."""
        now = time.monotonic()
        left = self._left + (now - self._at) * self._rate
        if left > self._burst:
            left = self._burst
        taken = left >= 1
        self._at, self._left = now, left - taken
        return taken
