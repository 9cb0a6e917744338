"""Opening hours of a week: windows of local time for each weekday, and how `chatdesk.toml` writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import TypeAlias

from msgspec import Struct

from chatdesk.errors import InvalidCalendar

DAY_KEYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MIDNIGHT = time(0)
_WINDOW = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-\N{EN DASH}]\s*([0-9]{1,2}):([0-9]{2})")
_HELP_WINDOW = 'write "08:30-17:00", or ["08:00-12:00", "13:00-17:00"] for several'
_HELP_DAY = 'use mon, tue, wed, thu, fri, sat, sun, a range ("mon-fri"), a list ("tue,thu") or "daily"'


class Window(Struct, frozen=True):
    """One span of local time: opening inclusive, closing exclusive [R46].

    A closing time of 00:00 is the midnight that ends the day (written "24:00"). A closing time before the
    opening time is on the next day. Midnight to midnight is the whole day; any other pair of equal times
    raises InvalidCalendar.
    """

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens.tzinfo is not None or self.closes.tzinfo is not None:
            raise InvalidCalendar(f"{self}: a window is local time, give times without a time zone")
        if self.opens == self.closes != _MIDNIGHT:
            raise InvalidCalendar(f"{self} opens and closes at the same time: {_HELP_WINDOW}")

    def __str__(self) -> str:
        closes = "24:00" if self.closes == _MIDNIGHT else f"{self.closes:%H:%M}"
        return f"{self.opens:%H:%M}-{closes}"

    def on(self, day: date) -> tuple[datetime, datetime]:
        """The wall times at which the window that opens on `day` opens and closes."""
        closing_day = day if self.closes > self.opens else day + timedelta(days=1)
        return datetime.combine(day, self.opens), datetime.combine(closing_day, self.closes)


Weekly: TypeAlias = tuple[tuple[Window, ...], ...]
"""Seven entries, Monday first; each the windows that open on that day, earliest first."""

WHOLE_WEEK: Weekly = ((Window(_MIDNIGHT, _MIDNIGHT),),) * 7
NO_HOURS: Weekly = ((),) * 7


def parse_weekly(name: str, hours: Mapping[str, object]) -> Weekly:
    """Read `{"mon-fri": "08:30-17:00", "sat": ["09:00-12:00"]}`; a day that is not named is shut.

    `name` is the calendar's, for the errors. Raises InvalidCalendar for an unknown day, a day named twice,
    a window that cannot be read, or a week without any window.
    """
    named_by: dict[int, str] = {}
    week: list[tuple[Window, ...]] = [()] * 7
    for key, value in hours.items():
        try:
            windows = _parse_windows(value)
            for day in _parse_days(key):
                if day in named_by:
                    raise InvalidCalendar(
                        f"{DAY_KEYS[day]} is named by {named_by[day]!r} already: name each day once, "
                        "with a list of windows if it has several"
                    )
                named_by[day] = key
                week[day] = windows
        except InvalidCalendar as error:
            raise InvalidCalendar(f"calendars.{name}.{key}: {error}") from None
    if not any(week):
        raise InvalidCalendar(
            f'calendars.{name}: no opening hours; write for example mon-fri = "08:30-17:00"'
        )
    return tuple(week)


def refuse_overlaps(name: str, weekly: Weekly) -> None:
    """Raise InvalidCalendar if two windows of the week are open at once; they may touch."""
    some_monday = date(2024, 1, 1)
    spans = [
        (*window.on(some_monday + timedelta(days=day)), f"{DAY_KEYS[day % 7]} {window}")
        for day in range(8)
        for window in weekly[day % 7]
    ]
    spans.sort()
    for (_, closes, earlier), (opens, _, later) in pairwise(spans):
        if opens < closes:
            raise InvalidCalendar(
                f"calendars.{name}: {earlier} overlaps {later}; windows may touch, not overlap"
            )


def _parse_days(key: str) -> list[int]:
    if key.strip().lower() == "daily":
        return list(range(7))
    days: list[int] = []
    for part in key.split(","):
        first, dash, last = part.partition("-")
        start = _parse_day(first)
        end = _parse_day(last) if dash else start
        days += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return days


def _parse_day(text: str) -> int:
    try:
        return DAY_KEYS.index(text.strip().lower())
    except ValueError:
        raise InvalidCalendar(f"{text.strip()!r} is not a day: {_HELP_DAY}") from None


def _parse_windows(value: object) -> tuple[Window, ...]:
    texts = value if isinstance(value, list | tuple) else [value]
    return tuple(sorted((_parse_window(text) for text in texts), key=lambda window: window.opens))


def _parse_window(text: object) -> Window:
    form = _WINDOW.fullmatch(text.strip()) if isinstance(text, str) else None
    if form is None:
        raise InvalidCalendar(f"{text!r} is not a span of time: {_HELP_WINDOW}")
    opens_hour, opens_minute, closes_hour, closes_minute = (int(part) for part in form.groups())
    until_midnight = (closes_hour, closes_minute) == (24, 0)
    try:
        opens = time(opens_hour, opens_minute)
        closes = _MIDNIGHT if until_midnight else time(closes_hour, closes_minute)
    except ValueError:
        raise InvalidCalendar(f"{text!r}: times go from 00:00 to 23:59, a closing time to 24:00") from None
    if opens == closes and not until_midnight:
        raise InvalidCalendar(f'{text!r} opens and closes at the same time: a whole day is "00:00-24:00"')
    return Window(opens, closes)
