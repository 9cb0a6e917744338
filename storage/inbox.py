"""Mail that came in the database [chatdesk.inbox]."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chatdesk.channels import VOUCHED_CHANNELS
from chatdesk.errors import StorageError
from chatdesk.inbox import ASKED, ATTEMPTS, InboundMail, InboundStatus, KnownSender
from chatdesk.mail_address import known_forms
from chatdesk.outbox import AGAIN, LONG_TRIED, MAIL_TARGET, Delivery, DeliveryStatus
from chatdesk.ports import NewId
from chatdesk.ticket import TicketNumber
from storage import tables
from storage.bulk import insert
from storage.columns import moment
from storage.connection import fetch
from storage.database import Database
from storage.delivery_rows import delivery_row
from storage.orm import faults, models
from storage.selecting import Selecting
from storage.writing import write_all

if TYPE_CHECKING:
    from tortoise.backends.base.client import BaseDBAsyncClient
    from tortoise.queryset import QuerySet

_ASKED_ABOUT = [InboundStatus.HELD.value, InboundStatus.FILED.value, InboundStatus.DISMISSED.value]
"""What becomes of mail whose sender was asked: it is held, and then placed or dismissed by a technician."""
_COLUMNS = ("id", "place", "at", "status", "message_id", "sender", "subject", "reason", "facts", "ticket")
_UNFINISHED = (
    f"SELECT {', '.join(_COLUMNS)} FROM inbound_mail WHERE status = '{InboundStatus.RECEIVED.value}' "
    "ORDER BY at"
)
_VOUCHED = ", ".join(f"'{channel}'" for channel in sorted(VOUCHED_CHANNELS))
_KNOWN = (
    "SELECT requester_name, company, requester_phone FROM ticket WHERE LOWER(requester_email) IN (?, ?) "
    f"AND company <> '' AND channel IN ({_VOUCHED}) ORDER BY number DESC LIMIT 1"
)
_SENT_AS = (
    f"SELECT \"row\", ticket FROM delivery WHERE target = '{MAIL_TARGET}' AND external_id = ? "
    "AND external_id <> '' ORDER BY \"row\" LIMIT 1"
)
"""The mail's own delivery; others that became part of it stay as they are. Only what was sent is indexed."""
_IN_DOUBT = (
    f"SELECT \"row\", ticket FROM delivery WHERE id = ? AND target = '{MAIL_TARGET}' "
    f"AND status = '{DeliveryStatus.UNKNOWN.value}'"
)
_LIMITS = {"message_id": 255, "sender": 254, "subject": 300}


class TortoiseInbox:
    """Mail that came to one database [chatdesk.inbox.Inbox]; ``new_id`` gives unguessable ids."""

    def __init__(self, database: Database, new_id: NewId) -> None:
        self._database = database
        self._new_id = new_id

    async def keep(self, place: str, source: bytes, at: datetime) -> str:
        identity = self._new_id()
        try:
            async with self._database.transaction() as connection:
                known = await models.InboundMail.filter(place=place).using_db(connection).values("id")
                if known:
                    return str(known[0]["id"])
                _ = await models.InboundMail.create(
                    using_db=connection,
                    id=identity,
                    place=place,
                    source=source,
                    at=at,
                    status=InboundStatus.RECEIVED.value,
                    message_id="",
                    sender="",
                    subject="",
                    reason="",
                    facts="{}",
                )
        except faults.IntegrityError as error:
            raise StorageError(str(error)) from error
        return identity

    async def unfinished(self, limit: int) -> Sequence[InboundMail]:
        return [_to_mail(row) for row in await self._database.select(f"{_UNFINISHED} LIMIT {int(limit)}")]

    async def read(self, identity: str) -> InboundMail | None:
        found = await self._mails(models.InboundMail.filter(id=identity))
        return found[0] if found else None

    async def source(self, identity: str) -> bytes | None:
        found = await self._values(models.InboundMail.filter(id=identity), "source")
        return bytes(found[0]["source"]) if found else None

    async def begin(self, identity: str, attempt: int) -> None:
        facts = json.dumps({ATTEMPTS: str(attempt)})
        async with self._database.transaction() as connection:
            waiting = models.InboundMail.filter(id=identity, status=InboundStatus.RECEIVED.value)
            await waiting.using_db(connection).update(facts=facts)

    async def finish(self, mail: InboundMail, question: Delivery | None = None) -> None:
        async with self._database.transaction() as connection:
            await (
                models.InboundMail.filter(id=mail.id)
                .using_db(connection)
                .update(
                    status=mail.status.value,
                    message_id=_fit(mail.message_id, "message_id"),
                    sender=_fit(mail.sender, "sender"),
                    subject=_fit(mail.subject, "subject"),
                    reason=_plain(mail.reason),
                    facts=_plain(json.dumps(dict(mail.facts), ensure_ascii=True)),
                    ticket=mail.ticket,
                )
            )
            if question is not None:
                row = delivery_row(question)
                await write_all(connection, [insert(tables.DELIVERY, [row], self._database.dialect)])

    async def newest(self, statuses: Collection[InboundStatus], limit: int) -> Sequence[InboundMail]:
        names = [status.value for status in statuses]
        return await self._mails(models.InboundMail.filter(status__in=names).order_by("-at").limit(limit))

    async def of_ticket(self, number: TicketNumber) -> Sequence[InboundMail]:
        return await self._mails(models.InboundMail.filter(ticket=number).order_by("at"))

    async def same_message(self, message_id: str) -> Sequence[InboundMail]:
        if not message_id:
            return []
        query = models.InboundMail.filter(message_id=_fit(message_id, "message_id")).order_by("at").limit(50)
        return await self._mails(query)

    async def ticket_of_message(self, message_ids: Sequence[str]) -> TicketNumber | None:
        wanted = [_fit(identity, "message_id") for identity in message_ids]
        if not wanted:
            return None
        sent = await self._values(models.Mail.filter(id__in=wanted), "id", "ticket")
        came = await self._values(
            models.InboundMail.filter(message_id__in=wanted, status=InboundStatus.FILED.value),
            "message_id",
            "ticket",
        )
        tickets = {row["message_id"]: row["ticket"] for row in came} | {
            row["id"]: row["ticket"] for row in sent
        }
        return next((tickets[identity] for identity in wanted if tickets.get(identity)), None)

    async def is_ours(self, message_id: str) -> bool:
        return bool(await self._values(models.Mail.filter(id=message_id), "id"))

    async def known_sender(self, address: str) -> KnownSender | None:
        forms = known_forms(address)
        found = await Selecting(self._database).one(_KNOWN, forms[0], forms[-1])
        if not found:
            return None
        return KnownSender(found[0]["requester_name"], found[0]["company"], found[0]["requester_phone"])

    async def was_asked(self, address: str, since: datetime) -> bool:
        query = models.InboundMail.filter(sender=address, at__gte=since, status__in=_ASKED_ABOUT)
        found = await self._mails(query.order_by("at").limit(50))
        return any(ASKED in mail.facts for mail in found)

    async def _mails(self, query: QuerySet[models.InboundMail]) -> list[InboundMail]:
        return [_to_mail(row) for row in await self._values(query, *_COLUMNS)]

    async def _values(self, query: QuerySet[Any], *columns: str) -> list[dict[str, Any]]:
        try:
            return await query.using_db(self._database.reader).values(*columns)
        except faults.BaseORMException as error:
            raise StorageError(str(error)) from error


