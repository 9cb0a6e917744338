from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from chatdesk.errors import InvalidCalendar
from chatdesk.holiday_calendar import HolidayCalendar, parse_holidays

CHRISTMAS = date(2026, 12, 25)
HELP = 'use a region such as "US", "US-NY" or "DE-BY", or dates such as "2026-12-25"'


@pytest.mark.parametrize(
    "given",
    [
        "2026-12-25",
        ["2026-12-25"],
        CHRISTMAS,
        [CHRISTMAS],
        frozenset({CHRISTMAS}),
        HolidayCalendar(frozenset({CHRISTMAS})),
    ],
)
def test_dates_are_written_as_text_or_as_dates(given: object) -> None:
    assert parse_holidays("desk", given) == HolidayCalendar(frozenset({CHRISTMAS}))


@pytest.mark.parametrize(
    ("region", "day", "shut"),
    [
        ("US", date(2026, 11, 26), True),
        ("US", date(2031, 11, 27), True),
        ("US", date(2026, 11, 25), False),
        ("US", date(2026, 7, 3), True),
        ("DE-BY", date(2026, 1, 6), True),
        ("DE", date(2026, 1, 6), False),
    ],
)
def test_a_region_has_its_public_holidays_in_any_year(region: str, day: date, shut: bool) -> None:
    assert (day in parse_holidays("desk", region)) is shut


def test_regions_and_dates_may_be_mixed() -> None:
    holidays = parse_holidays("desk", ["US", "DE-BY", "US", "2026-12-24"])
    assert holidays == HolidayCalendar(frozenset({date(2026, 12, 24)}), ("US", "DE-BY"))
    assert all(day in holidays for day in (date(2026, 12, 24), date(2026, 11, 26), date(2026, 1, 6)))


def test_no_holidays_are_false() -> None:
    assert not parse_holidays("desk", [])
    assert parse_holidays("desk", "US")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("Mars", f"'Mars' is not a known region: {HELP}"),
        ("XX", f"'XX' is not a known region: {HELP}"),
        ("us-ny", f"'us-ny' is not a known region: {HELP}"),
        ("2026-02-30", f"'2026-02-30' is not a date: {HELP}"),
        ("25.12.2026", f"'25.12.2026' is not a date: {HELP}"),
        (["2026-12-25", 7], f"7 is not a holiday: {HELP}"),
        (None, f"None is not a holiday: {HELP}"),
        ([True], f"True is not a holiday: {HELP}"),
    ],
)
def test_what_is_neither_date_nor_region_is_refused(given: object, message: str) -> None:
    with pytest.raises(InvalidCalendar) as refused:
        parse_holidays("desk", given)
    assert str(refused.value) == f"calendars.desk.holidays: {message}"


def test_an_unknown_subdivision_is_refused_with_those_of_the_country() -> None:
    with pytest.raises(InvalidCalendar, match=r"^calendars\.desk\.holidays: 'US-QQ' .* of US are AK, AL, "):
        parse_holidays("desk", "US-QQ")


def test_a_moment_is_not_a_date() -> None:
    with pytest.raises(InvalidCalendar, match="is not a holiday"):
        parse_holidays("desk", [datetime(2026, 12, 25, tzinfo=UTC)])


def test_a_region_is_checked_when_the_calendar_is_made() -> None:
    with pytest.raises(InvalidCalendar, match="'ZZ' is not a known region"):
        HolidayCalendar(regions=("ZZ",))
