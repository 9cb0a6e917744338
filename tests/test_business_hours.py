from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chatdesk.business_hours import BusinessDays, Calendar, Duration
from chatdesk.errors import InvalidCalendar

NEW_YORK = ZoneInfo("America/New_York")
THANKSGIVING = ["2026-11-26"]
DESK = Calendar.from_weekly("desk", NEW_YORK, {"mon-fri": "08:30-17:00"}, THANKSGIVING)
CHAT = Calendar.from_weekly("chat", NEW_YORK, {"mon-fri": "07:00-17:30"}, THANKSGIVING)
ELAPSED = Calendar.always("elapsed", NEW_YORK)
NEVER = Calendar.never("never", NEW_YORK)
NIGHT = Calendar.from_weekly("night", NEW_YORK, {"mon-fri": "22:00-06:00"}, THANKSGIVING)
SPLIT = Calendar.from_weekly(
    "split", NEW_YORK, {"mon-fri": ["08:00-12:00", "13:00-17:00"], "sat": "09:00-12:00"}
)

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
NOTHING = timedelta(0)


def local(text: str, zone: ZoneInfo = NEW_YORK, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The worked examples


@pytest.mark.parametrize(
    ("start", "calendar", "duration", "due_local", "due"),
    [
        pytest.param("2026-09-15 10:12", DESK, 2 * HOUR, "Tue 09-15 12:12 EDT", "2026-09-15 16:12", id="1"),
        pytest.param("2026-09-15 16:20", DESK, 2 * HOUR, "Wed 09-16 09:50 EDT", "2026-09-16 13:50", id="2"),
        pytest.param("2026-09-18 14:00", DESK, 8 * HOUR, "Mon 09-21 13:30 EDT", "2026-09-21 17:30", id="3"),
        pytest.param("2026-09-16 06:45", DESK, 2 * HOUR, "Wed 09-16 10:30 EDT", "2026-09-16 14:30", id="4"),
        pytest.param("2026-09-16 15:00", DESK, 2 * HOUR, "Wed 09-16 17:00 EDT", "2026-09-16 21:00", id="5a"),
        pytest.param("2026-09-16 17:00", DESK, 2 * HOUR, "Thu 09-17 10:30 EDT", "2026-09-17 14:30", id="5b"),
        pytest.param("2027-03-12 15:30", CHAT, 6 * HOUR, "Mon 03-15 11:00 EDT", "2027-03-15 15:00", id="6"),
        pytest.param(
            "2026-10-31 12:00", ELAPSED, 24 * HOUR, "Sun 11-01 11:00 EST", "2026-11-01 16:00", id="7"
        ),
        pytest.param("2026-11-25 16:00", DESK, 2 * HOUR, "Fri 11-27 09:30 EST", "2026-11-27 14:30", id="8"),
        pytest.param(
            "2026-11-24 10:00", DESK, BusinessDays(5), "Wed 12-02 10:00 EST", "2026-12-02 15:00", id="10"
        ),
    ],
)
def test_due_times_as_worked_in_the_rules(
    start: str, calendar: Calendar, duration: Duration, due_local: str, due: str
) -> None:
    result = calendar.add(local(start), duration)
    assert result == utc(due)
    assert result.tzinfo is UTC
    assert result.astimezone(NEW_YORK).strftime("%a %m-%d %H:%M %Z") == due_local


def test_due_time_9_as_worked_in_the_rules_waits_for_the_customer() -> None:
    waiting = (local("2026-09-15 11:00"), local("2026-09-16 10:00"))
    due = DESK.add_with_pauses(local("2026-09-15 09:00"), 8 * HOUR, [waiting])
    assert due == utc("2026-09-16 20:00") == local("2026-09-16 16:00")


def test_chat_closes_on_friday_at_half_past_five_until_monday_at_seven() -> None:
    assert CHAT.is_open(local("2026-09-18 17:29:59"))
    assert not CHAT.is_open(local("2026-09-18 17:30:00"))
    assert CHAT.next_opening(local("2026-09-18 17:30:00")) == utc("2026-09-21 11:00")


# Open and closed


def test_opening_is_inclusive_and_closing_exclusive() -> None:
    assert not DESK.is_open(local("2026-09-15 08:29:59.999999"))
    assert DESK.is_open(local("2026-09-15 08:30"))
    assert DESK.is_open(local("2026-09-15 16:59:59.999999"))
    assert not DESK.is_open(local("2026-09-15 17:00"))


def test_the_zone_of_the_question_does_not_matter() -> None:
    at = local("2026-09-15 08:30")
    for zone in ("UTC", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
        assert DESK.is_open(at.astimezone(ZoneInfo(zone)))
        assert not DESK.is_open((at - SECOND).astimezone(ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("at", "opening", "closing"),
    [
        ("2026-09-15 10:00", "2026-09-15 10:00", "2026-09-15 12:00"),
        ("2026-09-15 12:00", "2026-09-15 13:00", "2026-09-15 17:00"),
        ("2026-09-15 06:00", "2026-09-15 08:00", "2026-09-15 12:00"),
        ("2026-09-18 17:00", "2026-09-19 09:00", "2026-09-19 12:00"),
        ("2026-09-19 12:00", "2026-09-21 08:00", "2026-09-21 12:00"),
    ],
)
def test_next_opening_and_closing_follow_the_windows(at: str, opening: str, closing: str) -> None:
    assert SPLIT.next_opening(local(at)) == local(opening)
    assert SPLIT.next_closing(local(at)) == local(closing)


def test_windows_that_touch_close_once() -> None:
    shifts = Calendar.from_weekly("shifts", NEW_YORK, {"mon": ["06:00-14:00", "14:00-22:00", "22:00-06:00"]})
    assert shifts.next_closing(local("2026-09-14 07:00")) == local("2026-09-15 06:00")


def test_a_night_shift_belongs_to_the_day_on_which_it_opens() -> None:
    assert NIGHT.is_open(local("2026-09-19 05:59"))  # Saturday, the end of Friday's shift
    assert not NIGHT.is_open(local("2026-09-21 05:59"))  # Monday, Sunday has none
    assert NIGHT.next_closing(local("2026-09-18 23:00")) == local("2026-09-19 06:00")


def test_a_holiday_shuts_the_night_that_opens_on_it_and_not_the_one_before() -> None:
    assert NIGHT.is_open(local("2026-11-26 05:59"))
    assert not NIGHT.is_open(local("2026-11-26 22:00"))
    assert not NIGHT.is_open(local("2026-11-27 05:59"))
    assert NIGHT.next_opening(local("2026-11-26 06:00")) == local("2026-11-27 22:00")


def test_public_holidays_of_a_region_are_shut() -> None:
    desk = Calendar.from_weekly("desk", "Europe/Berlin", {"daily": "09:00-17:00"}, "DE-BY")
    berlin = ZoneInfo("Europe/Berlin")
    assert desk.next_opening(local("2026-12-25 10:00", berlin)) == local("2026-12-27 09:00", berlin)


def test_after_hours_the_next_business_day_is_the_next_opening() -> None:
    assert CHAT.next_business_day(local("2026-09-18 18:00")) == local("2026-09-21 07:00")
    assert CHAT.next_business_day(local("2026-11-25 20:00")) == local("2026-11-27 07:00")
    assert SPLIT.next_business_day(local("2026-09-15 12:30")) == local("2026-09-15 13:00")


def test_while_open_the_next_business_day_is_another_day() -> None:
    assert SPLIT.next_business_day(local("2026-09-15 09:00")) == local("2026-09-16 08:00")
    assert NIGHT.next_business_day(local("2026-09-19 05:00")) == local("2026-09-21 22:00")


# Always and never


def test_always_is_open_and_never_closes() -> None:
    at = local("2026-11-26 03:00")
    assert ELAPSED.always_open
    assert ELAPSED.is_open(at)
    assert ELAPSED.next_opening(at) == at
    assert ELAPSED.next_closing(at) is None
    assert ELAPSED.business_time_between(at, at + 30 * HOUR) == 30 * HOUR


def test_business_days_around_the_clock_keep_the_wall_time() -> None:
    assert ELAPSED.add(local("2026-10-31 12:00"), BusinessDays(1)) == local("2026-11-01 12:00")


def test_a_calendar_open_all_week_but_for_holidays_closes_at_the_holiday() -> None:
    calendar = Calendar.from_weekly("desk", NEW_YORK, {"daily": "00:00-24:00"}, THANKSGIVING)
    assert not calendar.always_open
    assert calendar.next_closing(local("2026-11-20 12:00")) == local("2026-11-26 00:00")
    assert calendar.next_closing(local("2026-11-27 12:00")) is None


def test_never_is_closed_and_has_no_opening() -> None:
    at = local("2026-09-15 10:00")
    assert NEVER.never_open
    assert not NEVER.is_open(at)
    assert NEVER.next_opening(at) is None
    assert NEVER.next_closing(at) is None
    assert NEVER.next_business_day(at) is None
    assert NEVER.business_time_between(at, at + 1000 * HOUR) == NOTHING


@pytest.mark.parametrize("duration", [HOUR, NOTHING, BusinessDays(0), BusinessDays(2)])
def test_no_due_time_can_be_counted_on_a_calendar_that_never_opens(duration: Duration) -> None:
    with pytest.raises(InvalidCalendar) as refused:
        NEVER.add(local("2026-09-15 10:00"), duration)
    assert str(refused.value) == (
        "calendars.never: does not open often enough to count a due time from 2026-09-15 14:00Z; "
        "give it opening hours, or name another calendar"
    )


def test_a_calendar_that_stops_opening_is_given_up_after_two_years() -> None:
    begin = date(2026, 9, 16)
    shut = frozenset(begin + timedelta(days=day) for day in range(3 * 366))
    calendar = Calendar("desk", NEW_YORK, DESK.weekly, shut)
    at = local("2026-09-15 16:00")
    assert calendar.next_closing(at) == local("2026-09-15 17:00")
    assert calendar.next_opening(at + HOUR) is None
    for duration in (2 * HOUR, BusinessDays(1)):
        with pytest.raises(InvalidCalendar, match="does not open often enough"):
            calendar.add(at, duration)


# Business days


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-09-15 10:00", 0, "2026-09-15 10:00"),
        ("2026-09-15 20:00", 0, "2026-09-16 08:00"),
        ("2026-09-15 10:00", 1, "2026-09-16 10:00"),
        ("2026-09-15 20:00", 1, "2026-09-17 08:00"),  # counts from Wednesday's opening
        ("2026-09-18 10:00", 1, "2026-09-19 10:00"),
        ("2026-09-18 16:00", 1, "2026-09-19 12:00"),  # Saturday closes at noon
        ("2026-09-18 08:15", 1, "2026-09-19 09:00"),  # Saturday opens at nine
        ("2026-09-20 10:00", 1, "2026-09-22 08:00"),
    ],
)
def test_business_days_keep_the_wall_time_within_the_hours_of_the_day(
    start: str, days: int, due: str
) -> None:
    assert SPLIT.add(local(start), BusinessDays(days)) == local(due)


def test_a_business_day_that_ends_in_a_break_is_due_after_it() -> None:
    calendar = Calendar.from_weekly(
        "desk", NEW_YORK, {"mon": "08:00-17:00", "tue": ["08:00-12:00", "13:00-17:00"]}
    )
    assert calendar.add(local("2026-09-14 12:30"), BusinessDays(1)) == local("2026-09-15 13:00")
    assert calendar.add(local("2026-09-14 12:00"), BusinessDays(1)) == local("2026-09-15 12:00")


def test_business_days_of_a_night_shift_are_counted_by_the_day_it_opens() -> None:
    # Saturday 02:00 is Friday's shift; the next one opens on Monday.
    assert NIGHT.add(local("2026-09-19 02:00"), BusinessDays(1)) == local("2026-09-22 02:00")


# Pauses


@pytest.mark.parametrize(
    ("pauses", "due"),
    [
        ([], "2026-09-15 11:00"),
        ([("2026-09-15 09:30", "2026-09-15 10:00")], "2026-09-15 11:30"),
        (
            [("2026-09-15 10:00", "2026-09-15 10:30"), ("2026-09-15 09:30", "2026-09-15 10:00")],
            "2026-09-15 12:00",
        ),
        (
            [("2026-09-15 09:30", "2026-09-15 10:30"), ("2026-09-15 10:00", "2026-09-15 11:00")],
            "2026-09-15 12:30",
        ),
        (
            [("2026-09-15 09:30", "2026-09-15 12:00"), ("2026-09-15 10:00", "2026-09-15 11:00")],
            "2026-09-15 13:30",
        ),
        ([("2026-09-15 08:30", "2026-09-15 09:15")], "2026-09-15 11:15"),
        ([("2026-09-14 08:30", "2026-09-15 08:45")], "2026-09-15 11:00"),
        ([("2026-09-15 11:00", "2026-09-15 12:00")], "2026-09-15 11:00"),
        ([("2026-09-15 10:59", "2026-09-15 12:00")], "2026-09-15 12:01"),
        # The second pause counts because the first moved the due time past its beginning.
        (
            [("2026-09-15 10:00", "2026-09-15 10:30"), ("2026-09-15 11:15", "2026-09-15 12:15")],
            "2026-09-15 12:30",
        ),
    ],
)
def test_two_hours_from_nine_with_pauses(pauses: list[tuple[str, str]], due: str) -> None:
    spans = [(local(begins), local(ends)) for begins, ends in pauses]
    assert DESK.add_with_pauses(local("2026-09-15 09:00"), 2 * HOUR, spans) == local(due)


def test_a_pause_overnight_leaves_a_due_time_at_the_closing_alone() -> None:
    spans = [(local("2026-09-15 18:00"), local("2026-09-16 07:00"))]
    assert DESK.add_with_pauses(local("2026-09-15 15:00"), 10.5 * HOUR, spans) == local("2026-09-16 17:00")


def test_a_pause_moves_business_days_by_its_open_time() -> None:
    spans = [(local("2026-09-15 16:00"), local("2026-09-16 09:30"))]
    due = DESK.add_with_pauses(local("2026-09-15 10:00"), BusinessDays(1), spans)
    assert due == local("2026-09-16 12:00")


def test_a_pause_that_ends_before_it_begins_is_refused() -> None:
    at = local("2026-09-15 10:00")
    with pytest.raises(ValueError, match="a pause ends before it begins"):
        DESK.add_with_pauses(at, HOUR, [(at + HOUR, at)])


# Arguments


def test_naive_datetimes_are_refused() -> None:
    naive, aware = datetime.fromisoformat("2026-09-15 10:00"), local("2026-09-15 10:00")
    for ask in (DESK.is_open, DESK.next_opening, DESK.next_closing, DESK.next_business_day):
        with pytest.raises(ValueError, match="2026-09-15 10:00:00 has no time zone: give an aware datetime"):
            ask(naive)
    for duration in (HOUR, BusinessDays(1)):
        with pytest.raises(ValueError, match="has no time zone"):
            DESK.add(naive, duration)
    with pytest.raises(ValueError, match="has no time zone"):
        DESK.business_time_between(aware, naive)
    with pytest.raises(ValueError, match="has no time zone"):
        DESK.add_with_pauses(aware, HOUR, [(aware, naive)])


def test_time_is_not_counted_backwards() -> None:
    at = local("2026-09-15 10:00")
    with pytest.raises(ValueError, match="a duration cannot be negative"):
        DESK.add(at, -SECOND)
    with pytest.raises(ValueError, match="is before the start"):
        DESK.business_time_between(at, at - SECOND)


@pytest.mark.parametrize("zone", ["America/NewYork", "", "../etc/passwd", "Mars/Base"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidCalendar) as refused:
        Calendar.always("desk", zone)
    assert str(refused.value) == (
        f"calendars.desk.timezone: {zone!r} is not a known time zone; "
        'use a name such as "America/New_York" or "Europe/Berlin"'
    )


def test_a_calendar_has_seven_days_that_do_not_overlap() -> None:
    with pytest.raises(InvalidCalendar, match=r"^calendars\.desk: give seven days, Monday first, not 5$"):
        Calendar("desk", NEW_YORK, DESK.weekly[:5])
    with pytest.raises(InvalidCalendar, match="mon 22:00-06:00 overlaps tue 05:00-09:00"):
        Calendar.from_weekly("desk", NEW_YORK, {"mon": "22:00-06:00", "tue": "05:00-09:00"})


def test_calendars_with_the_same_hours_are_equal_and_can_be_keys() -> None:
    again = Calendar.from_weekly("desk", "America/New_York", {"mon-fri": "08:30-17:00"}, THANKSGIVING)
    assert DESK.is_open(local("2026-09-15 10:00"))
    assert {DESK: 1}[again] == 1
