"""Mail to requesters: rendered, kept whole, then handed to a transport, each step once a Message-ID."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
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
from chatdesk.ticket import TicketNumber

CAP_PERIOD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Caps:
    """How much mail an address gets in ``CAP_PERIOD`` before it is known to want any.

    They hold for the mail that a ticket was opened, and for all mail about a ticket from an open form that
    no technician has answered: of at most ``tickets`` tickets, ``mails`` about each.
    """

    tickets: int = 5
    mails: int = 5


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

    What is kept under a Message-ID is what is sent, also when it has to be tried again later. Mail
    that anybody can set off is capped by ``caps``: the web form is open to everybody and must not flood a
    stranger's mailbox.
    """

    def __init__(
        self,
        source: MailSource,
        mailbox: Mailbox,
        transport: Transport,
        config: Config,
        clock: Clock,
        caps: Caps = Caps(),
    ) -> None:
        self._source = source
        self._mailbox = mailbox
        self._transport = transport
        self._config = config
        self._clock = clock
        self._caps = caps
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
        facts = await self._facts(delivery)
        # A long transcript takes a while to lay out; the event loop must not wait for it.
        mail = await asyncio.to_thread(self._write, delivery, kind, recipient, facts)
        if kind is not MailKind.OPENED and facts.may_quote(kind):
            return await self._mailbox.keep(mail)
        async with self._counting:
            await self._refuse_over_cap(mail, facts.ticket.number)
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

    async def _refuse_over_cap(self, mail: StoredMail, ticket: TicketNumber) -> None:
        counts = dict(await self._mailbox.counts(mail.recipient, mail.at - CAP_PERIOD))
        about_this = counts.pop(ticket, 0)
        if len(counts) >= self._caps.tickets:
            had = f"was told of {len(counts)} other tickets"
        elif about_this >= self._caps.mails:
            had = f"got {about_this} mails about this ticket"
        else:
            return
        raise DeliveryRefused(f"{mail.recipient} {had} in the last hour; reach the requester another way.")


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
        self, source: MailSource, mailbox: Mailbox, config: Config, clock: Clock, caps: Caps = Caps()
    ) -> None:
        super().__init__(source, mailbox, KeptOnly(mailbox), config, clock, caps)


def _kind(delivery: Delivery) -> MailKind:
    try:
        return MailKind(str(delivery.payload.get("mail")))
    except ValueError as error:
        raise DeliveryRefused(f"A mail of this kind is not known: {error}.") from error
