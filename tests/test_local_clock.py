from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdesk.local_clock import first_instant, furthest_wall

ZONES = (
    "America/New_York", "Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Kathmandu",
    "America/St_Johns", "Africa/Casablanca", "America/Havana", "America/Sao_Paulo", "Africa/Cairo",
    "Pacific/Apia", "Pacific/Chatham", "Asia/Tehran", "UTC",
)  # fmt: skip


def wall_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.datetimes(wall_time("2005-01-01 00:00"), wall_time("2035-01-01 00:00"), timezones=st.just(UTC))
short_steps = st.timedeltas(timedelta(0), timedelta(hours=30))


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        ("America/New_York", "2026-09-15 10:12", "2026-09-15 14:12"),
        # 02:00 to 03:00 is skipped.
        ("America/New_York", "2027-03-14 01:59", "2027-03-14 06:59"),
        ("America/New_York", "2027-03-14 02:00", "2027-03-14 07:00"),
        ("America/New_York", "2027-03-14 02:59:59", "2027-03-14 07:00"),
        ("America/New_York", "2027-03-14 03:00", "2027-03-14 07:00"),
        # 01:00 to 02:00 is shown twice.
        ("America/New_York", "2026-11-01 01:00", "2026-11-01 05:00"),
        ("America/New_York", "2026-11-01 01:59", "2026-11-01 05:59"),
        ("America/New_York", "2026-11-01 02:00", "2026-11-01 07:00"),
        # Half an hour is skipped, half an hour repeated.
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30"),
        ("Australia/Lord_Howe", "2027-04-04 01:45", "2027-04-03 14:45"),
        # Midnight is skipped; a whole day is skipped.
        ("America/Havana", "2026-03-08 00:00", "2026-03-08 05:00"),
        ("Pacific/Apia", "2011-12-30 09:00", "2011-12-30 10:00"),
    ],
)
def test_first_instant_is_the_first_showing_or_the_jump(zone: str, wall: str, instant: str) -> None:
    assert first_instant(wall_time(wall), ZoneInfo(zone)) == wall_time(instant).replace(tzinfo=UTC)


def test_the_furthest_wall_time_stands_still_while_an_hour_is_repeated() -> None:
    zone = ZoneInfo("America/New_York")
    begin = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    shown = [furthest_wall(begin + timedelta(minutes=30 * step), zone).strftime("%H:%M") for step in range(5)]
    assert shown == ["01:30", "02:00", "02:00", "02:00", "02:30"]


@pytest.mark.property
@given(zones, instants, short_steps)
def test_neither_direction_ever_runs_backwards(zone: ZoneInfo, instant: datetime, step: timedelta) -> None:
    assert furthest_wall(instant, zone) <= furthest_wall(instant + step, zone)
    wall = instant.replace(tzinfo=None)
    assert first_instant(wall, zone) <= first_instant(wall + step, zone)


@pytest.mark.property
@given(zones, instants)
def test_the_first_instant_of_the_furthest_wall_time_shows_it(zone: ZoneInfo, instant: datetime) -> None:
    wall = furthest_wall(instant, zone)
    shown_again = first_instant(wall, zone)
    assert furthest_wall(shown_again, zone) == wall
    assert shown_again >= instant or shown_again.astimezone(zone).replace(tzinfo=None) == wall
