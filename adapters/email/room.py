"""Mail that came, for staff: shown as it was, and placed by a person where no rule could [R30]."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from adapters.email import CHANNEL
from adapters.email.attaching import Attaching
from adapters.email.header_values import is_address
from adapters.email.parsed import ParsedMail, Unreadable
from adapters.email.parser_process import ParserProcess
from adapters.email.staff_mail import StaffMail
from chatdesk.conversation import Agent, ConversationId
from chatdesk.desk import Desk
from chatdesk.errors import EventRefused, NotFound
from chatdesk.events import MailReceived, MailReplied, Outcome
from chatdesk.inbox import InboundMail, InboundStatus, Inbox
from chatdesk.mail_room import MailContent, Placing
from chatdesk.ports import Clock
from chatdesk.reading import StaffReads, followed
from chatdesk.sender import LONGEST_ADDRESS, Standing
from chatdesk.staff import AgentAccount
from chatdesk.ticket import TicketNumber

OPEN = (InboundStatus.HELD, InboundStatus.AUTOMATIC)
"""What staff can place: held mail, and automatic mail that turns out to matter."""


class DeskMailRoom:
    """Mail that came, for staff [chatdesk.mail_room.MailRoom]."""

    def __init__(
        self,
        inbox: Inbox,
        desk: Desk,
        staff_mail: StaffMail,
        attaching: Attaching,
        parser: ParserProcess,
        reads: StaffReads,
        clock: Clock,
    ) -> None:
        self._inbox = inbox
        self._desk = desk
        self._staff_mail = staff_mail
        self._attaching = attaching
        self._parser = parser
        self._reads = reads
        self._clock = clock

    async def held(self, limit: int) -> Sequence[InboundMail]:
        return await self._inbox.newest((InboundStatus.HELD,), limit)

    async def automatic(self, limit: int) -> Sequence[InboundMail]:
        return await self._inbox.newest((InboundStatus.AUTOMATIC, InboundStatus.BOUNCE), limit)

    async def of_ticket(self, number: TicketNumber) -> Sequence[InboundMail]:
        return await self._inbox.of_ticket(number)

    async def read(self, identity: str) -> InboundMail | None:
        return await self._inbox.read(identity)

    async def content(self, identity: str) -> MailContent:
        try:
            parsed, _ = await self._parser.parse(await self.source(identity))
        except Unreadable as error:
            return MailContent(problem=str(error))
        names = tuple(part.name for part in parsed.attachments)
        return MailContent(parsed.text, parsed.signature, parsed.quoted, parsed.html, names)

    async def source(self, identity: str) -> bytes:
        source = await self._inbox.source(identity)
        if source is None:
            raise NotFound("The mail")
        return source

    async def place(self, identity: str, placing: Placing, by: Agent) -> TicketNumber:
        mail, parsed, contents = await self._open(identity)
        files, text = await self._attaching.attach_for(None, mail, parsed, contents)
        event = MailReceived(
            at=self._clock(),
            channel=CHANNEL,
            external_id=f"placed:{mail.id}",
            conversation=ConversationId(mail.id),
            sender=parsed.sender,
            name=placing.name,
            subject=parsed.subject,
            text=text,
            company=placing.company,
            phone=placing.phone,
            files=files,
            standing=_standing(mail),
            acknowledge=_standing(mail) is not Standing.FAILED and mail.status is InboundStatus.HELD,
            placed_by=by,
        )
        return await self._placed(mail, await self._desk.receive(event), by)

    async def add_to(self, identity: str, ticket: TicketNumber, by: Agent) -> TicketNumber:
        mail, parsed, contents = await self._open(identity)
        now = await followed(self._reads, ticket)
        ticket = now.number if now is not None else ticket
        account = await self._staff_mail.account(parsed.sender)
        if account is not None:
            identity, doubt = f"placed:{mail.id}", _doubt(mail, account)
            outcome = await self._staff_mail.post(ticket, account, parsed, contents, identity, doubt)
            if outcome is None:
                raise EventRefused("No such ticket has a conversation.", code="no_conversation")
            return await self._placed(mail, outcome, by)
        files, text = await self._attaching.attach_for(ticket, mail, parsed, contents)
        event = MailReplied(
            at=self._clock(),
            channel=CHANNEL,
            external_id=f"placed:{mail.id}",
            conversation=ConversationId(mail.id),
            ticket=ticket,
            sender=parsed.sender,
            name=mail.facts.get("name", ""),
            text=text,
            files=files,
            standing=_standing(mail),
            # A technician answers for it as the token would.
            by_token=True,
        )
        return await self._placed(mail, await self._desk.receive(event), by)

    async def dismiss(self, identity: str, by: Agent) -> None:
        mail = await self._held_mail(identity)
        reason = f"{mail.reason} Dismissed by {by.name}.".strip()
        await self._inbox.finish(replace(mail, status=InboundStatus.DISMISSED, reason=reason))

    async def _open(self, identity: str) -> tuple[InboundMail, ParsedMail, Sequence[bytes]]:
        mail = await self._held_mail(identity)
        try:
            parsed, contents = await self._parser.parse(await self.source(identity))
        except Unreadable as error:
            text = f"This mail cannot become a ticket by itself. {error} Log it as a ticket instead."
            raise EventRefused(text, code="unreadable") from error
        if not is_address(parsed.sender) or len(parsed.sender) > LONGEST_ADDRESS:
            text = "This mail has no sender that could be answered. Log it as a ticket instead."
            raise EventRefused(text, code="no_sender")
        return mail, parsed, contents

    async def _held_mail(self, identity: str) -> InboundMail:
        mail = await self._inbox.read(identity)
        if mail is None:
            raise NotFound("The mail")
        if mail.status not in OPEN:
            raise EventRefused("This mail was placed already.", code="placed")
        return mail

    async def _placed(self, mail: InboundMail, outcome: Outcome, by: Agent) -> TicketNumber:
        if outcome.ticket is None:
            raise NotFound("The ticket")
        reason = f"Placed by {by.name}."
        filed = replace(mail, status=InboundStatus.FILED, ticket=outcome.ticket, reason=reason)
        await self._inbox.finish(filed)
        return outcome.ticket


def _standing(mail: InboundMail) -> Standing:
    try:
        return Standing(mail.facts.get("standing", ""))
    except ValueError:
        return Standing.UNVERIFIED


def _doubt(mail: InboundMail, account: AgentAccount) -> str:
    """Return why a technician's mail may not be theirs: a sender who is not verified never acts as staff."""
    if _standing(mail) is not Standing.VERIFIED:
        return f"(The mail server does not vouch that {mail.sender} wrote this; the address may be forged.)"
    return "" if account.is_open else f"(The account of {account.name} is closed.)"
