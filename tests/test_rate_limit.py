"""chatdesk.rate_limit: how often one party may do something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatdesk import rate_limit
from chatdesk.rate_limit import RateLimit

NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_one_time_too_many_is_refused_and_others_are_not() -> None:
    limit = RateLimit(2, MINUTE)

    assert [limit.take("a", NOON), limit.take("a", NOON), limit.take("a", NOON)] == [True, True, False]
    assert limit.take("b", NOON)


def test_the_window_slides_and_refused_attempts_do_not_lengthen_the_wait() -> None:
    limit = RateLimit(1, MINUTE)
    limit.take("a", NOON)

    assert limit.wait("a", NOON + timedelta(seconds=45)) == timedelta(seconds=15)
    assert not limit.take("a", NOON + timedelta(seconds=59))
    assert limit.take("a", NOON + MINUTE)


def test_only_so_many_parties_are_remembered() -> None:
    limit = RateLimit(1, MINUTE)
    for number in range(rate_limit.MAX_PARTIES + 1):
        limit.take(str(number), NOON)

    assert limit.take("0", NOON)
    assert not limit.take(str(rate_limit.MAX_PARTIES), NOON)


def test_who_is_forgotten_begins_anew() -> None:
    limit = RateLimit(1, MINUTE)
    limit.take("a", NOON)
    limit.forget("a")
    limit.forget("nobody")

    assert limit.take("a", NOON)


def test_a_clock_that_was_ahead_for_a_moment_holds_nobody_up_for_longer_than_the_period() -> None:
    limit = RateLimit(2, MINUTE)
    for seconds in (0, 1):
        limit.take("a", NOON + timedelta(days=365, seconds=seconds))

    assert limit.wait("a", NOON) == MINUTE
    assert not limit.take("a", NOON + timedelta(seconds=59))
    assert limit.take("a", NOON + MINUTE)


def test_times_that_come_in_another_order_are_all_counted() -> None:
    limit = RateLimit(3, MINUTE)

    assert [limit.take("a", NOON - timedelta(milliseconds=late)) for late in range(4)] == [True] * 3 + [False]
