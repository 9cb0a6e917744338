"""Slows down guessing: attempts to sign in are counted by network, by account, and by both together.

An account's own limit is far above what one network may do, so that a stranger cannot lock its owner out
from one place. Who signs in where they have before is counted by that browser alone [known_devices].
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from chatdesk.rate_limit import RateLimit

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 8
"""Attempts at one account from one network, or in one known browser."""
PER_NETWORK = 40
FROM_EVERYWHERE = 100
"""Attempts at one account from wherever, but for browsers that it is known in."""
AT_ONCE = 16
"""Passwords that are checked or wait for it: one takes about a tenth of a second, and they take turns."""
LONGEST_ACCOUNT = 254
"""Characters of what was typed as an e-mail address that are remembered [RFC 5321, 4.5.3.1.3]."""


class SignInThrottle:
    """Attempts of the last quarter of an hour. Times are aware; an account that does not exist counts too."""

    def __init__(self) -> None:
        self._networks = RateLimit(PER_NETWORK, WINDOW)
        self._accounts = RateLimit(FROM_EVERYWHERE, WINDOW)
        self._places = RateLimit(PER_ACCOUNT, WINDOW)
        self._checking = 0

    def admit(self, network: str, account: str, at: datetime, device: str | None = None) -> timedelta | None:
        """Count one attempt; when there were too many, return how long to wait instead.

        ``device`` is the browser, if it is known for that account.
        """
        counters = [(self._places, _place(network, account, device))]
        if device is None:
            counters += [(self._networks, network), (self._accounts, account[:LONGEST_ACCOUNT])]
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

    def succeeded(self, network: str, account: str, device: str | None = None) -> None:
        """Forget the attempts at the account made there; all others stay counted."""
        self._places.forget(_place(network, account, device))


def _place(network: str, account: str, device: str | None) -> str:
    return f"device {device}" if device is not None else f"{network} {account[:LONGEST_ACCOUNT]}"
