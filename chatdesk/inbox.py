"""Mail as it came: kept whole before anybody is told that it arrived, then filed or held for staff."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from chatdesk.outbox import Delivery
from chatdesk.ticket import TicketNumber

ASKED = "asked"
"""The fact of a held mail that says when its sender was asked for what is missing [R30]."""
ATTEMPTS = "attempts"
"""The fact of a mail not yet worked off that says how often work on it was begun."""


class InboundStatus(StrEnum):
    """What became of a mail. Nothing is ever removed."""

    RECEIVED = "received"
    FILED = "filed"
    HELD = "held"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    OWN = "own"
    REPEATED = "repeated"
    DISMISSED = "dismissed"


class InboundMail(Struct, frozen=True):
    """A mail as it came. ``reason`` says why it is where it is; ``facts`` are small texts found in it."""

    id: str
    place: str
    at: datetime
    status: InboundStatus = InboundStatus.RECEIVED
    message_id: str = ""
    sender: str = ""
    subject: str = ""
    reason: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    ticket: TicketNumber | None = None


class KnownSender(Struct, frozen=True):
    """Somebody who opened a ticket before, on a channel where the address was not merely typed."""

    name: str
    company: str
    phone: str


class Inbox(Protocol):
    """Where mail that came is kept."""

    async def keep(self, place: str, source: bytes, at: datetime) -> str:
        """Keep the mail and return its id: of the first one, if one came from that place before."""

    async def unfinished(self, limit: int) -> Sequence[InboundMail]:
        """Return mails that nobody has worked on yet, oldest first."""

    async def read(self, identity: str) -> InboundMail | None:
        """Return the mail with that id."""

    async def source(self, identity: str) -> bytes | None:
        """Return the whole mail with that id."""

    async def begin(self, identity: str, attempt: int) -> None:
        """Write down that work on the mail has begun for that time, unless it has been worked off."""

    async def finish(self, mail: InboundMail, question: Delivery | None = None) -> None:
        """Write down what became of the mail, and queue the question to its sender in the same commit."""

    async def newest(self, statuses: Collection[InboundStatus], limit: int) -> Sequence[InboundMail]:
        """Return mails in these states, newest first."""

    async def of_ticket(self, number: TicketNumber) -> Sequence[InboundMail]:
        """Return the ticket's mails, oldest first."""

    async def same_message(self, message_id: str) -> Sequence[InboundMail]:
        """Return the mails with that Message-ID, oldest first."""

    async def ticket_of_message(self, message_ids: Sequence[str]) -> TicketNumber | None:
        """Return the ticket that one of these Message-IDs belongs to, sent or received; the first known."""

    async def is_ours(self, message_id: str) -> bool:
        """Tell whether the desk wrote that mail itself."""

    async def known_sender(self, address: str) -> KnownSender | None:
        """Return what the newest ticket of that address says of its requester."""

    async def was_asked(self, address: str, since: datetime) -> bool:
        """Tell whether that address was asked about a mail of theirs since then, whatever became of it."""


class Deliveries(Protocol):
    """What staff, and mail that comes back, do to deliveries."""

    async def retry(self, identity: str, at: datetime) -> bool:
        """Queue a delivery that failed or is in doubt once more; False when it is neither.

        A mail that has been tried for long is tried at once.
        """

    async def arrived(self, message_id: str, at: datetime) -> None:
        """Mark the mail with that Message-ID as sent if it is in doubt: a copy of it has come."""

    async def bounced(self, message_id: str, reason: str, at: datetime) -> TicketNumber | None:
        """Mark the mail with that Message-ID as failed; return its ticket, None when it is not known."""
