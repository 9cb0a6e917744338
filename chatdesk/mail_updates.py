"""Updates by mail: several that wait become one, and who wants none is left alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from chatdesk.conversation import ConversationId
from chatdesk.outbox import Delivery
from chatdesk.ticket import TicketNumber

UPDATES = frozenset({"comment", "status"})
"""Kinds of mail that wait for one another and that can be stopped; the first mail never is [R14]."""


class MailUpdates(Protocol):
    """What is kept about updates by mail."""

    async def waiting(self, delivery: Delivery) -> Sequence[Delivery]:
        """Return the updates queued after this one that are not sent yet: same ticket, same recipient."""

    async def cover(self, deliveries: Collection[str], message_id: str, at: datetime) -> None:
        """Note that these deliveries are part of the mail with that Message-ID."""

    async def covered_by(self, delivery: str) -> str | None:
        """Return the Message-ID of the mail that the delivery is part of, None when it has its own."""

    async def wanted(
        self, ticket: TicketNumber, address: str, conversation: ConversationId | None = None
    ) -> bool:
        """Tell whether that address still wants updates of the ticket, told in that conversation.

        Where a merge has brought the conversation to the ticket, they were stopped for it also by who stopped
        those of the ticket it was opened with, or of one that this became part of on the way [R20].
        """

    async def stop(self, ticket: TicketNumber, address: str, at: datetime) -> None:
        """Send that address no more updates of the ticket."""

    async def resume(self, ticket: TicketNumber, address: str) -> None:
        """Send updates again."""

    async def answers_sent(self, ticket: TicketNumber, address: str, since: datetime) -> int:
        """Return how many mails with answers of technicians went to that mailbox since then (aware).

        Which addresses are one, chatdesk.mail_address.counted tells.
        """

    async def last_received(self, ticket: TicketNumber, address: str) -> str:
        """Return the Message-ID of the newest mail from that address on the ticket, "" for none."""
