"""Recurring maintenance: when it takes place, from when on it is announced, and in which words [R47]."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chatdesk.config import Config, MaintenanceWindow
from chatdesk.maintenance import MOST_IN_CHAT, Occurrence, announced, announced_in_chat, notices, occurrences
from tests.desk_builders import NORTHWIND

NEW_YORK = "America/New_York"
WEDNESDAY, SUNDAY = 2, 6
DAY = timedelta(days=1)


def window(
    times: str = "01:00-04:00", servers: str = "", weekday: int = WEDNESDAY, weeks: tuple[int, ...] = ()
) -> MaintenanceWindow:
    opens, closes = map(time.fromisoformat, times.split("-"))
    until = time.fromisoformat(servers) if servers else None
    return MaintenanceWindow("Windows patching", weekday, weeks, opens, closes, until)


PATCHING = window(servers="05:00", weeks=(1, 3))


def desk(*windows: MaintenanceWindow, zone: str = NEW_YORK) -> Config:
    settings = replace(NORTHWIND.desk, timezone=ZoneInfo(zone))
    return replace(NORTHWIND, desk=settings, maintenance=windows)


def local(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def utc(*moments: datetime) -> list[str]:
    return [f"{moment.astimezone(UTC):%m-%d %H:%M}" for moment in moments]


def first(one: MaintenanceWindow, at: datetime, zone: str = NEW_YORK) -> Occurrence:
    return next(occurrences(one, ZoneInfo(zone), at))


@pytest.mark.parametrize(
    ("weeks", "days"),
    [
        ((1, 3), ["12-02", "12-16", "01-06", "01-20"]),
        ((2,), ["12-09", "01-13", "02-10", "03-10"]),
        ((5,), ["12-30", "03-31", "06-30", "09-29"]),
        ((), ["12-02", "12-09", "12-16", "12-23"]),
    ],
)
def test_a_window_recurs_in_its_weeks_of_the_month(weeks: tuple[int, ...], days: list[str]) -> None:
    coming = occurrences(window(weeks=weeks), ZoneInfo(NEW_YORK), local("2026-12-01 12:00"))
    assert [f"{one.opens:%m-%d}" for one in islice(coming, 4)] == days


@pytest.mark.parametrize(
    ("one", "moments"),
    [
        # announced, opens, closes, ends: New York is five hours behind UTC.
        (window(), ["12-01 22:00", "12-02 06:00", "12-02 09:00", "12-02 09:00"]),
        (window(servers="05:00"), ["12-01 22:00", "12-02 06:00", "12-02 09:00", "12-02 10:00"]),
        (window(servers="04:00"), ["12-01 22:00", "12-02 06:00", "12-02 09:00", "12-02 09:00"]),
        (window("22:00-02:00"), ["12-01 22:00", "12-03 03:00", "12-03 07:00", "12-03 07:00"]),
        (window("22:00-00:00", "01:00"), ["12-01 22:00", "12-03 03:00", "12-03 05:00", "12-03 06:00"]),
        (window("20:00-23:00", "00:30"), ["12-01 22:00", "12-03 01:00", "12-03 04:00", "12-03 05:30"]),
        (window("00:00-03:00"), ["12-01 22:00", "12-02 05:00", "12-02 08:00", "12-02 08:00"]),
    ],
)
def test_it_is_announced_the_evening_before_and_lasts_until_its_servers_are_back(
    one: MaintenanceWindow, moments: list[str]
) -> None:
    found = first(one, local("2026-12-01 12:00"))
    assert utc(found.announced, found.opens, found.closes, found.ends) == moments


@pytest.mark.parametrize(
    ("one", "at", "opens"),
    [
        (PATCHING, "2026-12-02 04:59:59", "12-02 06:00"),
        (PATCHING, "2026-12-02 05:00", "12-16 06:00"),
        (window("22:00-02:00"), "2026-12-03 01:59:59", "12-03 03:00"),
        (window("22:00-02:00"), "2026-12-03 02:00", "12-10 03:00"),
        (window("23:00-01:00", "22:59"), "2026-12-03 22:58:59", "12-03 04:00"),
    ],
)
def test_what_goes_on_counts_until_its_very_end(one: MaintenanceWindow, at: str, opens: str) -> None:
    assert utc(first(one, local(at)).opens) == [opens]


@pytest.mark.parametrize(
    ("zone", "one", "at", "moments"),
    [
        # The clocks go forward within the window, from 2 to 3: it is an hour shorter.
        (NEW_YORK, window("01:00-04:00", "05:00", SUNDAY), "2027-03-13", "06:00 08:00 09:00"),
        # It opens in the hour that is skipped: at the jump.
        (NEW_YORK, window("02:30-04:00", "", SUNDAY), "2027-03-13", "07:00 08:00 08:00"),
        # They go back, from 2 to 1: it is an hour longer, from the first time that clocks show 1.
        (NEW_YORK, window("01:00-04:00", "05:00", SUNDAY), "2026-10-31", "05:00 09:00 10:00"),
        ("Europe/Berlin", window("01:00-04:00", "05:00", SUNDAY), "2027-03-27", "00:00 02:00 03:00"),
        ("Europe/Berlin", window("02:00-03:00", "", SUNDAY), "2026-10-24", "00:00 02:00 02:00"),
        # Half an hour, from 2:00 to 1:30.
        ("Australia/Lord_Howe", window("01:00-04:00", "", SUNDAY), "2027-04-03", "14:00 17:30 17:30"),
        # At midnight, when the day begins at 1:00.
        ("Africa/Cairo", window("00:00-03:00", "", 4), "2027-04-29", "22:00 00:00 00:00"),
    ],
)
def test_on_days_on_which_the_clocks_change_windows_keep_to_the_clock_on_the_wall(
    zone: str, one: MaintenanceWindow, at: str, moments: str
) -> None:
    found = first(one, local(f"{at} 12:00", zone), zone)
    times = (f"{moment:%H:%M}" for moment in (found.opens, found.closes, found.ends))
    assert " ".join(times) == moments


def test_a_window_within_the_hour_that_is_skipped_does_not_take_place_that_day() -> None:
    one = window("02:10-02:50", "05:00", SUNDAY)
    assert utc(first(one, local("2027-03-13 12:00")).opens) == ["03-21 06:10"]


EVENING = (
    "Maintenance: Windows patching, Wednesday, December 2, 1:00 AM to 4:00 AM EST. Servers until 5:00 AM."
)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-12-01 16:59:59", []),
        ("2026-12-01 17:00", [EVENING]),
        ("2026-12-02 00:59:59", [EVENING]),
        (
            "2026-12-02 01:00",
            ["Maintenance now: Windows patching, until 4:00 AM EST. Servers until 5:00 AM."],
        ),
        ("2026-12-02 04:00", ["Server maintenance now: Windows patching, until 5:00 AM EST."]),
        ("2026-12-02 05:00", []),
        ("2026-12-08 17:00", []),
    ],
)
def test_it_is_said_before_while_it_goes_on_and_while_servers_are_away(at: str, said: list[str]) -> None:
    assert announced(desk(PATCHING), local(at)) == said


@pytest.mark.parametrize(
    ("one", "at", "said"),
    [
        (window("22:00-00:00"), "2026-12-01 17:00", "Wednesday, December 2, 10:00 PM to midnight EST."),
        (
            window("01:00-04:00", "05:00", SUNDAY),
            "2026-10-31 17:00",
            "Sunday, November 1, 1:00 AM EDT to 4:00 AM EST. Servers until 5:00 AM.",
        ),
        # Said in December of a night in January.
        (window(weekday=4), "2026-12-31 17:00", "Friday, January 1, 2027, 1:00 AM to 4:00 AM EST."),
        (
            window("23:00-01:00", "04:00", weekday=5),
            "2026-10-30 17:00",
            "Saturday, October 31, 11:00 PM to 1:00 AM EDT. Servers until 4:00 AM EST.",
        ),
    ],
)
def test_the_announcement_names_day_times_and_zone(one: MaintenanceWindow, at: str, said: str) -> None:
    found = announced(desk(one), local(at))
    assert found == [f"Maintenance: Windows patching, {said}"]


def test_several_windows_are_said_in_the_files_order() -> None:
    both = [window("22:00-23:00"), PATCHING]
    said = announced(desk(*both), local("2026-12-01 18:00"))
    assert ["10:00 PM" in text for text in said] == [True, False]


def test_slack_and_teams_say_the_first_ten() -> None:
    many = [replace(window(), name=f"Window {number}") for number in range(MOST_IN_CHAT + 2)]
    said = announced_in_chat(desk(*many), local("2026-12-01 18:00"))
    names = [text.removeprefix("Maintenance: ").partition(",")[0] for text in said]
    assert names == [f"Window {number}" for number in range(10)]


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        next(occurrences(PATCHING, ZoneInfo(NEW_YORK), datetime(2026, 12, 1)))  # noqa: DTZ001


ZONES = (
    NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns",
    "Africa/Casablanca", "America/Havana", "Africa/Cairo", "America/Sao_Paulo", "Pacific/Apia", "UTC",
)  # fmt: skip
zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.one_of(
    st.datetimes(datetime(2026, 9, 1), datetime(2027, 5, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(datetime(2010, 10, 1), datetime(2012, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)


@st.composite
def windows(draw: st.DrawFn) -> MaintenanceWindow:
    """A window as a file may have it: servers are not back before it closes, nor a day after it opens."""
    opens = draw(st.integers(0, 1439))
    length = draw(st.integers(1, 1439))
    longer = draw(st.one_of(st.none(), st.integers(0, 1439 - length)))
    at = [
        time(minute // 60 % 24, minute % 60)
        for minute in (opens, opens + length, opens + length + (longer or 0))
    ]
    weeks = tuple(sorted(draw(st.sets(st.integers(1, 5)))))
    until = None if longer is None else at[2]
    return MaintenanceWindow("P", draw(st.integers(0, 6)), weeks, at[0], at[1], until)


def upcoming(one: MaintenanceWindow, zone: ZoneInfo, at: datetime, count: int = 4) -> Iterator[Occurrence]:
    return islice(occurrences(one, zone, at), count)


unhurried = settings(max_examples=200, deadline=None)


@pytest.mark.property
@unhurried
@given(windows(), zones, instants)
def test_each_occurrence_is_on_its_day_in_its_order_and_not_over(
    one: MaintenanceWindow, zone: ZoneInfo, at: datetime
) -> None:
    found = list(upcoming(one, zone, at))
    assert found[0].ends > at
    for each in found:
        assert each.announced < each.opens < each.closes <= each.ends
        assert each.opens.tzinfo is UTC
        # An opening that is skipped is at the jump, which may be on the next day.
        opens = each.opens.astimezone(zone)
        day = opens if opens.time().replace(fold=0) == one.opens else opens - timedelta(hours=1)
        assert day.weekday() == one.weekday or opens.weekday() == one.weekday
        assert not one.weeks or {(day.day - 1) // 7 + 1, (opens.day - 1) // 7 + 1}.intersection(one.weeks)
    assert all(earlier.ends < later.opens for earlier, later in pairwise(found))


@pytest.mark.property
@unhurried
@given(windows(), zones, instants, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_a_later_question_finds_the_same_occurrences(
    one: MaintenanceWindow, zone: ZoneInfo, at: datetime, later: timedelta
) -> None:
    seen = [each for each in upcoming(one, zone, at, 12) if each.ends > at + later]
    assert seen[:3] == list(upcoming(one, zone, at + later, len(seen[:3])))


@pytest.mark.property
@unhurried
@given(windows(), zones, instants)
def test_notices_follow_each_other_from_the_evening_before_until_the_end(
    one: MaintenanceWindow, zone: ZoneInfo, at: datetime
) -> None:
    found = first(one, at, zone.key)
    said = notices(desk(one, zone=zone.key), at)
    assert said[-1].until == found.ends
    assert all(earlier.until == later.since for earlier, later in pairwise(said))
    assert said[0].until > at
    assert (said[0].since <= at) == (found.announced <= at) == bool(announced(desk(one, zone=zone.key), at))
    assert found.announced.astimezone(zone).hour == 17
