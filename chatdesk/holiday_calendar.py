"""Days on which a calendar stays shut: dates the desk names, and the public holidays of a region."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import ModuleType

import holidays
from holidays.registry import EntityLoader
from msgspec import Struct

from chatdesk.errors import InvalidCalendar

_REGION = re.compile(r"([A-Z]{2})(?:-([A-Za-z0-9-]{1,12}))?")
_HELP = 'use a region such as "US", "US-NY" or "DE-BY", or dates such as "2026-12-25"'


class HolidayCalendar(Struct, frozen=True):
    """A set of local dates: `dates` by name, and the public holidays of `regions`, any year, as needed.

    A region is an ISO 3166 code: a country ("US") or one of its subdivisions ("US-NY"). Days on which a
    holiday is observed instead count too. Raises InvalidCalendar for an unknown region.
    """

    dates: frozenset[date] = frozenset()
    regions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for region in self.regions:
            _public_holidays(region)

    def __contains__(self, day: date) -> bool:
        return day in self.dates or any(day in _public_holidays(region) for region in self.regions)

    def __bool__(self) -> bool:
        return bool(self.dates or self.regions)


def parse_holidays(name: str, given: object) -> HolidayCalendar:
    """Read a calendar's `holidays`: a date, a region, or a list of dates and regions.

    `name` is the calendar's, for the error. Raises InvalidCalendar.
    """
    if isinstance(given, HolidayCalendar):
        return given
    entries = [given] if isinstance(given, str | date) or not isinstance(given, Iterable) else list(given)
    dates: set[date] = set()
    regions: list[str] = []
    for entry in entries:
        try:
            parsed = _parse_entry(entry)
        except InvalidCalendar as error:
            raise InvalidCalendar(f"calendars.{name}.holidays: {error}") from None
        if isinstance(parsed, date):
            dates.add(parsed)
        elif parsed not in regions:
            regions.append(parsed)
    return HolidayCalendar(frozenset(dates), tuple(regions))


def _parse_entry(entry: object) -> date | str:
    if isinstance(entry, date) and not isinstance(entry, datetime):
        return entry
    if not isinstance(entry, str):
        raise InvalidCalendar(f"{entry!r} is not a holiday: {_HELP}")
    if entry[:1].isdigit():
        try:
            return date.fromisoformat(entry)
        except ValueError:
            raise InvalidCalendar(f"{entry!r} is not a date: {_HELP}") from None
    _public_holidays(entry)
    return entry


@cache
def _public_holidays(region: str) -> holidays.HolidayBase:
    code = _REGION.fullmatch(region)
    if code is None or code[1] not in EntityLoader.get_country_codes(include_aliases=False):
        raise InvalidCalendar(f"{region!r} is not a known region: {_HELP}")
    _allow_single_countries()
    try:
        return holidays.country_holidays(code[1], subdiv=code[2])
    except NotImplementedError:
        known = holidays.list_supported_countries(include_aliases=False)
        allowed = ", ".join(known[code[1]]) or "none"
        raise InvalidCalendar(
            f"{region!r} is not a known region: the regions of {code[1]} are {allowed}"
        ) from None


def _allow_single_countries() -> None:
    """Let a country's module be imported alone: the package of all countries imports each of them, which
    takes a tenth of the desk's start and ten megabytes.
    """
    name = "holidays.countries"
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(Path(holidays.__path__[0]) / "countries")]
        sys.modules[name] = package
