"""Mail as the far side of the channel contract [tests.channel_contract]: over SMTP, and kept only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.email.outbound import Caps, DemonstrationMail, MailChannel
from adapters.email.smtp import SmtpTransport
from adapters.email.ticket_facts import TicketFacts
from chatdesk.bootstrap import now
from chatdesk.conversation import ConversationId
from chatdesk.ids import new_id
from chatdesk.mail_tokens import MailTokens
from chatdesk.outbox import Delivery, DeliveryKind
from chatdesk.ports import Channel
from chatdesk.settings.mail_servers import Encryption, MailServer
from chatdesk.ticket import TicketNumber
from storage.mail_updates import TortoiseMailUpdates
from storage.mailbox import TortoiseMailbox
from tests.mail_builders import MAIL_DESK, all_sent, mail, take_in, ticket_file
from tests.running_desk import ServedDesk, serving
from tests.smtp_peer import CUT, SmtpPeer, smtp_peer

DANA, NOBODY = "dana@contoso.example", "not an address"
TOKENS = MailTokens("a secret of the desk's own, long enough")


class MailedTicket:
    """A ticket that came by mail, about which technicians' answers are mailed."""

    def __init__(self, number: TicketNumber, conversation: ConversationId) -> None:
        self._number = number
        self._conversation = conversation

    def answer(self, to: str = DANA) -> Delivery:
        """Return another answer's delivery."""
        at = now()
        return Delivery(
            id=new_id(),
            target="email",
            kind=DeliveryKind.MAIL,
            lane=str(self._number),
            due_at=at,
            created_at=at,
            conversation=self._conversation,
            ticket=self._number,
            payload={"mail": "comment", "to": to, "text": "Please restart the printer."},
        )


class SmtpFarSide:
    """A mail server, which never says what it has taken."""

    def __init__(self, channel: Channel, peer: SmtpPeer, about: MailedTicket) -> None:
        self.channel = channel
        self._peer = peer
        self._about = about

    def delivery(self) -> Delivery:
        return self._about.answer()

    def arrived(self) -> int:
        return len(self._peer.taken)

    def be_busy(self, retry_after: float | None) -> None:
        # A mail server cannot say for how long.
        self._peer.answer("RCPT", "450 4.2.0 greylisted, come back later")

    def refuse(self) -> None:
        self._peer.answer("RCPT", "550 5.1.1 no such mailbox")

    def cut(self, *, after_arrival: bool) -> None:
        self._peer.answer("BODY", "taken-and-cut" if after_arrival else CUT)

    def can_look(self) -> bool:
        return False


@asynccontextmanager
async def mailed_ticket() -> AsyncIterator[tuple[ServedDesk, MailedTicket]]:
    """Open a ticket by mail on a desk that sends none itself, and wait until its first mail is kept."""
    async with serving(MAIL_DESK) as desk:
        came = await take_in(desk, mail())
        file = await ticket_file(desk, came.ticket)
        await all_sent(desk)
        yield desk, MailedTicket(file.ticket.number, file.conversations[0].id)


@asynccontextmanager
async def mail_by_smtp() -> AsyncIterator[SmtpFarSide]:
    """Serve a mail server, and a ticket whose answers are sent to it."""
    async with smtp_peer() as peer, mailed_ticket() as (desk, about):
        services, database = desk.running.services, desk.running.database
        transport = SmtpTransport(MailServer("127.0.0.1", peer.port, Encryption.NONE))
        channel = MailChannel(
            TicketFacts(services.staff_reads),
            TortoiseMailbox(database),
            transport,
            services.config,
            services.clock,
            Caps(),
            TOKENS,
            TortoiseMailUpdates(database),
            services.files,
        )
        try:
            yield SmtpFarSide(channel, peer, about)
        finally:
            await transport.close()


@asynccontextmanager
async def mail_kept_only() -> AsyncIterator[tuple[Channel, MailedTicket]]:
    """Open a ticket whose answers are kept and never leave, so that no far side can fail."""
    async with mailed_ticket() as (desk, about):
        services, database = desk.running.services, desk.running.database
        yield (
            DemonstrationMail(
                TicketFacts(services.staff_reads),
                TortoiseMailbox(database),
                services.config,
                services.clock,
                Caps(),
                TOKENS,
                TortoiseMailUpdates(database),
                services.files,
            ),
            about,
        )
