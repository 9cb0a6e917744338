"""What staff do with mail that came: look at it as it was, and place what is held [R30]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chatdesk.conversation import Agent
from chatdesk.inbox import InboundMail
from chatdesk.ticket import TicketNumber


@dataclass(frozen=True, slots=True)
class MailContent:
    """A mail taken apart for reading; ``html`` is sanitised; ``problem`` says why it cannot be read."""

    text: str = ""
    signature: str = ""
    quoted: str = ""
    html: str = ""
    attachments: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Placing:
    """Whom a held mail is from, as a technician says."""

    company: str
    name: str
    phone: str = ""


class MailRoom(Protocol):
    """Mail that came, for staff."""

    async def held(self, limit: int) -> Sequence[InboundMail]:
        """Return mails that wait to be placed, newest first."""

    async def automatic(self, limit: int) -> Sequence[InboundMail]:
        """Return mails that programs wrote, newest first."""

    async def of_ticket(self, number: TicketNumber) -> Sequence[InboundMail]:
        """Return the ticket's mails, oldest first."""

    async def read(self, identity: str) -> InboundMail | None:
        """Return the mail with that id."""

    async def content(self, identity: str) -> MailContent:
        """Return what the mail says. Raises NotFound."""

    async def source(self, identity: str) -> bytes:
        """Return the whole mail. Raises NotFound."""

    async def place(self, identity: str, placing: Placing, by: Agent) -> TicketNumber:
        """Open a ticket from the mail. Raises EventRefused when it is placed already or cannot be."""

    async def add_to(self, identity: str, ticket: TicketNumber, by: Agent) -> TicketNumber:
        """Add the mail to a ticket. Raises EventRefused when it is placed already or cannot be."""

    async def dismiss(self, identity: str, by: Agent) -> None:
        """Say that nothing has to be done about the mail; it is kept. Raises EventRefused when placed."""
