"""adapters.web.sign_in_throttle: guessing is slowed down, and nobody else is."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from adapters.web.sign_in_throttle import (
    AT_ONCE,
    FROM_EVERYWHERE,
    PER_ACCOUNT,
    PER_NETWORK,
    WINDOW,
    SignInThrottle,
)

EMAIL = "lena@northwind.example"
NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)


def test_attempts_are_forgotten_after_their_time_and_the_wait_is_told() -> None:
    throttle = SignInThrottle()
    for _ in range(PER_ACCOUNT):
        assert throttle.admit("198.51.100.1", EMAIL, NOON) is None
    assert throttle.admit("198.51.100.1", EMAIL, NOON + timedelta(minutes=5)) == timedelta(minutes=10)
    assert throttle.admit("198.51.100.1", EMAIL, NOON + WINDOW) is None


def test_guesses_from_one_network_do_not_lock_the_account_elsewhere() -> None:
    throttle = SignInThrottle()
    for _ in range(PER_ACCOUNT + 1):
        throttle.admit("198.51.100.1", EMAIL, NOON)
    assert throttle.admit("198.51.100.2", EMAIL, NOON) is None


def test_guesses_from_everywhere_are_stopped_but_where_the_account_is_known() -> None:
    throttle = SignInThrottle()
    admitted = [
        throttle.admit(f"198.51.100.{n // PER_ACCOUNT}", EMAIL, NOON) is None
        for n in range(FROM_EVERYWHERE + 20)
    ]
    assert admitted.count(True) == FROM_EVERYWHERE
    assert throttle.admit("203.0.113.7", EMAIL, NOON) == WINDOW

    tries = [throttle.admit("203.0.113.7", EMAIL, NOON, "laptop") for _ in range(PER_ACCOUNT + 1)]
    assert tries == [None] * PER_ACCOUNT + [WINDOW]
    throttle.succeeded("203.0.113.7", EMAIL, "laptop")
    assert throttle.admit("203.0.113.7", EMAIL, NOON, "laptop") is None


def test_a_refused_attempt_does_not_make_the_wait_longer() -> None:
    throttle = SignInThrottle()
    for _ in range(PER_ACCOUNT + 20):
        throttle.admit("198.51.100.1", EMAIL, NOON)
    assert throttle.admit("198.51.100.1", EMAIL, NOON + WINDOW) is None


def test_one_address_cannot_try_many_accounts() -> None:
    throttle = SignInThrottle()
    admitted = [
        throttle.admit("198.51.100.1", f"{n}@x.example", NOON) is None for n in range(PER_NETWORK + 5)
    ]
    assert admitted.count(True) == PER_NETWORK
    assert throttle.admit("198.51.100.2", "other@x.example", NOON) is None


def test_signing_in_clears_the_account_there_only() -> None:
    throttle = SignInThrottle()
    for _ in range(PER_ACCOUNT - 1):
        throttle.admit("198.51.100.1", EMAIL, NOON)
    throttle.succeeded("198.51.100.1", EMAIL)
    assert [throttle.admit("198.51.100.1", EMAIL, NOON) for _ in range(PER_ACCOUNT)] == [None] * PER_ACCOUNT
    assert throttle.admit("198.51.100.1", EMAIL, NOON) is not None


def test_ever_new_guessers_never_stop_others_from_signing_in() -> None:
    """Forgetting stumbled on an account whose only attempts had been refused by their address."""
    throttle = SignInThrottle()
    throttle.admit("198.51.100.1", EMAIL, NOON)
    later = NOON + WINDOW + timedelta(minutes=1)
    for n in range(PER_NETWORK):
        throttle.admit("198.51.100.2", f"{n}@x.example", later)
    assert throttle.admit("198.51.100.2", EMAIL, later) is not None

    for n in range(60_000):
        throttle.admit(f"2001:db8:{n:x}::1", f"{n}@y.example", later + timedelta(seconds=n))
    assert throttle.admit("198.51.100.1", EMAIL, later + timedelta(days=1)) is None


def test_so_many_passwords_are_checked_at_once() -> None:
    throttle = SignInThrottle()
    with ExitStack() as checks:
        for _ in range(AT_ONCE):
            assert not throttle.is_busy
            checks.enter_context(throttle.checking())
        assert throttle.is_busy
    assert not throttle.is_busy