class TortoiseDeliveries:
    """What staff and bounces do to deliveries [chatdesk.inbox.Deliveries]."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def retry(self, identity: str, at: datetime) -> bool:
        statuses = [DeliveryStatus.FAILED.value, DeliveryStatus.UNKNOWN.value]
        async with self._database.transaction() as connection:
            if await _try_now(connection, identity, at):
                return True
            query = models.Delivery.filter(id=identity, status__in=statuses).using_db(connection)
            found = await query.values("payload")
            if not found:
                return False
            payload = json.dumps({**json.loads(found[0]["payload"]), AGAIN: True})
            return bool(
                await query.update(
                    status=DeliveryStatus.PENDING.value,
                    due_at=at,
                    attempts=0,
                    finished_at=None,
                    error="",
                    payload=payload,
                )
            )

    async def arrived(self, message_id: str, at: datetime) -> None:
        async with self._database.transaction() as connection:
            query = models.Delivery.filter(
                id=_delivery_of(message_id), target=MAIL_TARGET, status=DeliveryStatus.UNKNOWN.value
            )
            sent = {"status": DeliveryStatus.DONE.value, "external_id": message_id, "error": ""}
            await query.using_db(connection).update(**sent, finished_at=at)

    async def bounced(self, message_id: str, reason: str, at: datetime) -> TicketNumber | None:
        async with self._database.transaction() as connection:
            found = await fetch(connection, _SENT_AS, message_id)
            # A report on a mail in doubt says that it was taken, and what became of it.
            found = found or await fetch(connection, _IN_DOUBT, _delivery_of(message_id))
            if not found:
                return None
            await (
                models.Delivery.filter(row=found[0]["row"])
                .using_db(connection)
                .update(status=DeliveryStatus.FAILED.value, error=_plain(reason), finished_at=at)
            )
        ticket = found[0]["ticket"]
        return TicketNumber(ticket) if ticket is not None else None


async def _try_now(connection: BaseDBAsyncClient, identity: str, at: datetime) -> bool:
    """Have a mail that is tried again and again tried at once; False for any other delivery."""
    waiting = models.Delivery.filter(
        id=identity, target=MAIL_TARGET, status=DeliveryStatus.PENDING.value, attempts__gte=LONG_TRIED
    )
    return bool(await waiting.using_db(connection).update(due_at=at))


def _delivery_of(message_id: str) -> str:
    """Return which delivery a mail of the desk's was [adapters.email.message.message_id]."""
    return message_id.removeprefix("<").partition("@")[0]


def _to_mail(row: dict[str, Any]) -> InboundMail:
    return InboundMail(
        id=row["id"],
        place=row["place"],
        at=moment(row["at"]),
        status=InboundStatus(row["status"]),
        message_id=row["message_id"],
        sender=row["sender"],
        subject=row["subject"],
        reason=row["reason"],
        facts={str(key): str(value) for key, value in json.loads(row["facts"]).items()},
        ticket=row["ticket"],
    )


def _fit(text: str, column: str) -> str:
    return _plain(text)[: _LIMITS[column]]


def _plain(text: str) -> str:
    """Return text that both databases take: no NUL, no halves of characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
