"""Tokens in mail that nobody can make up: which ticket a reply belongs to, who wants no more updates."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from msgspec import Struct

from chatdesk.ticket import TicketNumber

_FORM = re.compile(r"([th])([0-9a-z]{1,40})-([a-z2-7]{16})")
_STOP = re.compile(r"([0-9]{1,15})-([a-z2-7]{16})")


class ReplyTo(Struct, frozen=True):
    """What a reply answers: a ticket, or a mail that is held for want of something."""

    ticket: TicketNumber | None = None
    held: str | None = None


class MailTokens:
    """Makes and checks tokens with the desk's own secret; 80 bits of HMAC-SHA256 (RFC 2104) each.

    They are written in lower case and read in any: mail servers change the case of addresses.
    """

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("mail tokens need a secret")
        self._key = hashlib.sha256(b"chatdesk mail tokens " + secret.encode()).digest()

    def for_ticket(self, number: TicketNumber) -> str:
        """Return the token that replies about the ticket carry [R16]."""
        return self._signed(f"t{number}")

    def for_held(self, identity: str) -> str:
        """Return the token that answers to a held mail's question carry [R30]."""
        return self._signed(f"h{identity}")

    def for_stop(self, number: TicketNumber, address: str) -> str:
        """Return the token that ends the updates of a ticket for an address."""
        return f"{number}-{self._mark(f'stop {number} {address.lower()}')}"

    def read(self, text: str) -> ReplyTo | None:
        """Return what a token stands for, None for anything that this desk did not make."""
        found = _FORM.fullmatch(text.lower())
        if found is None or not self._is_ours(found[1] + found[2], found[3]):
            return None
        if found[1] == "h":
            return ReplyTo(held=found[2])
        return ReplyTo(ticket=TicketNumber(int(found[2]))) if found[2].isdigit() else None

    def stops(self, token: str, address: str) -> TicketNumber | None:
        """Return the ticket whose updates the token ends for that address, None for a wrong one."""
        found = _STOP.fullmatch(token.lower())
        if found is None or not self._is_ours(f"stop {found[1]} {address.lower()}", found[2]):
            return None
        return TicketNumber(int(found[1]))

    def _signed(self, text: str) -> str:
        return f"{text}-{self._mark(text)}"

    def _is_ours(self, text: str, mark: str) -> bool:
        return hmac.compare_digest(self._mark(text), mark)

    def _mark(self, text: str) -> str:
        mac = hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        return base64.b32encode(mac[:10]).decode("ascii").lower()
