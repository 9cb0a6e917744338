"""[calendars]: named opening hours, with holidays that one calendar may take from another [R45]."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from chatdesk.business_hours import Calendar, parse_weekly
from chatdesk.errors import InvalidCalendar
from chatdesk.holiday_calendar import HolidayCalendar, parse_holidays
from chatdesk.settings import values
from chatdesk.settings.desk import read_timezone
from chatdesk.settings.table import Table, check_name

BUILT_IN = ("always", "never")
RESERVED = (*BUILT_IN, "elapsed")


def read_calendars(table: Table, timezone: ZoneInfo) -> dict[str, Calendar]:
    """Read [calendars], in the file's order, and add the built-in ones, always and never.

    A calendar that cannot be used is always open from then on, so that only its own problem is told.
    """
    holidays = _Holidays(table)
    calendars: dict[str, Calendar] = {}
    for name in table.values:
        if name in RESERVED:
            table.note(name, "is built in; choose another name.")
            continue
        check_name(table, name)
        calendars[name] = _calendar(table, name, timezone, holidays)
    calendars["always"] = Calendar.always("always", timezone)
    calendars["never"] = Calendar.never("never", timezone)
    return calendars


def _calendar(table: Table, name: str, timezone: ZoneInfo, holidays: _Holidays) -> Calendar:
    value = table.values[name]
    if isinstance(value, str):
        word = table.read(name, values.one_of(BUILT_IN), "always")
        return Calendar.never(name, timezone) if word == "never" else Calendar.always(name, timezone)
    row = table.table(name)
    zone = row.read("timezone", read_timezone, timezone)
    shut = holidays.of(name)
    hours = {key: row.values[key] for key in row.values if key not in ("timezone", "holidays")}
    usable = [_hours_usable(row, name, key, windows) for key, windows in hours.items()]
    if isinstance(value, dict) and all(usable):
        try:
            return Calendar.from_weekly(name, zone, hours, shut)
        except InvalidCalendar as error:
            _note(row, error)
    return Calendar.always(name, zone)


def _hours_usable(row: Table, name: str, key: str, windows: object) -> bool:
    """Look at one line of hours by itself, so that the faults of all lines are told."""
    try:
        parse_weekly(name, {key: "00:00-24:00"})
    except InvalidCalendar as error:
        _note(row, error, values.suggest(key, ("holidays", "timezone")))
        return False
    try:
        if windows != []:
            parse_weekly(name, {key: windows})
    except InvalidCalendar as error:
        _note(row, error)
        return False
    return True


def _note(row: Table, error: InvalidCalendar, hint: str = "") -> None:
    # Such an error begins with the key's path, as every problem does.
    path, _, message = str(error).partition(": ")
    row.problems.add(path, f"{message}.{hint}")


class _Holidays:
    """Finds each calendar's holidays, through other calendars where the file says so."""

    def __init__(self, table: Table) -> None:
        self._rows = {
            name: table.table(name) for name, value in table.values.items() if isinstance(value, dict)
        }
        self._found: dict[str, HolidayCalendar] = {}
        self._under_way: list[str] = []

    def of(self, name: str) -> HolidayCalendar:
        """Return a calendar's holidays; none for a calendar that has none or whose own are unusable."""
        if name not in self._rows:
            return HolidayCalendar()
        if name not in self._found:
            self._under_way.append(name)
            self._found[name] = self._rows[name].read("holidays", self._given_for(name), HolidayCalendar())
            self._under_way.pop()
        return self._found[name]

    def _given_for(self, name: str) -> values.Reader[HolidayCalendar]:
        def read_entry(entry: object) -> HolidayCalendar:
            if isinstance(entry, str) and entry in self._rows:
                return self._of_other(entry)
            try:
                return parse_holidays(name, [entry])
            except InvalidCalendar as error:
                hint = values.suggest(entry, self._rows) if isinstance(entry, str) else ""
                raise values.Unusable(("", f"{str(error).partition(': ')[2]}.{hint}")) from None

        def read(value: object) -> HolidayCalendar:
            entries = values.list_of(read_entry)(value) if isinstance(value, list) else (read_entry(value),)
            dates: frozenset[date] = frozenset().union(*(entry.dates for entry in entries))
            regions = dict.fromkeys(region for entry in entries for region in entry.regions)
            return HolidayCalendar(dates, tuple(regions))

        return read

    def _of_other(self, other: str) -> HolidayCalendar:
        if other in self._under_way:
            circle = " -> ".join((*self._under_way[self._under_way.index(other) :], other))
            raise values.unusable(other, f"goes in a circle ({circle}); give one of them its own dates.")
        return self.of(other)
