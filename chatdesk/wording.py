"""Hours and moments in the customer's words: "Monday to Friday, 7:00 AM to 5:30 PM EDT" [R28].

Moments are aware datetimes, said on the clock of the zone given. The zone's abbreviation and offset are
those in force at the moment that is said, which need not be today's. A naive datetime raises ValueError.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

from chatdesk.business_hours import Calendar
from chatdesk.weekly_hours import Weekly, Window

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MIDNIGHT = time(0)


def say_date(at: datetime, zone: tzinfo) -> str:
    """The date: "Monday, September 21"."""
    return _date_of(_local(at, zone))


def say_time(at: datetime, zone: tzinfo) -> str:
    """The time of day, to the minute begun: "7:00 AM"."""
    return clock_of(_local(at, zone).time())


def say_zone(at: datetime, zone: tzinfo) -> str:
    """The zone's abbreviation at that moment, "EDT", or its offset where it has none, "UTC+5:45"."""
    return zone_of(_local(at, zone))


def zone_of(local: datetime) -> str:
    """The zone of a moment that is in its zone already [say_zone]."""
    name = local.tzname() or ""
    if name.isalpha():
        return name
    minutes = round((local.utcoffset() or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def say_moment(at: datetime, zone: tzinfo) -> str:
    """From when: "Monday, September 21, from 7:00 AM EDT"."""
    return f"{say_date(at, zone)}, from {say_time(at, zone)} {say_zone(at, zone)}"


def say_day(at: datetime, now: datetime, zone: tzinfo) -> str:
    """The day of `at` as said at `now`: "today", "tomorrow", or the date."""
    return _day_of(_local(at, zone), _local(now, zone).date())


def say_when(at: datetime, now: datetime, zone: tzinfo) -> str:
    """By when, as said at `now`: "today before 4:10 PM", "Monday, September 21 before 9:50 AM".

    A moment in the minute of midnight belongs to the day that ends there: "today before midnight".
    """
    at = at.replace(second=0, microsecond=0)
    local, today = _local(at, zone), _local(now, zone).date()
    if local.time() == _MIDNIGHT:
        return f"{_day_of(_local(at - timedelta(minutes=1), zone), today)} before midnight"
    return f"{_day_of(local, today)} before {clock_of(local)}"


def describe_hours(calendar: Calendar, at: datetime) -> str:
    """The weekly hours: "Monday to Friday, 7:00 AM to 5:30 PM EDT", "around the clock" or "closed".

    Days with the same hours are said together. The zone is the one in force at the next opening from `at`
    on, so that it agrees with a promise of that opening. Holidays are not said.
    """
    if calendar.always_open:
        return "around the clock"
    opening = calendar.next_opening(at)
    if opening is None:
        return "closed"
    groups = [f"{_say_days(days)}, {_say_windows(windows)}" for windows, days in _by_hours(calendar.weekly)]
    return f"{'; '.join(groups)} {say_zone(opening, calendar.timezone)}"


def _date_of(local: date) -> str:
    return f"{_DAYS[local.weekday()]}, {_MONTHS[local.month - 1]} {local.day}"


def _day_of(local: datetime, today: date) -> str:
    days_ahead = (local.date() - today).days
    return ("today", "tomorrow")[days_ahead] if 0 <= days_ahead < 2 else _date_of(local)


def _by_hours(weekly: Weekly) -> list[tuple[tuple[Window, ...], list[int]]]:
    groups: dict[tuple[Window, ...], list[int]] = {}
    for day, windows in enumerate(weekly):
        if windows:
            groups.setdefault(windows, []).append(day)
    return list(groups.items())


def _say_days(days: list[int]) -> str:
    if len(days) == 7:
        return "every day"
    said: list[str] = []
    for first in (day for day in days if (day - 1) % 7 not in days):
        length = next(step for step in range(1, 8) if (first + step) % 7 not in days)
        run = [_DAYS[(first + step) % 7] for step in range(length)]
        said += run if length < 3 else [f"{run[0]} to {run[-1]}"]
    return _joined(said)


def _say_windows(windows: tuple[Window, ...]) -> str:
    return _joined([_say_window(window) for window in windows])


def _say_window(window: Window) -> str:
    if window.opens == window.closes:
        return "all day"
    closes = "midnight" if window.closes == _MIDNIGHT else clock_of(window.closes)
    return f"{clock_of(window.opens)} to {closes}"


def _joined(parts: list[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)


def clock_of(at: time | datetime) -> str:
    """The time of day as it stands there: "7:00 AM"."""
    return f"{at.hour % 12 or 12}:{at.minute:02} {'AM' if at.hour < 12 else 'PM'}"


def _local(at: datetime, zone: tzinfo) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"{at} has no time zone: give an aware datetime")
    return at.astimezone(zone)
