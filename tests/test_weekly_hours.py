from __future__ import annotations

from datetime import UTC, date, time

import pytest

from chatdesk.errors import InvalidCalendar
from chatdesk.weekly_hours import DAY_KEYS, WHOLE_WEEK, Window, parse_weekly, refuse_overlaps

NINE_TO_FIVE = Window(time(9), time(17))


@pytest.mark.parametrize(
    ("key", "days"),
    [
        ("mon", "mon"),
        ("mon-fri", "mon tue wed thu fri"),
        ("fri-mon", "mon fri sat sun"),
        ("daily", "mon tue wed thu fri sat sun"),
        ("tue,thu", "tue thu"),
        ("mon-tue, sat", "mon tue sat"),
        ("Mon - Wed", "mon tue wed"),
        ("sun-sun", "sun"),
    ],
)
def test_day_keys_are_days_ranges_and_lists(key: str, days: str) -> None:
    weekly = parse_weekly("desk", {key: "09:00-17:00"})
    assert " ".join(day for day, windows in zip(DAY_KEYS, weekly, strict=True) if windows) == days


@pytest.mark.parametrize(
    ("value", "windows"),
    [
        ("09:00-17:00", (NINE_TO_FIVE,)),
        ("9:00 - 17:00", (NINE_TO_FIVE,)),
        (["13:00-17:00", "08:00-12:00"], (Window(time(8), time(12)), Window(time(13), time(17)))),
        ("22:00-06:00", (Window(time(22), time(6)),)),
        ("18:00-24:00", (Window(time(18), time(0)),)),
        ("00:00-24:00", (Window(time(0), time(0)),)),
        ([], ()),
    ],
)
def test_a_day_has_one_window_or_several(value: object, windows: tuple[Window, ...]) -> None:
    assert parse_weekly("desk", {"mon": value, "sun": "01:00-02:00"})[0] == windows


def test_the_whole_week_can_be_written() -> None:
    assert parse_weekly("desk", {"daily": "00:00-24:00"}) == WHOLE_WEEK


def test_a_window_across_midnight_closes_on_the_next_day() -> None:
    opens, closes = Window(time(22), time(6)).on(date(2026, 9, 30))
    assert (str(opens), str(closes)) == ("2026-09-30 22:00:00", "2026-10-01 06:00:00")


DAY_HELP = 'use mon, tue, wed, thu, fri, sat, sun, a range ("mon-fri"), a list ("tue,thu") or "daily"'
WINDOW_HELP = 'write "08:30-17:00", or ["08:00-12:00", "13:00-17:00"] for several'


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ({"monday": "09:00-17:00"}, f"calendars.desk.monday: 'monday' is not a day: {DAY_HELP}"),
        ({"mon-": "09:00-17:00"}, f"calendars.desk.mon-: '' is not a day: {DAY_HELP}"),
        ({"mon": "9-17"}, f"calendars.desk.mon: '9-17' is not a span of time: {WINDOW_HELP}"),
        ({"mon": 9}, f"calendars.desk.mon: 9 is not a span of time: {WINDOW_HELP}"),
        ({"mon": ["09:00-12:00", None]}, f"calendars.desk.mon: None is not a span of time: {WINDOW_HELP}"),
        (
            {"mon": "09:00-25:00"},
            "calendars.desk.mon: '09:00-25:00': times go from 00:00 to 23:59, a closing time to 24:00",
        ),
        (
            {"mon": "24:00-08:00"},
            "calendars.desk.mon: '24:00-08:00': times go from 00:00 to 23:59, a closing time to 24:00",
        ),
        (
            {"mon": "00:00-00:00"},
            "calendars.desk.mon: '00:00-00:00' opens and closes at the same time: "
            'a whole day is "00:00-24:00"',
        ),
        (
            {"mon-fri": "09:00-17:00", "fri": "09:00-15:00"},
            "calendars.desk.fri: fri is named by 'mon-fri' already: name each day once, "
            "with a list of windows if it has several",
        ),
        ({}, 'calendars.desk: no opening hours; write for example mon-fri = "08:30-17:00"'),
        ({"sat": []}, 'calendars.desk: no opening hours; write for example mon-fri = "08:30-17:00"'),
    ],
)
def test_hours_that_cannot_be_read_are_refused_by_name(hours: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidCalendar) as refused:
        parse_weekly("desk", hours)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("hours", "named"),
    [
        ({"mon": ["09:00-12:00", "11:59-17:00"]}, "mon 09:00-12:00 overlaps mon 11:59-17:00"),
        ({"mon": ["09:00-12:00", "09:00-12:00"]}, "mon 09:00-12:00 overlaps mon 09:00-12:00"),
        ({"mon": "22:00-06:00", "tue": "05:00-09:00"}, "mon 22:00-06:00 overlaps tue 05:00-09:00"),
        ({"sun": "22:00-06:00", "mon": "05:59-09:00"}, "sun 22:00-06:00 overlaps mon 05:59-09:00"),
        ({"sat": ["08:00-07:00", "10:00-24:00"]}, "sat 08:00-07:00 overlaps sat 10:00-24:00"),
    ],
)
def test_windows_that_overlap_are_refused(hours: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidCalendar) as refused:
        refuse_overlaps("desk", parse_weekly("desk", hours))
    assert str(refused.value) == f"calendars.desk: {named}; windows may touch, not overlap"


@pytest.mark.parametrize(
    "hours",
    [{"mon": ["09:00-12:00", "12:00-17:00"]}, {"daily": "22:00-21:00"}, {"daily": "00:00-24:00"}],
)
def test_windows_may_touch(hours: dict[str, object]) -> None:
    refuse_overlaps("desk", parse_weekly("desk", hours))


def test_a_window_needs_two_different_times() -> None:
    with pytest.raises(InvalidCalendar, match="08:00-08:00 opens and closes at the same time"):
        Window(time(8), time(8))


def test_a_window_is_local_time() -> None:
    with pytest.raises(InvalidCalendar, match="give times without a time zone"):
        Window(time(8, tzinfo=UTC), time(9))
