"""Between the clock on a wall and UTC, on the days the clocks change too.

A wall time is a naive datetime as a clock in that zone shows it. Where a wall time is shown twice the
first showing counts (RFC 5545, 3.3.5); where it is skipped, the instant of the jump does. Both follow
from one definition, which never runs backwards: the first instant at which the clock shows that time
or a later one.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta, tzinfo


def first_instant(wall: datetime, zone: tzinfo) -> datetime:
    """The earliest UTC instant at which clocks in `zone` show `wall` or later."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    before_jump = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _clock_change(before_jump, instant, zone)


def furthest_wall(instant: datetime, zone: tzinfo) -> datetime:
    """The latest wall time clocks in `zone` have shown by `instant`.

    It is the time shown, except while an hour is repeated: then it is the time at which the clocks were
    put back, so that a later instant never has an earlier wall time.
    """
    local = instant.astimezone(zone)
    if not local.fold:
        return local.replace(tzinfo=None)
    first_showing = local.replace(fold=0)
    change = _clock_change(
        first_showing.astimezone(UTC).replace(microsecond=0), instant.replace(microsecond=0), zone
    )
    return (change + (first_showing.utcoffset() or timedelta())).replace(tzinfo=None)


def _clock_change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The instant of the one clock change later than `before` and not later than `after`."""
    new_offset = after.astimezone(zone).utcoffset()

    def changed(seconds: int) -> bool:
        return (before + timedelta(seconds=seconds)).astimezone(zone).utcoffset() == new_offset

    span = int((after - before).total_seconds())
    return before + timedelta(seconds=bisect_left(range(span), True, key=changed))
