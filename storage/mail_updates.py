"""Updates by mail in the database [chatdesk.mail_updates]."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from chatdesk.effects import MailKind
from chatdesk.mail_address import compared, counted
from chatdesk.mail_updates import UPDATES
from chatdesk.outbox import MAIL_TARGET, NOT_SENT, Delivery, DeliveryStatus
from chatdesk.ticket import TicketNumber
from storage.adapter_notes import TortoiseAdapterNotes
from storage.database import Database
from storage.delivery_rows import to_delivery
from storage.orm import models

ADAPTER = "email"


class TortoiseMailUpdates:
    """What is kept about updates by mail [chatdesk.mail_updates.MailUpdates]."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._notes = TortoiseAdapterNotes(database)

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

    async def wanted(self, ticket: TicketNumber, address: str) -> bool:
        return await self._notes.get(ADAPTER, _stopped(ticket, address)) is None

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
