"""What holds for business hours in any zone, week and moment; and how fast they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chatdesk.business_hours import BusinessDays, Calendar, Duration

NOTHING = timedelta(0)

ZONES = (
    "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns",
    "Africa/Casablanca", "America/Havana", "Africa/Cairo", "America/Sao_Paulo", "Pacific/Apia",
)  # fmt: skip
WEEKS: tuple[dict[str, object], ...] = (
    {"mon-fri": "08:30-17:00"},
    {"mon-fri": ["08:00-12:00", "13:00-17:00"], "sat": "09:00-12:00"},
    {"daily": "22:00-06:00"},
    {"daily": "00:00-24:00"},
    {"daily": ["00:00-01:30", "01:30-02:30", "02:30-23:45"]},
    {"sat-mon": "23:30-02:15", "wed": "18:00-24:00", "thu": "00:00-03:00"},
)
HOLIDAYS = (date(2011, 12, 29), date(2026, 3, 28), date(2026, 10, 25), date(2026, 11, 1), date(2027, 3, 14))

_calendars = {
    (zone, index): Calendar.from_weekly(f"{zone} {index}", zone, week, HOLIDAYS)
    for zone in ZONES
    for index, week in enumerate(WEEKS)
}
calendars = st.sampled_from(list(_calendars.values()))
instants = st.one_of(
    st.datetimes(
        datetime.fromisoformat("2026-09-01"), datetime.fromisoformat("2027-05-01"), timezones=st.just(UTC)
    ),
    st.datetimes(
        datetime.fromisoformat("2010-10-01"), datetime.fromisoformat("2012-03-01"), timezones=st.just(UTC)
    ),
)
hours = st.timedeltas(NOTHING, timedelta(hours=200))
durations = st.one_of(hours, st.integers(0, 12).map(BusinessDays))
steps = st.timedeltas(NOTHING, timedelta(days=4))

unhurried = settings(max_examples=200, deadline=None)
"""A loaded machine is no reason to fail."""


@pytest.mark.property
@unhurried
@given(calendars, instants, durations)
def test_a_due_time_is_in_open_hours_or_at_a_closing(
    calendar: Calendar, start: datetime, duration: Duration
) -> None:
    due = calendar.add(start, duration)
    assert due >= start
    assert calendar.is_open(due) or calendar.is_open(due - timedelta(microseconds=1))


@pytest.mark.property
@unhurried
@given(calendars, instants, durations, steps)
def test_a_later_start_is_never_due_earlier(
    calendar: Calendar, start: datetime, duration: Duration, step: timedelta
) -> None:
    assert calendar.add(start, duration) <= calendar.add(start + step, duration)


@pytest.mark.property
@unhurried
@given(calendars, instants, hours)
def test_the_open_time_up_to_the_due_time_is_the_duration(
    calendar: Calendar, start: datetime, duration: timedelta
) -> None:
    assert calendar.business_time_between(start, calendar.add(start, duration)) == duration


@pytest.mark.property
@unhurried
@given(calendars, instants, steps, steps)
def test_open_time_adds_up(calendar: Calendar, start: datetime, one: timedelta, other: timedelta) -> None:
    between = calendar.business_time_between
    middle, end = start + one, start + one + other
    assert between(start, middle) + between(middle, end) == between(start, end)


@pytest.mark.property
@unhurried
@given(calendars, instants, hours, st.lists(st.tuples(steps, steps), max_size=4))
def test_paused_time_is_not_counted(
    calendar: Calendar, start: datetime, duration: timedelta, offsets: list[tuple[timedelta, timedelta]]
) -> None:
    pauses = sorted((start + after, start + after + lasts) for after, lasts in offsets)
    due = calendar.add_with_pauses(start, duration, pauses)
    counted, clock = NOTHING, start
    for begins, ends in pauses:
        counted += calendar.business_time_between(clock, min(max(begins, clock), due))
        clock = min(max(clock, ends), due)
    assert counted + calendar.business_time_between(clock, due) == duration


@pytest.mark.property
@unhurried
@given(calendars, instants)
def test_openings_and_closings_bound_the_open_time(calendar: Calendar, at: datetime) -> None:
    opening, closing = calendar.next_opening(at), calendar.next_closing(at)
    assert opening is not None
    assert calendar.is_open(opening)
    assert (opening == at) is calendar.is_open(at)
    assert calendar.business_time_between(at, opening) == NOTHING
    if closing is not None:
        assert calendar.business_time_between(opening, closing) == closing - opening
        assert not calendar.is_open(closing)


@pytest.mark.property
@unhurried
@given(calendars, instants, st.lists(st.timedeltas(timedelta(days=-9), timedelta(days=9)), max_size=8), hours)
def test_what_was_asked_before_changes_no_answer(
    calendar: Calendar, at: datetime, others: list[timedelta], duration: timedelta
) -> None:
    used = replace(calendar)
    for other in others:
        used.next_opening(at + other)
    fresh = replace(calendar)
    assert used.is_open(at) == fresh.is_open(at)
    assert used.next_opening(at) == fresh.next_opening(at)
    assert used.add(at, duration) == fresh.add(at, duration)


@pytest.mark.property
@unhurried
@given(calendars, instants)
def test_open_is_what_a_clock_on_the_wall_says(calendar: Calendar, at: datetime) -> None:
    local = at.astimezone(calendar.timezone)
    assume(local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset())
    wall = local.replace(tzinfo=None)
    shown_open = False
    for day in (wall.date(), wall.date() - timedelta(days=1)):
        spans = [window.on(day) for window in calendar.weekly[day.weekday()] if day not in HOLIDAYS]
        shown_open = shown_open or any(opens <= wall < closes for opens, closes in spans)
    assert calendar.is_open(at) is shown_open


BUSY = Calendar.from_weekly(
    "busy",
    ZoneInfo("America/New_York"),
    {"mon-sat": ["07:00-09:00", "10:00-12:00", "13:00-15:00", "16:00-18:00"]},
    "US-NY",
)

AT = datetime(2026, 9, 15, 14, tzinfo=UTC)


def best_seconds(ask: Callable[[], object], rounds: int = 7) -> float:
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def test_a_year_of_a_busy_calendar_is_added_in_under_five_milliseconds_once_its_days_are_known() -> None:
    assert BUSY.add(AT, timedelta(hours=2300)) - AT > timedelta(days=330)
    assert best_seconds(lambda: BUSY.add(AT, timedelta(hours=2300))) < 0.005


def test_being_open_is_told_in_microseconds() -> None:
    assert best_seconds(lambda: [BUSY.is_open(AT) for _ in range(1000)]) / 1000 < 0.000_05


def test_a_calendar_without_openings_is_given_up_quickly() -> None:
    shut = Calendar(
        "desk",
        ZoneInfo("America/New_York"),
        BUSY.weekly,
        frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(2000)),
    )
    assert shut.next_opening(AT) is None
    assert best_seconds(lambda: shut.next_opening(AT)) < 0.005
