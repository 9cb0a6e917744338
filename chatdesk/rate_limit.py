"""How often one party may do something: counted over a sliding window, forgotten afterwards."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

MAX_PARTIES = 50_000
"""Parties that are remembered at once; the one that was quiet longest is forgotten first."""


class RateLimit:
    """At most ``limit`` times in any ``period`` for each party; kept in memory only."""

    def __init__(self, limit: int, period: timedelta) -> None:
        self._limit = limit
        self._period = period
        self._taken: OrderedDict[str, deque[datetime]] = OrderedDict()

    def take(self, party: str, at: datetime) -> bool:
        """Count one more time at ``at`` (aware); False, and nothing counted, when it is one too many."""
        if self.wait(party, at):
            return False
        taken = self._taken.setdefault(party, deque())
        taken.append(at)
        self._taken.move_to_end(party)
        if len(self._taken) > MAX_PARTIES:
            self._taken.popitem(last=False)
        return True

    def wait(self, party: str, at: datetime) -> timedelta:
        """Return how long the party has to wait for its next time; zero when it need not."""
        taken = self._taken.get(party)
        if taken is None:
            return timedelta(0)
        while taken and taken[0] <= at - self._period:
            taken.popleft()
        if not taken:
            del self._taken[party]
        _bring_back(taken, at)
        if len(taken) < self._limit:
            return timedelta(0)
        return taken[0] + self._period - at

    def forget(self, party: str) -> None:
        """Count nothing of what the party has done so far."""
        self._taken.pop(party, None)


def _bring_back(taken: deque[datetime], at: datetime) -> None:
    """Count what lies ahead of ``at`` as of now: the clock was put back, and may take long to get there."""
    ahead = 0
    while taken and taken[-1] > at:
        taken.pop()
        ahead += 1
    taken.extend([at] * ahead)
