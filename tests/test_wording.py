from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chatdesk.business_hours import Calendar
from chatdesk.duration import parse_duration
from chatdesk.wording import (
    describe_hours,
    say_closing,
    say_date,
    say_day,
    say_full_date,
    say_length,
    say_moment,
    say_opening,
    say_span,
    say_time,
    say_took,
    say_when,
    say_zone,
)

NEW_YORK = ZoneInfo("America/New_York")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def calendar(hours: dict[str, object], holidays: object = ()) -> Calendar:
    return Calendar.from_weekly("chat", NEW_YORK, hours, holidays)


CHAT = calendar({"mon-fri": "07:00-17:30"})


def test_a_promise_names_day_time_and_zone() -> None:
    at = datetime(2026, 9, 21, 11, tzinfo=UTC)
    assert say_date(at, at, NEW_YORK) == "Monday, September 21"
    assert say_time(at, NEW_YORK) == "7:00 AM"
    assert say_zone(at, NEW_YORK) == "EDT"
    assert say_moment(at, at, NEW_YORK) == "Monday, September 21, from 7:00 AM EDT"
    assert say_opening(at, at, NEW_YORK) == "Monday, September 21, at 7:00 AM EDT"


def test_the_zone_is_the_one_in_force_at_the_promised_moment() -> None:
    friday_before_the_change = local("2026-10-30 18:00")
    promised = CHAT.next_opening(friday_before_the_change)
    assert promised is not None
    assert say_zone(friday_before_the_change, NEW_YORK) == "EDT"
    assert say_moment(promised, friday_before_the_change, NEW_YORK) == "Monday, November 2, from 7:00 AM EST"


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-12-02 01:00", "2026-12-02 04:00", "Wednesday, December 2, 1:00 AM to 4:00 AM EST"),
        ("2026-12-02 22:00", "2026-12-03 00:00", "Wednesday, December 2, 10:00 PM to midnight EST"),
        ("2026-11-01 00:30", "2026-11-01 04:00", "Sunday, November 1, 12:30 AM EDT to 4:00 AM EST"),
    ],
)
def test_a_span_names_its_zone_once_unless_the_clocks_change_within_it(
    start: str, end: str, said: str
) -> None:
    assert say_span(local(start), local(end), local(start), NEW_YORK) == said


def test_an_end_in_a_zone_that_was_just_said_needs_none() -> None:
    end = local("2026-11-01 05:00")
    assert say_closing(end, NEW_YORK) == "5:00 AM EST"
    assert say_closing(end, NEW_YORK, local("2026-11-01 04:00")) == "5:00 AM"
    assert say_closing(end, NEW_YORK, local("2026-10-31 23:00")) == "5:00 AM EST"


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        ("00:00", "12:00 AM"), ("00:05", "12:05 AM"), ("09:50", "9:50 AM"), ("11:59:59", "11:59 AM"),
        ("12:00", "12:00 PM"), ("13:00", "1:00 PM"), ("23:30", "11:30 PM"),
    ],
)  # fmt: skip
def test_times_are_said_on_a_twelve_hour_clock(clock: str, said: str) -> None:
    assert say_time(local(f"2026-09-15 {clock}"), NEW_YORK) == said


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Europe/Berlin", "CEST"),
        ("Asia/Kathmandu", "UTC+5:45"),
        ("America/Sao_Paulo", "UTC-3"),
        ("Australia/Lord_Howe", "UTC+10:30"),
        ("America/St_Johns", "NDT"),
        ("Pacific/Marquesas", "UTC-9:30"),
        ("UTC", "UTC"),
    ],
)
def test_a_zone_without_an_abbreviation_is_said_by_its_offset(zone: str, said: str) -> None:
    assert say_zone(datetime(2026, 9, 15, 12, tzinfo=UTC), ZoneInfo(zone)) == said


@pytest.mark.parametrize(
    ("at", "day", "when"),
    [
        ("2026-09-15 16:10", "today", "today before 4:10 PM"),
        ("2026-09-16 09:50", "tomorrow", "tomorrow before 9:50 AM"),
        ("2026-09-17 09:50", "Thursday, September 17", "Thursday, September 17 before 9:50 AM"),
        ("2026-09-14 09:50", "Monday, September 14", "Monday, September 14 before 9:50 AM"),
        ("2026-09-16 00:00", "tomorrow", "today before midnight"),
        ("2026-09-16 00:00:30", "tomorrow", "today before midnight"),
        ("2026-09-15 16:10:59", "today", "today before 4:10 PM"),
        ("2026-09-17 00:00", "Thursday, September 17", "tomorrow before midnight"),
    ],
)
def test_near_days_are_said_by_name(at: str, day: str, when: str) -> None:
    now = local("2026-09-15 15:00")
    assert say_day(local(at), now, NEW_YORK) == day
    assert say_when(local(at), now, NEW_YORK) == when


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-12-31 23:59", "Thursday, December 31"),
        ("2027-01-04 07:00", "Monday, January 4, 2027"),
        ("2028-09-15 07:00", "Friday, September 15, 2028"),
        ("2025-12-31 07:00", "Wednesday, December 31, 2025"),
    ],
)
def test_a_date_of_another_year_is_said_with_its_year(at: str, said: str) -> None:
    now = local("2026-12-30 15:00")
    assert say_date(local(at), now, NEW_YORK) == said
    assert say_moment(local(at), now, NEW_YORK).startswith(f"{said}, from ")


