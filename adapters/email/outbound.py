"""Mail to requesters: rendered, kept whole, then handed to a transport, each step once a Message-ID."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Protocol

from adapters.email.message import build_message, checked_address, message_id, sender
from adapters.email.render import render_mail
from adapters.email.source import MailFacts, MailSource
from chatdesk.config import Config
from chatdesk.effects import MailKind
from chatdesk.errors import DeliveryRefused, DeliveryUnknown, NotFound
from chatdesk.mailbox import Mailbox, StoredMail
from chatdesk.outbox import MAIL_TARGET, Delivery
from chatdesk.ports import Clock

MAX_OPENED = 5
"""New tickets that one address is told about in ``CAP_PERIOD``; further ones wait for a technician."""
CAP_PERIOD = timedelta(hours=1)


class Transport(Protocol):
    """The last step of a mail's way out."""

    async def deliver(self, message: bytes, sender: str, recipient: str, message_id: str) -> None:
        """Hand the message over for delivery.

        Raises DeliveryDelayed (not taken, try again), DeliveryRefused (never will be) or DeliveryUnknown.
        """

    async def has(self, message_id: str) -> bool | None:
        """Tell whether that message was handed over; None where it cannot be told."""


class MailChannel:
    """The way out by mail [chatdesk.ports.Channel]: a mail is kept before it is handed to ``transport``.

    What is kept under a Message-ID is what is sent, also when it has to be tried again later. An
    address is told of at most ``max_opened`` new tickets an hour: the web form is open to everybody and
    must not flood a stranger's mailbox.
    """

    def __init__(
        self,
        source: MailSource,
        mailbox: Mailbox,
        transport: Transport,
        config: Config,
        clock: Clock,
        max_opened: int = MAX_OPENED,
    ) -> None:
        self._source = source
        self._mailbox = mailbox
        self._transport = transport
        self._config = config
        self._clock = clock
        self._max_opened = max_opened
        self._counting = asyncio.Lock()

    @property
    def name(self) -> str:
        """The target that deliveries name."""
        return MAIL_TARGET

    async def send(self, delivery: Delivery) -> str:
        """Send the mail and return its Message-ID [chatdesk.ports.Channel.send].

        Raises DeliveryRefused for an address that cannot be used or has had enough mail, or for a ticket
        that is gone; and what the transport raises.
        """
        identity = message_id(delivery.id, self._config.desk)
        kept = await self._mailbox.read(identity) or await self._keep(delivery)
        await self._transport.deliver(kept.source, sender(self._config.desk), kept.recipient, identity)
        return identity

    async def find(self, delivery: Delivery) -> str | None:
        """Look the mail up by its Message-ID [chatdesk.ports.Channel.find]."""
        identity = message_id(delivery.id, self._config.desk)
        arrived = await self._transport.has(identity)
        if arrived is None:
            raise DeliveryUnknown(f"Whether the mail {identity} was sent cannot be told.")
        return identity if arrived else None

    async def _keep(self, delivery: Delivery) -> StoredMail:
        kind = _kind(delivery)
        recipient = checked_address(str(delivery.payload.get("to") or ""))
        mail = self._write(delivery, kind, recipient, await self._facts(delivery))
        if kind is not MailKind.OPENED:
            return await self._mailbox.keep(mail)
        async with self._counting:
            await self._refuse_over_cap(mail)
            return await self._mailbox.keep(mail)

    async def _facts(self, delivery: Delivery) -> MailFacts:
        if delivery.ticket is None or delivery.conversation is None:
            raise DeliveryRefused("The mail names no ticket or no conversation.")
        try:
            return await self._source.read(delivery.ticket, delivery.conversation)
        except NotFound as error:
            raise DeliveryRefused(str(error)) from error

    def _write(self, delivery: Delivery, kind: MailKind, recipient: str, facts: MailFacts) -> StoredMail:
        now = self._clock()
        rendered = render_mail(kind, str(delivery.payload.get("text") or ""), facts, self._config, now)
        message = build_message(
            rendered,
            kind,
            delivery_id=delivery.id,
            ticket=facts.ticket.number,
            recipient=recipient,
            recipient_name=facts.ticket.requester_name if facts.may_quote(kind) else "",
            desk=self._config.desk,
            at=now,
        )
        identity = message_id(delivery.id, self._config.desk)
        return StoredMail(identity, facts.ticket.number, recipient, rendered.subject, bytes(message), now)

    async def _refuse_over_cap(self, mail: StoredMail) -> None:
        told = await self._mailbox.tickets_mailed(mail.recipient, mail.at - CAP_PERIOD)
        if len(told - {mail.ticket}) >= self._max_opened:
            raise DeliveryRefused(
                f"{mail.recipient} was told of {self._max_opened} tickets in the last hour; "
                "tell the requester the number another way."
            )


class KeptOnly:
    """The transport of a desk that sends no mail: what the mailbox keeps counts as delivered."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def deliver(self, message: bytes, sender: str, recipient: str, message_id: str) -> None:
        """Do nothing more: the channel has kept the mail [Transport.deliver]."""

    async def has(self, message_id: str) -> bool | None:
        """Tell whether the mail was kept [Transport.has]."""
        return await self._mailbox.read(message_id) is not None


class DemonstrationMail(MailChannel):
    """Mail that is written and kept for everybody to see, and never leaves the machine."""

    def __init__(
        self, source: MailSource, mailbox: Mailbox, config: Config, clock: Clock, max_opened: int = MAX_OPENED
    ) -> None:
        super().__init__(source, mailbox, KeptOnly(mailbox), config, clock, max_opened)


def _kind(delivery: Delivery) -> MailKind:
    try:
        return MailKind(str(delivery.payload.get("mail")))
    except ValueError as error:
        raise DeliveryRefused(f"A mail of this kind is not known: {error}.") from error
