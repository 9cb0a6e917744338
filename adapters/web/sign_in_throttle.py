"""Slows down guessing: attempts to sign in are counted by address and by account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from chatdesk.rate_limit import RateLimit

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 8
PER_ADDRESS = 40
AT_ONCE = 16
"""Passwords that are checked or wait for it: one takes about a tenth of a second, and they take turns."""
LONGEST_ACCOUNT = 254
"""Characters of what was typed as an e-mail address that are remembered [RFC 5321, 4.5.3.1.3]."""


class SignInThrottle:
    """Attempts of the last quarter of an hour. Times are aware; an account that does not exist counts too."""

    def __init__(self) -> None:
        self._checking = 0
        self._addresses = RateLimit(PER_ADDRESS, WINDOW)
        self._accounts = RateLimit(PER_ACCOUNT, WINDOW)

    def admit(self, address: str, account: str, at: datetime) -> timedelta | None:
        """Count one attempt; when there were too many, return how long to wait instead."""
        counters = ((self._addresses, address), (self._accounts, account[:LONGEST_ACCOUNT]))
        wait = max(counter.wait(party, at) for counter, party in counters)
        if wait:
            return wait
        for counter, party in counters:
            counter.take(party, at)
        return None

    @property
    def is_busy(self) -> bool:
        """Whether as many passwords wait to be checked as may."""
        return self._checking >= AT_ONCE

    @contextmanager
    def checking(self) -> Iterator[None]:
        """Count a password as long as it is checked or waits for it."""
        self._checking += 1
        try:
            yield
        finally:
            self._checking -= 1

    def succeeded(self, account: str) -> None:
        """Forget the account's attempts; those of the address stay counted."""
        self._accounts.forget(account[:LONGEST_ACCOUNT])