def test_tomorrow_is_tomorrow_in_the_new_year_too() -> None:
    now, at = local("2026-12-31 23:00"), datetime(2027, 1, 1, 14, tzinfo=UTC)
    assert say_day(at, now, NEW_YORK) == "tomorrow"
    assert say_day(at, datetime(2026, 12, 29, tzinfo=UTC), NEW_YORK) == "Friday, January 1, 2027"
    assert say_date(datetime(2027, 1, 1, 3, tzinfo=UTC), now, NEW_YORK) == "Thursday, December 31"
    assert say_full_date(at, NEW_YORK) == "Friday, January 1, 2027"


def test_today_is_the_date_on_the_clock_of_the_zone() -> None:
    now, at = datetime(2026, 9, 16, 2, tzinfo=UTC), datetime(2026, 9, 16, 13, tzinfo=UTC)
    assert say_day(at, now, NEW_YORK) == "tomorrow"
    assert say_day(at, now, UTC) == "today"


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ({"mon-fri": "07:00-17:30"}, "Monday to Friday, 7:00 AM to 5:30 PM EDT"),
        ({"daily": "08:00-20:00"}, "every day, 8:00 AM to 8:00 PM EDT"),
        (
            {"mon-fri": ["08:00-12:00", "13:00-17:00"], "sat": "09:00-12:00"},
            "Monday to Friday, 8:00 AM to 12:00 PM and 1:00 PM to 5:00 PM; Saturday, 9:00 AM to 12:00 PM EDT",
        ),
        ({"sat-sun": "10:00-14:00"}, "Saturday and Sunday, 10:00 AM to 2:00 PM EDT"),
        ({"mon,wed,fri": "10:00-14:00"}, "Monday, Wednesday and Friday, 10:00 AM to 2:00 PM EDT"),
        ({"mon-wed,fri": "10:00-14:00"}, "Monday to Wednesday and Friday, 10:00 AM to 2:00 PM EDT"),
        ({"fri-mon": "22:00-06:00"}, "Friday to Monday, 10:00 PM to 6:00 AM EDT"),
        ({"sun-mon": "18:00-24:00"}, "Sunday and Monday, 6:00 PM to midnight EDT"),
        ({"mon-fri": "00:00-24:00"}, "Monday to Friday, all day EDT"),
        ({"daily": "00:00-24:00"}, "around the clock"),
    ],
)
def test_hours_are_described_by_days_with_the_same_windows(hours: dict[str, object], said: str) -> None:
    assert describe_hours(calendar(hours), local("2026-09-15 10:00")) == said


def test_described_hours_agree_with_the_next_opening_across_a_clock_change() -> None:
    assert describe_hours(CHAT, local("2026-10-30 12:00")).endswith("EDT")
    assert describe_hours(CHAT, local("2026-10-30 18:00")).endswith("EST")


def test_always_and_never_have_words() -> None:
    at = local("2026-09-15 10:00")
    assert describe_hours(Calendar.always("always", NEW_YORK), at) == "around the clock"
    assert describe_hours(Calendar.never("never", NEW_YORK), at) == "closed"


def test_naive_datetimes_are_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        say_time(datetime.fromisoformat("2026-09-15 10:00"), NEW_YORK)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        ("0m", "0 minutes"), ("1s", "1 second"), ("90s", "90 seconds"), ("60s", "1 minute"),
        ("1m", "1 minute"), ("15m", "15 minutes"), ("90m", "90 minutes"), ("1h", "1 hour"),
        ("24h", "24 hours"), ("2d", "48 hours"),
        ("1bd", "1 business day"), ("5bd", "5 business days"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_said_in_whole_hours_minutes_or_seconds_and_one_in_the_singular(
    length: str, said: str
) -> None:
    assert say_length(parse_duration(length)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (95_400, "1 d 2 h")],
)
def test_a_length_of_time_is_said_by_its_two_largest_units(seconds: float, said: str) -> None:
    assert say_took(timedelta(seconds=seconds)) == said
