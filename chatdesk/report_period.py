"""Which days a report is about: whole local days of the desk's time zone, first and last included."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from msgspec import Struct

from chatdesk.errors import EventRefused
from chatdesk.local_clock import first_instant

MAX_DAYS = 732
"""Two years: a longer one is read for minutes, and nobody compares with it."""
EARLIEST = date(2000, 1, 1)
_DAY = timedelta(days=1)
_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Period(Struct, frozen=True):
    """The days from ``first`` to ``last``: from ``begins`` on, and before ``ends`` (aware, UTC)."""

    first: date
    last: date
    begins: datetime
    ends: datetime

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def is_months(self) -> bool:
        """Whether it is made of whole months."""
        return self.first.day == 1 and (self.last + _DAY).day == 1

    def before(self, zone: tzinfo) -> Period:
        """Return the days before it to compare it with: as many months if it has whole ones, else days."""
        if not self.is_months:
            return _period(self.first - self.days * _DAY, self.first - _DAY, zone)
        months = 12 * (self.last.year - self.first.year) + self.last.month - self.first.month + 1
        year, month = divmod(12 * self.first.year + self.first.month - 1 - months, 12)
        return _period(date(year, month + 1, 1), self.first - _DAY, zone)


class Preset(StrEnum):
    """Periods that follow from today; those of days end with yesterday, the last whole day."""

    THIS_MONTH = "this-month"
    LAST_MONTH = "last-month"
    LAST_7_DAYS = "last-7-days"
    LAST_30_DAYS = "last-30-days"
    LAST_90_DAYS = "last-90-days"

    @property
    def label(self) -> str:
        """What people read: "Last 30 days"."""
        return self.value.replace("-", " ").capitalize()

    def days(self, today: date) -> tuple[date, date]:
        """Return its first and its last day as of ``today``."""
        match self:
            case Preset.THIS_MONTH:
                return today.replace(day=1), today
            case Preset.LAST_MONTH:
                last = today.replace(day=1) - _DAY
                return last.replace(day=1), last
            case _:
                return today - int(self.value.split("-")[1]) * _DAY, today - _DAY


def period_of(first: date, last: date, zone: tzinfo, now: datetime) -> Period:
    """Return the period of these days on the clock of ``zone``.

    Raises EventRefused, with the field "from" or "to", for days that are no period, or none yet at ``now``.
    """
    if first < EARLIEST:
        raise _refused("Choose a first day in 2000 or later.", "from")
    if last < first:
        raise _refused(f"The last day, {last}, is before the first, {first}.", "to")
    if first > now.astimezone(zone).date():
        raise _refused(f"The first day, {first}, has not come yet.", "from")
    if (last - first).days >= MAX_DAYS:
        raise _refused("Choose two years at most; make several reports of a longer time.", "from")
    return _period(first, last, zone)


def preset_period(preset: Preset, zone: tzinfo, now: datetime) -> Period:
    """Return the preset's days as of ``now`` (aware)."""
    return period_of(*preset.days(now.astimezone(zone).date()), zone, now)


def own_period(first: str, last: str, zone: tzinfo, now: datetime) -> Period:
    """Return the period of two days as people write them, 2026-10-31; "" for one that they leave out.

    Without both it is the last month; without a first day it begins with the last one's month, without a
    last day it goes on until today. Raises EventRefused as period_of does, and for what is no day.
    """
    if not first and not last:
        return preset_period(Preset.LAST_MONTH, zone, now)
    ends = _day(last, "to") if last else now.astimezone(zone).date()
    begins = _day(first, "from") if first else ends.replace(day=1)
    return period_of(begins, ends, zone, now)


def _period(first: date, last: date, zone: tzinfo) -> Period:
    begins, ends = (first_instant(datetime.combine(day, time()), zone) for day in (first, last + _DAY))
    return Period(first, last, begins, ends)


def _day(text: str, field: str) -> date:
    if _WRITTEN.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise _refused(f"{text[:20]!r} is not a day; write one as 2026-10-31.", field)


def _refused(text: str, field: str) -> EventRefused:
    return EventRefused(text, code="period", field=field)
