"""Slows down guessing: attempts to sign in are counted by address and by account."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 8
PER_ADDRESS = 40
MAX_KEYS = 20_000


class SignInThrottle:
    """Attempts of the last quarter of an hour. Times are aware; an account that does not exist counts too."""

    def __init__(self) -> None:
        self._attempts: dict[str, deque[datetime]] = {}

    def admit(self, address: str, account: str, at: datetime) -> timedelta | None:
        """Count one attempt; when there were too many, return how long to wait instead."""
        limits = ((f"address {address}", PER_ADDRESS), (f"account {account[:254]}", PER_ACCOUNT))
        waits = [wait for key, limit in limits if (wait := self._wait(key, limit, at))]
        if waits:
            return max(waits)
        for key, _ in limits:
            self._attempts.setdefault(key, deque()).append(at)
        if len(self._attempts) > MAX_KEYS:
            self._forget_old(at)
        return None

    def succeeded(self, account: str) -> None:
        """Forget the account's attempts; those of the address stay counted."""
        self._attempts.pop(f"account {account[:254]}", None)

    def _wait(self, key: str, limit: int, at: datetime) -> timedelta | None:
        attempts = self._attempts.get(key, deque())
        while attempts and attempts[0] <= at - WINDOW:
            attempts.popleft()
        return attempts[0] + WINDOW - at if len(attempts) >= limit else None

    def _forget_old(self, at: datetime) -> None:
        keys: Sequence[str] = [key for key, found in self._attempts.items() if found[-1] <= at - WINDOW]
        # Should all be fresh, the oldest make room: memory is bounded whatever is sent.
        for key in keys or list(self._attempts)[: MAX_KEYS // 2]:
            del self._attempts[key]
