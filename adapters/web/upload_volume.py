"""How many bytes one party sends in a day."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from chatdesk.rate_limit import MAX_PARTIES

DAY = timedelta(days=1)


class UploadVolume:
    """At most ``limit`` bytes a party in the day that begins with its first ones; kept in memory only."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sent: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def take(self, party: str, size: int, at: datetime) -> timedelta | None:
        """Count bytes sent at ``at`` (aware); when they are too many, return how long to wait instead."""
        since, sent = self._sent.get(party, (at, 0))
        if at >= since + DAY:
            since, sent = at, 0
        # A clock that was ahead for a moment holds nobody up for longer than a day.
        since = min(since, at)
        if sent + size > self._limit:
            self._sent[party] = since, sent
            return since + DAY - at
        self._sent[party] = since, sent + size
        self._sent.move_to_end(party)
        if len(self._sent) > MAX_PARTIES:
            self._sent.popitem(last=False)
        return None
