"""adapters.web.sign_in_throttle: guessing is slowed down, and nobody else is."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from adapters.web.sign_in_throttle import AT_ONCE, PER_ACCOUNT, PER_ADDRESS, WINDOW, SignInThrottle

EMAIL = "lena@northwind.example"
NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)


def test_attempts_are_forgotten_after_their_time_and_the_wait_is_told() -> None:
    throttle = SignInThrottle()
    for _ in range(PER_ACCOUNT):
        assert throttle.admit("198.51.100.1", EMAIL, NOON) is None
    assert throttle.admit("198.51.100.2", EMAIL, NOON + timedelta(minutes=5)) == timedelta(minutes=10)
    assert throttle.admit("198.51.100.2", EMAIL, NOON + WINDOW) is None


def test_a_refused_attempt_does_not_make_the_wait_longer() -> None:
    throttle = SignInThrottle()
    for _ in range(PER_ACCOUNT + 20):
        throttle.admit("198.51.100.1", EMAIL, NOON)
    assert throttle.admit("198.51.100.1", EMAIL, NOON + WINDOW) is None


def test_one_address_cannot_try_many_accounts() -> None:
    throttle = SignInThrottle()
    admitted = [
        throttle.admit("198.51.100.1", f"{n}@x.example", NOON) is None for n in range(PER_ADDRESS + 5)
    ]
    assert admitted.count(True) == PER_ADDRESS
    assert throttle.admit("198.51.100.2", "other@x.example", NOON) is None


def test_signing_in_clears_the_account_only() -> None:
    throttle = SignInThrottle()
    for _ in range(PER_ACCOUNT - 1):
        throttle.admit("198.51.100.1", EMAIL, NOON)
    throttle.succeeded(EMAIL)
    assert [throttle.admit("198.51.100.1", EMAIL, NOON) for _ in range(PER_ACCOUNT)] == [None] * PER_ACCOUNT
    assert throttle.admit("198.51.100.1", EMAIL, NOON) is not None


def test_ever_new_guessers_never_stop_others_from_signing_in() -> None:
    """Forgetting stumbled on an account whose only attempts had been refused by their address."""
    throttle = SignInThrottle()
    throttle.admit("198.51.100.1", EMAIL, NOON)
    later = NOON + WINDOW + timedelta(minutes=1)
    for n in range(PER_ADDRESS):
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
