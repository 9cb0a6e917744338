"""Recurring maintenance: when it takes place, and what is said of it from the evening before [R47].

Windows are local to the desk's zone, moments are aware UTC (`local_clock` says how a window lies on the
days the clocks change); a naive datetime raises ValueError. A window belongs to the day on which it opens.
One that lies wholly in the hour that is skipped when the clocks go forward does not take place on that day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo

from msgspec import Struct

from chatdesk.config import Config, MaintenanceWindow
from chatdesk.local_clock import first_instant
from chatdesk.weekly_hours import Window
from chatdesk.wording import say_closing, say_span

EVENING = time(17)
"""When maintenance is announced, on the day before.

That is the end of the usual working day: those who leave read in time what they have to save or leave
switched on, and nobody reads for a whole week about a night that does not concern them yet.
"""

MOST_IN_CHAT = 10
"""Notices that a post of Slack or a card of Teams has room for, besides what it is about."""

_ONE_DAY = timedelta(days=1)
_ONE_WEEK = timedelta(days=7)


class Occurrence(Struct, frozen=True):
    """One time at which a window's maintenance takes place; aware UTC.

    It is announced from ``announced`` on. From ``opens`` to ``closes`` everything may be away, from there
    to ``ends`` servers only; ``ends`` is ``closes`` where servers take no longer.
    """

    name: str
    announced: datetime
    opens: datetime
    closes: datetime
    ends: datetime


class Notice(Struct, frozen=True):
    """What is said of maintenance from ``since`` on until ``until``, which is exclusive; aware UTC."""

    text: str
    since: datetime
    until: datetime


def occurrences(window: MaintenanceWindow, zone: tzinfo, at: datetime) -> Iterator[Occurrence]:
    """Go through the window's occurrences that are not over at ``at``, earliest first, without an end."""
    if at.utcoffset() is None:
        raise ValueError(f"{at} has no time zone: give an aware datetime")
    # No occurrence is longer than a day: what goes on now began today or yesterday.
    day = at.astimezone(zone).date() - _ONE_DAY
    day += timedelta(days=(window.weekday - day.weekday()) % 7)
    while True:
        if not window.weeks or (day.day - 1) // 7 + 1 in window.weeks:
            found = _on(window, zone, day)
            if found.opens < found.closes and found.ends > at:
                yield found
        day += _ONE_WEEK


def _on(window: MaintenanceWindow, zone: tzinfo, day: date) -> Occurrence:
    opens, closes = Window(window.opens, window.closes).on(day)
    ends = closes
    if window.servers_until is not None:
        ends = datetime.combine(closes.date(), window.servers_until)
        ends += timedelta(days=ends < closes)
    walls = (datetime.combine(day - _ONE_DAY, EVENING), opens, closes, ends)
    return Occurrence(window.name, *(first_instant(wall, zone) for wall in walls))


def notices(config: Config, at: datetime) -> list[Notice]:
    """Return what is said, now and later, of each window's occurrence that goes on at ``at`` or comes next.

    Windows come in their given order. The notices of one follow each other without a gap.
    """
    zone = config.desk.timezone
    coming = (next(occurrences(window, zone, at)) for window in config.maintenance)
    return [notice for found in coming for notice in _notices(found, zone) if notice.until > at]


def announced(config: Config, at: datetime) -> list[str]:
    """Return what is said at ``at``; nothing where no maintenance goes on or is near."""
    return [notice.text for notice in notices(config, at) if notice.since <= at]


def announced_in_chat(config: Config, at: datetime) -> list[str]:
    """Return what Slack and Teams say at ``at`` (aware), a line each: the file's first ``MOST_IN_CHAT``."""
    return announced(config, at)[:MOST_IN_CHAT]


def _notices(found: Occurrence, zone: tzinfo) -> Iterator[Notice]:
    longer = found.ends > found.closes
    # Said in one zone where it does not change on the way.
    servers = f" Servers until {say_closing(found.ends, zone, found.closes)}." if longer else ""
    span = say_span(found.opens, found.closes, found.announced, zone)
    yield Notice(f"Maintenance: {found.name}, {span}.{servers}", found.announced, found.opens)
    until = say_closing(found.closes, zone)
    yield Notice(f"Maintenance now: {found.name}, until {until}.{servers}", found.opens, found.closes)
    if longer:
        until = say_closing(found.ends, zone)
        yield Notice(f"Server maintenance now: {found.name}, until {until}.", found.closes, found.ends)
