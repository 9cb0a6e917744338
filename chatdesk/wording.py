"""Hours and moments in the customer's words: "Monday to Friday, 7:00 AM to 5:30 PM EDT" [R28].

Moments are aware datetimes, said on the clock of the zone given. The zone's abbreviation and offset are
those in force at the moment that is said, which need not be today's. A date of another year than ``now``'s
is said with its year. A naive datetime raises ValueError.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

from chatdesk.business_hours import Calendar
from chatdesk.duration import BusinessDays, Duration
from chatdesk.weekly_hours import Weekly, Window

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MIDNIGHT = time(0)

CLOCK_STOPPED = "clock stopped"
"""What technicians read instead of the due time of a ticket that waits [R44]."""


def say_date(at: datetime, now: datetime, zone: tzinfo) -> str:
    """The date as said at `now`: "Monday, September 21", or "Monday, January 4, 2027" in 2026."""
    return _date_of(_local(at, zone), _local(now, zone))


def say_full_date(at: datetime, zone: tzinfo) -> str:
    """The date with its year, whenever it is read: "Friday, September 18, 2026"."""
    local = _local(at, zone)
    return f"{_day_and_month(local)}, {local.year}"


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


def say_moment(at: datetime, now: datetime, zone: tzinfo) -> str:
    """From when, as said at `now`: "Monday, September 21, from 7:00 AM EDT"."""
    return f"{say_date(at, now, zone)}, from {say_time(at, zone)} {say_zone(at, zone)}"


def say_opening(at: datetime, now: datetime, zone: tzinfo) -> str:
    """The moment itself, as said at `now`: "Monday, September 21, at 7:00 AM EDT"."""
    return f"{say_date(at, now, zone)}, at {say_time(at, zone)} {say_zone(at, zone)}"


def say_span(start: datetime, end: datetime, now: datetime, zone: tzinfo) -> str:
    """From when to when, as said at `now`: "Wednesday, December 2, 1:00 AM to 4:00 AM EST".

    The zone of the start is said too where the clocks change on the way.
    """
    before = say_zone(start, zone)
    changed = "" if before == say_zone(end, zone) else f" {before}"
    return f"{say_date(start, now, zone)}, {say_time(start, zone)}{changed} to {say_closing(end, zone)}"


def say_closing(at: datetime, zone: tzinfo, after: datetime | None = None) -> str:
    """The time at which something ends: "4:00 AM EST", "midnight EST".

    The zone is left out if it is the same as at `after`, of which it was said before.
    """
    local = _local(at, zone)
    said = "midnight" if local.time() == _MIDNIGHT else clock_of(local)
    known = after is not None and say_zone(after, zone) == zone_of(local)
    return said if known else f"{said} {zone_of(local)}"


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


def say_length(length: Duration) -> str:
    """A length of time, in its largest whole unit up to hours: "90 seconds", "1 hour", "5 business days"."""
    if isinstance(length, BusinessDays):
        return _counted(length.days, "business day")
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    if seconds:
        return _counted(minutes * 60 + seconds, "second")
    return _counted(minutes // 60, "hour") if minutes and minutes % 60 == 0 else _counted(minutes, "minute")


def say_took(span: timedelta) -> str:
    """A length of time in a few letters, its two largest units: "2 d 3 h", "15 min", "40 s"."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    days, rest = divmod(seconds // 60, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [f"{days} d" * bool(days), f"{hours} h" * bool(hours), f"{minutes} min" * bool(minutes)]
    return " ".join([part for part in parts if part][:2])


def say_next_opening(calendar: Calendar, at: datetime) -> str:
    """The moment at which it opens next, as said at `at`; "" while it is open, or if it never opens."""
    opening = None if calendar.is_open(at) else calendar.next_opening(at)
    return say_opening(opening, at, calendar.timezone) if opening else ""


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


def _date_of(local: date, today: date) -> str:
    said = _day_and_month(local)
    return said if local.year == today.year else f"{said}, {local.year}"


def _day_and_month(local: date) -> str:
    return f"{_DAYS[local.weekday()]}, {_MONTHS[local.month - 1]} {local.day}"


def _day_of(local: datetime, today: date) -> str:
    days_ahead = (local.date() - today).days
    return ("today", "tomorrow")[days_ahead] if 0 <= days_ahead < 2 else _date_of(local, today)


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


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _joined(parts: list[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)


def clock_of(at: time | datetime) -> str:
    """The time of day as it stands there: "7:00 AM"."""
    return f"{at.hour % 12 or 12}:{at.minute:02} {'AM' if at.hour < 12 else 'PM'}"


def _local(at: datetime, zone: tzinfo) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"{at} has no time zone: give an aware datetime")
    return at.astimezone(zone)
