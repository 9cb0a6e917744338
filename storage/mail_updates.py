"""Updates by mail in the database [chatdesk.mail_updates]."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from chatdesk.conversation import ConversationId
from chatdesk.effects import MailKind
from chatdesk.mail_address import compared, counted
from chatdesk.mail_updates import UPDATES
from chatdesk.outbox import MAIL_TARGET, NOT_SENT, Delivery, DeliveryStatus
from chatdesk.ticket import TicketNumber
from storage.adapter_notes import TortoiseAdapterNotes
from storage.database import Database
from storage.delivery_rows import to_delivery
from storage.orm import models
from storage.selecting import Selecting

ADAPTER = "email"
_KNOWN_BY = """
    WITH RECURSIVE known(number) AS (
        SELECT opened_with FROM conversation WHERE id = ? AND opened_with IS NOT NULL
        UNION SELECT ticket.merged_into FROM ticket JOIN known ON ticket.number = known.number
        WHERE ticket.merged_into IS NOT NULL)
    SELECT number FROM known"""
"""The tickets by which a conversation's people have known it: none where no merge has moved it."""


class TortoiseMailUpdates:
    """What is kept about updates by mail [chatdesk.mail_updates.MailUpdates]."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._notes = TortoiseAdapterNotes(database)
        self._selecting = Selecting(database)

    async def waiting(self, delivery: Delivery) -> Sequence[Delivery]:
        query = models.Delivery.filter(
            ticket=delivery.ticket, target=MAIL_TARGET, status=DeliveryStatus.PENDING.value
        )
        found = await query.order_by("row").using_db(self._database.reader).values()
        waiting = [to_delivery(row) for row in found]
        return [
            other
            for other in waiting
            if other.id != delivery.id
            and other.payload.get("mail") in UPDATES
            and other.payload.get("to") == delivery.payload.get("to")
            and other.conversation == delivery.conversation
        ]

    async def cover(self, deliveries: Collection[str], message_id: str, at: datetime) -> None:
        for identity in deliveries:
            _ = await self._notes.claim(ADAPTER, f"part of:{identity}", message_id, at)

    async def covered_by(self, delivery: str) -> str | None:
        return await self._notes.get(ADAPTER, f"part of:{delivery}")

    async def wanted(
        self, ticket: TicketNumber, address: str, conversation: ConversationId | None = None
    ) -> bool:
        known_by = {ticket}
        if conversation is not None:
            found = await self._selecting.one(_KNOWN_BY, conversation)
            known_by.update(TicketNumber(row["number"]) for row in found)
        stops = [_stopped(number, address) for number in known_by]
        # One or two, seldom more: a statement for each number of marks is soon made.
        query = f"SELECT key FROM adapter_note WHERE adapter = ? AND key IN ({', '.join('?' for _ in stops)})"
        return not await self._selecting.one(query, ADAPTER, *stops)

    async def stop(self, ticket: TicketNumber, address: str, at: datetime) -> None:
        await self._notes.put(ADAPTER, _stopped(ticket, address), at.isoformat(), at)

    async def resume(self, ticket: TicketNumber, address: str) -> None:
        await self._notes.remove(ADAPTER, _stopped(ticket, address))

    async def answers_sent(self, ticket: TicketNumber, address: str, since: datetime) -> int:
        query = models.Delivery.filter(
            ticket=ticket, target=MAIL_TARGET, status=DeliveryStatus.DONE.value, finished_at__gte=since
        )
        found = await query.using_db(self._database.reader).values()
        sent = ((to_delivery(row).payload, str(row["external_id"])) for row in found)
        return len(
            {
                sent_as
                for payload, sent_as in sent
                if payload.get("mail") == MailKind.COMMENT
                and counted(str(payload.get("to"))) == counted(address)
                and not sent_as.startswith(NOT_SENT)
            }
        )

    async def last_received(self, ticket: TicketNumber, address: str) -> str:
        query = models.InboundMail.filter(ticket=ticket, sender=compared(address)).exclude(message_id="")
        found = await query.order_by("-at").limit(1).using_db(self._database.reader).values("message_id")
        return str(found[0]["message_id"]) if found else ""


def _stopped(ticket: TicketNumber, address: str) -> str:
    # Addresses reach 254 characters and a key 255: the ticket's number has to fit beside the shortened one.
    return f"no updates:{ticket}:{compared(address)[:200]}"
