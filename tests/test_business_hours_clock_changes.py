"""Business hours on the days the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chatdesk.business_hours import BusinessDays, Calendar

NEW_YORK = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)


def local(text: str, zone: ZoneInfo = NEW_YORK, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ROUND_MIDNIGHT = {"daily": "22:00-06:00"}


@pytest.mark.parametrize(
    ("zone", "evening", "hours"),
    [
        ("America/New_York", "2027-03-13", 7),
        ("America/New_York", "2026-10-31", 9),
        ("Europe/Berlin", "2027-03-27", 7),
        ("Europe/Berlin", "2026-10-24", 9),
        ("Australia/Lord_Howe", "2026-10-03", 7.5),
        ("Australia/Lord_Howe", "2027-04-03", 8.5),
        ("America/St_Johns", "2027-03-13", 7),
        ("America/St_Johns", "2010-11-06", 9),
        ("Africa/Casablanca", "2026-02-14", 9),
        ("Africa/Casablanca", "2026-03-21", 7),
        ("America/Havana", "2026-03-07", 7),
        ("Asia/Kathmandu", "2026-03-28", 8),
    ],
)
def test_a_night_shift_lasts_as_long_as_the_clocks_say(zone: str, evening: str, hours: float) -> None:
    place = ZoneInfo(zone)
    calendar = Calendar.from_weekly("night", place, ROUND_MIDNIGHT)
    opens = local(f"{evening} 22:00", place).astimezone(UTC)
    closes = calendar.next_closing(opens)
    assert closes == opens + hours * HOUR
    assert calendar.add(opens, hours * HOUR) == closes


def test_a_window_that_opens_in_the_skipped_hour_opens_at_the_jump() -> None:
    calendar = Calendar.from_weekly("early", NEW_YORK, {"daily": "02:30-05:00"})
    assert calendar.next_opening(utc("2027-03-14 05:00")) == utc("2027-03-14 07:00")
    assert calendar.business_time_between(utc("2027-03-14 05:00"), utc("2027-03-14 12:00")) == 2 * HOUR


def test_a_window_within_the_skipped_hour_does_not_open_that_day() -> None:
    calendar = Calendar.from_weekly("early", NEW_YORK, {"daily": "02:15-02:45"})
    assert calendar.next_opening(local("2027-03-13 12:00")) == local("2027-03-15 02:15")
    assert calendar.add(local("2027-03-13 02:30"), BusinessDays(1)) == local("2027-03-15 02:30")


def test_a_window_within_the_repeated_hour_opens_once() -> None:
    calendar = Calendar.from_weekly("early", NEW_YORK, {"daily": "01:15-01:45"})
    assert calendar.is_open(local("2026-11-01 01:30", fold=0))
    assert not calendar.is_open(local("2026-11-01 01:30", fold=1))


def test_a_date_that_a_zone_skipped_has_no_hours() -> None:
    apia = ZoneInfo("Pacific/Apia")
    calendar = Calendar.from_weekly("desk", apia, {"daily": "09:00-17:00"})
    assert calendar.openings_on(date(2011, 12, 30)) == ()
    assert calendar.add(local("2011-12-29 10:00", apia), BusinessDays(1)) == local("2011-12-31 10:00", apia)


def test_business_days_from_the_repeated_hour_do_not_run_backwards() -> None:
    calendar = Calendar.always("always", NEW_YORK)
    first_showing, second_showing = local("2026-11-01 01:45", fold=0), local("2026-11-01 01:15", fold=1)
    assert first_showing.astimezone(UTC) < second_showing.astimezone(UTC)
    assert calendar.add(first_showing, BusinessDays(1)) == local("2026-11-02 01:45")
    assert calendar.add(second_showing, BusinessDays(1)) == local("2026-11-02 02:00")
