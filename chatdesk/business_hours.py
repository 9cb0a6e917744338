"""Business hours: when a calendar is open, and time counted while it is [R45] [R46].

Every method takes aware datetimes in any zone and returns aware UTC; a naive datetime raises ValueError.
Windows are local, arithmetic is in UTC: two business hours are 7200 elapsed seconds of open time, also
on the days the clocks change (`local_clock` says how windows lie on those days).

A window belongs to the day on which it opens. A holiday shuts the windows that open on that date: the
night shift that opens on a holiday stays shut to its end, and the one that opened the evening before a
holiday runs to its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chatdesk.duration import BusinessDays, Duration, parse_duration
from chatdesk.errors import InvalidCalendar
from chatdesk.holiday_calendar import HolidayCalendar, parse_holidays
from chatdesk.local_clock import first_instant, furthest_wall
from chatdesk.weekly_hours import NO_HOURS, WHOLE_WEEK, Weekly, Window, parse_weekly, refuse_overlaps

__all__ = ["BusinessDays", "Calendar", "Duration", "Opening", "Window", "parse_duration", "parse_weekly"]

HORIZON = timedelta(days=731)
"""A calendar that does not open (or close) for this long is taken never to do so."""

_ONE_DAY = timedelta(days=1)
REMEMBERED = 4
"""Answers of a calendar that are kept for the next question."""


class Opening(NamedTuple):
    """One window on one day: UTC, opening inclusive, closing exclusive; `day` is the local date it opens."""

    opens: datetime
    closes: datetime
    day: date


@dataclass(frozen=True, slots=True)
class Calendar:
    """Named opening hours in one time zone.

    Raises InvalidCalendar when windows overlap. For the elapsed clock of a service level use
    `Calendar.always`, on which business time is elapsed time.
    """

    name: str
    timezone: ZoneInfo
    weekly: Weekly
    holidays: HolidayCalendar | frozenset[date] = frozenset()
    _openings: dict[date, tuple[Opening, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    _asked: list[tuple[datetime, Opening]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    """What was asked last: moments, and the first opening that ends after each.

    Most questions are about now or what is promised now, and have the same answer until that opening ends.
    """

    def __post_init__(self) -> None:
        if len(self.weekly) != 7:
            raise InvalidCalendar(
                f"calendars.{self.name}: give seven days, Monday first, not {len(self.weekly)}"
            )
        refuse_overlaps(self.name, self.weekly)

    @classmethod
    def always(cls, name: str, timezone: ZoneInfo | str) -> Calendar:
        """Open around the clock, every day."""
        return cls(name, _zone(name, timezone), WHOLE_WEEK)

    @classmethod
    def never(cls, name: str, timezone: ZoneInfo | str) -> Calendar:
        """Never open."""
        return cls(name, _zone(name, timezone), NO_HOURS)

    @classmethod
    def from_weekly(
        cls, name: str, timezone: ZoneInfo | str, hours: Mapping[str, object], holidays: object = ()
    ) -> Calendar:
        """From hours and holidays as the configuration writes them.

        See `weekly_hours.parse_weekly` and `holiday_calendar.parse_holidays`. Raises InvalidCalendar.
        """
        weekly = parse_weekly(name, hours)
        return cls(name, _zone(name, timezone), weekly, parse_holidays(name, holidays))

    @property
    def always_open(self) -> bool:
        """Whether there is no moment at which it is closed."""
        return self.weekly == WHOLE_WEEK and not self.holidays

    @property
    def never_open(self) -> bool:
        """Whether it has no hours at all."""
        return not any(self.weekly)

    def is_open(self, at: datetime) -> bool:
        """Whether it is open: opening inclusive, closing exclusive [R46]."""
        instant = _utc(at)
        upcoming = self._first_from(instant)
        return upcoming is not None and upcoming.opens <= instant

    def next_opening(self, at: datetime) -> datetime | None:
        """The earliest open instant from `at` on: `at` itself while open; None if none within two years."""
        instant = _utc(at)
        upcoming = self._first_from(instant)
        return None if upcoming is None else max(upcoming.opens, instant)

    def next_closing(self, at: datetime) -> datetime | None:
        """When the present opening ends, or the next one while closed; None if none within two years.

        Windows that touch are one opening.
        """
        start = _utc(at)
        closes: datetime | None = None
        for opening in self._openings_from(start):
            if closes is not None and opening.opens > closes:
                break
            closes = opening.closes
            if closes - start > HORIZON:
                return None
        return closes

    def next_business_day(self, at: datetime) -> datetime | None:
        """When a request made at `at`, after hours, is taken up [R27]; None if not within two years.

        While closed it is the next opening. While open it is the first opening of the next business day.
        """
        instant = _utc(at)
        upcoming = self._openings_from(instant)
        present = next(upcoming, None)
        if present is None or present.opens > instant:
            return None if present is None else present.opens
        return next((opening.opens for opening in upcoming if opening.day > present.day), None)

    def add(self, at: datetime, duration: Duration) -> datetime:
        """The instant by which `duration` of open time has passed since `at`.

        It lies in open time or at a closing instant: two hours from 15:00 are over at 17:00, the closing.
        While closed, counting starts at the next opening.

        Business days keep the wall time of the start: 10:00 and one business day is 10:00 on the next day
        with hours, or the nearest moment of that day's hours (later within a break, else its first opening
        or last closing). Raises InvalidCalendar if the calendar stops opening for two years, ValueError for
        a negative duration.
        """
        start = _utc(at)
        if isinstance(duration, BusinessDays):
            return self._add_business_days(start, duration.days)
        if duration < timedelta():
            raise ValueError(f"a duration cannot be negative: {duration}")
        if self.always_open:
            return start + duration
        first = self._first_from(start)
        if first is not None:
            begins = max(first.opens, start)
            if duration <= first.closes - begins:
                return begins + duration
        remaining = duration
        for opening in self._openings_from(start):
            begins = max(opening.opens, start)
            if remaining <= opening.closes - begins:
                return begins + remaining
            remaining -= opening.closes - begins
        raise self._stops_opening(start)

    def add_with_pauses(
        self, start: datetime, duration: Duration, pauses: Sequence[tuple[datetime, datetime]]
    ) -> datetime:
        """`add`, with the clock stopped during `pauses`: (from, until) pairs in any order [R44].

        Open time within a pause that began before the due time is added to it; for business days too. Time
        before `start`, and time covered by two pauses at once, counts once at most. A pause that begins at
        the due instant changes nothing. Raises as `add` does, and ValueError for a pause that ends before it
        begins.
        """
        due = self.add(start, duration)
        counted_until = _utc(start)
        for begins, ends in sorted(_checked(pause) for pause in pauses):
            if begins >= due:
                break
            if ends > counted_until:
                paused = self.business_time_between(max(begins, counted_until), ends)
                # Nothing is added for a pause in closed hours: a due time at a closing stays there.
                due = self.add(due, paused) if paused else due
                counted_until = ends
        return due

    def business_time_between(self, start: datetime, end: datetime) -> timedelta:
        """The open time from `start` to `end`. Raises ValueError if `end` is before `start`."""
        begin, until = _utc(start), _utc(end)
        if until < begin:
            raise ValueError(f"the end {end} is before the start {start}")
        if self.always_open:
            return until - begin
        total = timedelta()
        for opening in self._openings_from(begin):
            if opening.opens >= until:
                break
            total += min(opening.closes, until) - max(opening.opens, begin)
        return total

    def openings_on(self, day: date) -> tuple[Opening, ...]:
        """The openings that begin on this local date, earliest first; none on a holiday."""
        known = self._openings.get(day)
        if known is None:
            known = self._openings[day] = tuple(self._work_out(day))
        return known

    def _work_out(self, day: date) -> Iterator[Opening]:
        windows = self.weekly[day.weekday()]
        if windows and day not in self.holidays:
            for window in windows:
                opens, closes = (first_instant(wall, self.timezone) for wall in window.on(day))
                # A window may fall into the hour that is skipped when the clocks go forward.
                if opens < closes:
                    yield Opening(opens, closes, day)

    def _first_from(self, instant: datetime) -> Opening | None:
        """The first opening that ends after `instant`; None if none does within the horizon."""
        for since, opening in self._asked:
            if since <= instant < opening.closes:
                return opening
        found = next(self._openings_from(instant), None)
        if found is not None:
            self._asked[:] = [(instant, found), *self._asked[: REMEMBERED - 1]]
        return found

    def _openings_from(self, instant: datetime) -> Iterator[Opening]:
        """Openings that end after `instant`, in order, until none follows within the horizon."""
        if self.never_open:
            return
        day = instant.astimezone(self.timezone).date() - _ONE_DAY
        give_up = day + HORIZON
        while day <= give_up:
            for opening in self.openings_on(day):
                if opening.closes > instant:
                    yield opening
                    give_up = day + HORIZON
            day += _ONE_DAY

    def _add_business_days(self, start: datetime, days: int) -> datetime:
        upcoming = self._openings_from(start)
        first = next(upcoming, None)
        if first is None:
            raise self._stops_opening(start)
        begins = max(first.opens, start)
        if days == 0:
            return begins
        target = self._count_days(first.day, days, upcoming)
        wall = furthest_wall(begins, self.timezone) + (target - first.day)
        wanted = first_instant(wall, self.timezone)
        openings = self.openings_on(target)
        for opening in openings:
            if wanted <= opening.closes:
                return max(wanted, opening.opens)
        return openings[-1].closes

    def _count_days(self, day: date, days: int, upcoming: Iterator[Opening]) -> date:
        for opening in upcoming:
            if opening.day > day:
                day = opening.day
                days -= 1
                if days == 0:
                    return day
        raise self._stops_opening(first_instant(datetime.combine(day, datetime.min.time()), self.timezone))

    def _stops_opening(self, since: datetime) -> InvalidCalendar:
        return InvalidCalendar(
            f"calendars.{self.name}: does not open often enough to count a due time from "
            f"{since:%Y-%m-%d %H:%M}Z; give it opening hours, or name another calendar"
        )


def _utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    if at.utcoffset() is None:
        raise ValueError(f"{at} has no time zone: give an aware datetime")
    return at.astimezone(UTC)


def _checked(pause: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    begins, ends = _utc(pause[0]), _utc(pause[1])
    if ends < begins:
        raise ValueError(f"a pause ends before it begins: {begins} to {ends}")
    return begins, ends


def _zone(name: str, timezone: ZoneInfo | str) -> ZoneInfo:
    if isinstance(timezone, ZoneInfo):
        return timezone
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise InvalidCalendar(
            f"calendars.{name}.timezone: {timezone!r} is not a known time zone; "
            'use a name such as "America/New_York" or "Europe/Berlin"'
        ) from None
