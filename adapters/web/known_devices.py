"""Browsers in which somebody has signed in before: guesses made elsewhere do not lock their owner out.

They are known by a cookie, as OWASP describes it ("Slow Down Online Guessing Attacks with Device Cookies").
It opens nothing by itself: whoever has it may try the password of one account as often as from one network.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from aiohttp import web

COOKIE = "chatdesk_device"
LENGTH = timedelta(days=180)
"""How long a browser is known after the last time somebody signed in."""


class KnownDevices:
    """Marks browsers as an account's; ``secret`` is the desk's own."""

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("known devices need a secret")
        self._key = hashlib.sha256(b"chatdesk known devices " + secret.encode()).digest()

    def remember(self, request: web.Request, response: web.StreamResponse, account: str, device: str) -> None:
        """Hand out the mark of ``device``, a fresh id, for the account with that e-mail address."""
        response.set_cookie(
            COOKIE,
            f"{device}.{self._signature(account, device)}",
            max_age=int(LENGTH.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=request.secure,
            path="/console/sign-in",
        )

    def find(self, request: web.Request, account: str) -> str | None:
        """Return the browser's id, if somebody has signed in there with that account."""
        device, _, signature = request.cookies.get(COOKIE, "").partition(".")
        expected = self._signature(account, device)
        same = hmac.compare_digest(signature.encode(errors="replace"), expected.encode())
        return device if same else None

    def _signature(self, account: str, device: str) -> str:
        signed = f"{device} {account}".encode(errors="replace")
        return hmac.new(self._key, signed, hashlib.sha256).hexdigest()
