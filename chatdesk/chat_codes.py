"""One-time codes by which a customer goes on with a ticket in the chat of another browser [R19].

A code is mailed to the ticket's own address: whoever can read that mail may add to the ticket. It is good
for the browser that asked for it alone, so a mail that is passed on lets nobody else in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from chatdesk.ticket import TicketNumber

PERIOD = timedelta(minutes=20)
"""How long a code is good for at least; at most it is twice as long."""
_BYTES = 5
"""40 bits, eight characters: guessing is refused long before one in a million of them was tried."""


class ChatCodes:
    """Makes and checks codes with the desk's own secret (HMAC-SHA256, RFC 2104); nothing is stored."""

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("chat codes need a secret")
        self._key = hashlib.sha256(b"chatdesk chat codes " + secret.encode()).digest()

    def code(self, visitor: str, ticket: TicketNumber, at: datetime) -> str:
        """Return the code for that browser and ticket at ``at`` (aware), as people read it: ABCD-EFGH."""
        return self._code(visitor, ticket, _period(at))

    def fits(self, typed: str, visitor: str, ticket: TicketNumber, at: datetime) -> bool:
        """Tell whether this was made for them lately; capitals, spaces and dashes do not matter."""
        given = _plain(typed)
        now = _period(at)
        codes = (_plain(self._code(visitor, ticket, period)) for period in (now, now - 1))
        return any(hmac.compare_digest(given, code) for code in codes)

    def _code(self, visitor: str, ticket: TicketNumber, period: int) -> str:
        mac = hmac.new(self._key, f"{visitor} {ticket} {period}".encode(), hashlib.sha256).digest()
        letters = base64.b32encode(mac[:_BYTES]).decode("ascii")
        return f"{letters[:4]}-{letters[4:]}"


def _period(at: datetime) -> int:
    return int(at.timestamp() // PERIOD.total_seconds())


def _plain(typed: str) -> bytes:
    # Base32 has no 0, 1 and 8 (RFC 4648): who types one means the letter that looks like it.
    text = typed.upper().translate(str.maketrans("018", "OIB", " -\u2010\u2013"))
    return text.encode("utf-8", "replace")
