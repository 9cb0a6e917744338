"""chatdesk.report_period: whole days of the desk's time zone, and what is no period."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from chatdesk.errors import EventRefused
from chatdesk.report_period import MAX_DAYS, Preset, own_period, period_of, preset_period
from tests.desk_builders import NEW_YORK, at

NOW = at("11-28 13:00")


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        (Preset.THIS_MONTH, "2026-11-01", "2026-11-28"),
        (Preset.LAST_MONTH, "2026-10-01", "2026-10-31"),
        (Preset.LAST_7_DAYS, "2026-11-21", "2026-11-27"),
        (Preset.LAST_30_DAYS, "2026-10-29", "2026-11-27"),
        (Preset.LAST_90_DAYS, "2026-08-30", "2026-11-27"),
    ],
)
def test_a_preset_follows_from_today(preset: Preset, first: str, last: str) -> None:
    found = preset_period(preset, NEW_YORK, NOW)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)


def test_today_is_the_desks_day_and_not_that_of_utc() -> None:
    late = at("11-30 23:00")
    assert late.day == 1
    assert preset_period(Preset.THIS_MONTH, NEW_YORK, late).first == date(2026, 11, 1)


def test_the_last_month_of_january_is_december() -> None:
    assert Preset.LAST_MONTH.days(date(2027, 1, 15)) == (date(2026, 12, 1), date(2026, 12, 31))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-10-31", 24)])
def test_a_day_goes_from_midnight_to_midnight_also_when_the_clocks_change(day: str, hours: int) -> None:
    found = period_of(date.fromisoformat(day), date.fromisoformat(day), NEW_YORK, NOW)
    assert found.ends - found.begins == timedelta(hours=hours)
    assert found.begins.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M") == f"{day} 00:00"
    assert found.days == 1


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("", "", ("2026-10-01", "2026-10-31")),
        ("2026-11-02", "", ("2026-11-02", "2026-11-28")),
        ("", "2026-09-20", ("2026-09-01", "2026-09-20")),
        ("2026-11-02", "2026-12-31", ("2026-11-02", "2026-12-31")),
    ],
)
def test_a_day_that_is_left_out_follows_from_the_other(first: str, last: str, days: tuple[str, str]) -> None:
    found = own_period(first, last, NEW_YORK, NOW)
    assert (found.first.isoformat(), found.last.isoformat()) == days


@pytest.mark.parametrize(
    ("first", "last", "field", "says"),
    [
        ("yesterday", "", "from", "'yesterday' is not a day; write one as 2026-10-31."),
        ("2026-10-01", "2026-02-30", "to", "'2026-02-30' is not a day"),
        ("20261001", "", "from", "is not a day"),
        ("٢٠٢٦-١٠-٠١", "", "from", "is not a day"),
        ("2026-10-31", "2026-10-01", "to", "The last day, 2026-10-01, is before the first, 2026-10-31."),
        ("2026-11-29", "2026-12-01", "from", "The first day, 2026-11-29, has not come yet."),
        ("0001-01-01", "2026-10-01", "from", "in 2000 or later"),
        ("2024-10-01", "9999-12-31", "from", "two years at most"),
    ],
)
def test_what_is_no_period_is_refused_with_the_field_and_the_reason(
    first: str, last: str, field: str, says: str
) -> None:
    with pytest.raises(EventRefused) as refused:
        _ = own_period(first, last, NEW_YORK, NOW)
    assert refused.value.field == field
    assert says in str(refused.value)


def test_two_years_are_the_longest_period() -> None:
    first = date(2024, 11, 1)
    longest = period_of(first, first + timedelta(days=MAX_DAYS - 1), NEW_YORK, NOW)
    assert longest.days == MAX_DAYS
    with pytest.raises(EventRefused):
        _ = period_of(first, first + timedelta(days=MAX_DAYS), NEW_YORK, NOW)
