"""What one party may do from outside in a while: chats begun, files sent, transcripts fetched [threat 45].

The limits are far above what people do and count attempts, so that a flood costs the desk little and hurts
nobody else. What was typed stays with the sender, who may send it again later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from msgspec import Struct

from adapters.web.upload_volume import UploadVolume
from chatdesk.errors import EventRefused
from chatdesk.rate_limit import RateLimit

TEN_MINUTES, HOUR = timedelta(minutes=10), timedelta(hours=1)

LONGEST_NAME = 254
"""Characters of a typed name that it is counted by: an e-mail address has no more [RFC 5321, 4.5.3.1.3]."""


class Limits(Struct, frozen=True):
    """How many surveys an address, a company (in ten minutes) and a recipient (in an hour) may send.

    A company and a recipient are only typed, so a flood in their name must not keep them out: beyond their
    limit each address may send ``over`` more. Such a ticket is taken; to a recipient who was told of so many
    no mail is sent any more [adapters.email.outbound.Caps].

    ``transcripts`` is for one party and ten minutes, ``upload`` the bytes of one address in a day. Whoever
    comes from the machine itself is not counted: behind a proxy that is not declared everybody does.
    """

    per_address: int = 60
    per_company: int = 300
    per_recipient: int = 20
    over: int = 10
    transcripts: int = 30
    upload: int = 1024**3


class Gate:
    """Counts what comes in and refuses what is too much."""

    def __init__(self, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self._addresses = RateLimit(limits.per_address, TEN_MINUTES)
        self._companies = _Named(limits.per_company, limits.over, TEN_MINUTES)
        self._recipients = _Named(limits.per_recipient, limits.over, HOUR)
        self._transcripts = RateLimit(limits.transcripts, TEN_MINUTES)
        self._uploads = UploadVolume(limits.upload)

    def pass_survey(self, address: str | None, company: str, recipient: str, at: datetime) -> None:
        """Count a survey that is being sent; "" for a company or recipient that is not named.

        Raises EventRefused with the code ``slow_down`` when it is one too many.
        """
        sender = party(address)
        if sender is None:
            return
        if not self._addresses.take(sender, at):
            raise _too_much("requests", self._addresses.wait(sender, at))
        self._companies.take(company, sender, at)
        self._recipients.take(recipient, sender, at)

    def pass_transcript(self, party: str, at: datetime) -> None:
        """Count a transcript that is being fetched. Raises EventRefused with the code ``slow_down``."""
        if not self._transcripts.take(party, at):
            raise _too_much("transcripts", self._transcripts.wait(party, at))

    def pass_upload(self, address: str | None, size: int, at: datetime) -> None:
        """Count bytes of a visitor's file as they come. Raises EventRefused with the code ``too_much``."""
        sender = party(address)
        wait = self._uploads.take(sender, size, at) if sender is not None else None
        if wait is not None:
            hours = -(-wait // HOUR)
            when = "an hour" if hours == 1 else f"{hours} hours"
            text = f"Your network has sent too many files today. Send this one in {when}, or ask in the chat."
            raise EventRefused(text, code="too_much", field="file")


class _Named:
    """Counts surveys by a name in them, all senders' together and then each one's by itself."""

    def __init__(self, limit: int, over: int, period: timedelta) -> None:
        self._all = RateLimit(limit, period)
        self._over = RateLimit(over, period)

    def take(self, name: str, sender: str, at: datetime) -> None:
        """Count a survey of ``sender``. Raises EventRefused with the code ``slow_down``."""
        name = name.strip().casefold()[:LONGEST_NAME]
        both = f"{sender} {name}"
        if name and not self._all.take(name, at) and not self._over.take(both, at):
            raise _too_much("requests", self._over.wait(both, at))


@lru_cache(maxsize=4096)
def party(address: str | None) -> str | None:
    """Return what an address is counted by, an IPv6 one by its network; None for this machine's own."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or "unknown"
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return None
    return found.exploded[:19] if isinstance(found, IPv6Address) else str(found)


def _too_much(what: str, wait: timedelta) -> EventRefused:
    minutes = int(wait.total_seconds()) // 60 + 1
    when = "a minute" if minutes == 1 else f"{minutes} minutes"
    return EventRefused(f"There were too many {what} at once. Please try again in {when}.", code="slow_down")
