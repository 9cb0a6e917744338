"""What becomes of one mail: a reply, a new ticket, a bounce, automatic mail, or something held for staff."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from adapters.email import CHANNEL
from adapters.email.attaching import Attaching
from adapters.email.parsed import Bounce, ParsedMail
from adapters.email.people import answers_in, name_of, phones_in
from adapters.email.question import question_to
from adapters.email.staff_mail import StaffMail
from adapters.email.standing import standing_of
from adapters.email.threading import Thread, Threading
from chatdesk.config import Config, UnknownSender
from chatdesk.conversation import ConversationId
from chatdesk.desk import Desk
from chatdesk.errors import EventRefused
from chatdesk.events import MailReceived, MailReplied, Outcome
from chatdesk.inbox import ASKED, Deliveries, InboundMail, InboundStatus, Inbox
from chatdesk.ports import Clock
from chatdesk.rate_limit import RateLimit
from chatdesk.sender import LONGEST_ADDRESS, Standing
from chatdesk.staff import AgentAccount
from chatdesk.ticket import Ticket, TicketNumber

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ASK_AGAIN = timedelta(days=7)
MAX_PREVIEW = 2_000


@dataclass(frozen=True, slots=True)
class InboundCaps:
    """What one sender may set off: acknowledgements and new tickets an hour, re-openings of a ticket a day.

    ``questions`` are for all senders together, an hour.
    """

    acknowledgements: int = 1
    tickets: int = 20
    reopenings: int = 3
    questions: int = 60


@dataclass(frozen=True, slots=True)
class Desktop:
    """What filing works with."""

    config: Config
    desk: Desk
    inbox: Inbox
    deliveries: Deliveries
    staff_mail: StaffMail
    threading: Threading
    attaching: Attaching
    clock: Clock
    queued: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A mail by a person: its record, what was found in it, its files, and whether its sender is theirs."""

    mail: InboundMail
    parsed: ParsedMail
    contents: Sequence[bytes]
    standing: Standing


class Filing:
    """Files mails, each once. ``caps`` are counted in memory.

    They are counted when a mail is done with: after a fault of the database it is worked on again, and has to
    find what it found before.
    """

    def __init__(self, desktop: Desktop, caps: InboundCaps = InboundCaps()) -> None:
        self._d = desktop
        self._own = frozenset(filter(None, (desktop.config.desk.email, *desktop.config.mail.aliases)))
        self._acknowledgements = RateLimit(caps.acknowledgements, HOUR)
        self._tickets = RateLimit(caps.tickets, HOUR)
        self._reopenings = RateLimit(caps.reopenings, DAY)
        self._questions = RateLimit(caps.questions, HOUR)

    async def file(self, mail: InboundMail, parsed: ParsedMail, contents: Sequence[bytes]) -> None:
        """File the mail and write down what became of it. Raises StorageError, DeskStopped, EventRefused."""
        d = self._d
        standing = standing_of(parsed.sender, parsed.vouched, d.config.mail.authserv)
        mail = self.described(mail, parsed, standing)
        if await self._is_repeated(mail, parsed):
            return
        if parsed.bounce is not None and parsed.bounce.failures:
            await self._bounced(mail, parsed.bounce)
        elif await d.inbox.is_ours(parsed.message_id):
            await d.deliveries.arrived(parsed.message_id, d.clock())
            await d.inbox.finish(replace(mail, status=InboundStatus.OWN, reason="The desk wrote it."))
        elif parsed.automatic:
            await self._automatic(mail, parsed, standing)
        else:
            await self._by_a_person(_Incoming(mail, parsed, contents, standing))

    def described(
        self, mail: InboundMail, parsed: ParsedMail, standing: Standing = Standing.UNVERIFIED
    ) -> InboundMail:
        """Return the mail's record with what was found in it."""
        facts = {
            "name": name_of(parsed),
            "phone": phones_in(parsed),
            "standing": standing.value,
            "fingerprint": parsed.fingerprint,
            "preview": parsed.text[:MAX_PREVIEW],
        }
        return replace(
            mail,
            message_id=parsed.message_id,
            sender=parsed.sender,
            subject=parsed.subject,
            facts={key: value for key, value in facts.items() if value},
        )

    async def _is_repeated(self, mail: InboundMail, parsed: ParsedMail) -> bool:
        """Whether this very mail came before by another way, such as another folder."""
        if not parsed.fingerprint:
            return False
        for earlier in await self._d.inbox.same_message(parsed.message_id):
            if earlier.id != mail.id and earlier.facts.get("fingerprint") == parsed.fingerprint:
                reason = "The same mail came before."
                repeated = replace(mail, status=InboundStatus.REPEATED, reason=reason, ticket=earlier.ticket)
                await self._d.inbox.finish(repeated)
                return True
        return False

    async def _bounced(self, mail: InboundMail, bounce: Bounce) -> None:
        """Mark the mail that came back as failed; of a copy to the desk itself it is only written down."""
        failed = next((one for one in bounce.failures if one.recipient not in self._own), None)
        told = failed or bounce.failures[0]
        text = f"The mail came back from {told.recipient or 'its way'}: {told.reason or 'not delivered'}"
        if failed is not None:
            ticket = await self._d.deliveries.bounced(bounce.message_id, text, self._d.clock())
        else:
            ticket = await self._d.inbox.ticket_of_message([bounce.message_id])
        await self._d.inbox.finish(replace(mail, status=InboundStatus.BOUNCE, reason=text, ticket=ticket))

    async def _automatic(self, mail: InboundMail, parsed: ParsedMail, standing: Standing) -> None:
        """Keep it with its ticket, if it has one, and do nothing else [R18]."""
        thread = await self._d.threading.find(parsed, standing)
        number = thread.ticket.number if thread.ticket else None
        reason = f"Written by a program: {parsed.automatic}."
        await self._d.inbox.finish(
            replace(mail, status=InboundStatus.AUTOMATIC, reason=reason, ticket=number)
        )

    async def _by_a_person(self, incoming: _Incoming) -> None:
        mail, parsed = incoming.mail, incoming.parsed
        if parsed.is_header_only:
            await self._hold(mail, "It is too large or could not be fetched; all of it is in the mailbox.")
            return
        if not parsed.sender or len(parsed.sender) > LONGEST_ADDRESS:
            await self._hold(mail, "It has no sender that an answer could go to.")
            return
        if parsed.sender in self._own:
            await self._hold(mail, "It bears the desk's own address, but the desk did not write it.")
            return
        thread = await self._d.threading.find(parsed, incoming.standing)
        account = await self._d.staff_mail.account(parsed.sender)
        if account is not None:
            await self._by_staff(incoming, thread, account)
        elif thread.held is not None:
            await self._answered(mail, parsed, thread.held)
        elif thread.ticket is not None:
            await self._reply(incoming, thread, thread.ticket)
        else:
            await self._new(incoming, thread.linked_to)

    async def _by_staff(self, incoming: _Incoming, thread: Thread, account: AgentAccount) -> None:
        """Post a technician's answer; only our own mail server can say that it is theirs [threat 33]."""
        mail, parsed = incoming.mail, incoming.parsed
        if incoming.standing is not Standing.VERIFIED:
            await self._hold(mail, "It bears a technician's address that the mail server does not vouch for.")
            return
        if thread.ticket is None or not account.is_open:
            await self._hold(mail, "It is from a technician and belongs to no ticket.")
            return
        number, identity = thread.ticket.number, _external_id(mail, parsed)
        outcome = await self._d.staff_mail.post(number, account, parsed, incoming.contents, identity)
        if outcome is None:
            await self._hold(mail, "Its ticket has no conversation.")
            return
        await self._filed(mail, outcome)

    async def _reply(self, incoming: _Incoming, thread: Thread, ticket: Ticket) -> None:
        at, mail, parsed = self._d.clock(), incoming.mail, incoming.parsed
        files, text = await self._d.attaching.attach_for(ticket.number, mail, parsed, incoming.contents)
        event = MailReplied(
            at=at,
            channel=CHANNEL,
            external_id=_external_id(mail, parsed),
            conversation=ConversationId(mail.id),
            ticket=ticket.number,
            sender=parsed.sender,
            name=name_of(parsed),
            text=text,
            files=files,
            standing=incoming.standing,
            by_token=thread.by_token,
            reopens=not ticket.is_done or not self._reopenings.wait(str(ticket.number), at),
        )
        try:
            await self._filed(mail, await self._d.desk.receive(event))
            if ticket.is_done:
                _ = self._reopenings.take(str(ticket.number), at)
        except EventRefused as refusal:
            if refusal.code not in ("ticket_over", "reopen_window"):
                raise
            await self._new(incoming, ticket.number)

    async def _new(self, incoming: _Incoming, linked_to: TicketNumber | None) -> None:
        """File the mail as a new ticket, unless it has to be held."""
        config, parsed = self._d.config, incoming.parsed
        known = await self._d.inbox.known_sender(parsed.sender)
        owner = config.company_of(parsed.sender)
        company = owner.name if owner else known.company if known else ""
        phone = phones_in(parsed) or (known.phone if known else "")
        if not company and config.channel(CHANNEL).unknown_sender is UnknownSender.HOLD:
            await self._ask(incoming.mail, parsed, incoming.standing)
        elif objection := self._objection(parsed, self._d.clock()):
            await self._hold(incoming.mail, objection)
        else:
            await self._open(incoming, linked_to, company, phone)

    async def _open(
        self, incoming: _Incoming, linked_to: TicketNumber | None, company: str, phone: str
    ) -> None:
        """Open the ticket, and count it against what its sender may set off."""
        at, mail, parsed = self._d.clock(), incoming.mail, incoming.parsed
        files, text = await self._d.attaching.attach_for(None, mail, parsed, incoming.contents)
        event = MailReceived(
            at=at,
            channel=CHANNEL,
            external_id=_external_id(mail, parsed),
            conversation=ConversationId(mail.id),
            sender=parsed.sender,
            name=name_of(parsed),
            subject=parsed.subject,
            text=text,
            company=company,
            phone=phone,
            files=files,
            standing=incoming.standing,
            linked_to=linked_to,
            acknowledge=incoming.standing is not Standing.FAILED
            and not self._acknowledgements.wait(parsed.sender, at),
        )
        await self._filed(mail, await self._d.desk.receive(event))
        _ = self._tickets.take(parsed.sender, at)
        if event.acknowledge:
            _ = self._acknowledgements.take(parsed.sender, at)

    def _objection(self, parsed: ParsedMail, at: datetime) -> str:
        """Return why the mail opens no ticket by itself; "" when nothing is against it."""
        if not (parsed.text.strip() or parsed.subject or parsed.attachments):
            return "It is empty."
        if self._tickets.wait(parsed.sender, at):
            return "Its sender has sent too many mails within an hour."
        return ""

    async def _ask(self, mail: InboundMail, parsed: ParsedMail, standing: Standing) -> None:
        """Hold the mail for staff and ask its sender once [R30]; a forged address is not asked."""
        at = self._d.clock()
        reason = "Its sender is not known and their domain belongs to no company."
        asks = (
            standing is not Standing.FAILED
            and not await self._d.inbox.was_asked(parsed.sender, at - ASK_AGAIN)
            and not self._questions.wait("everybody", at)
        )
        facts = {**mail.facts, ASKED: at.isoformat()} if asks else mail.facts
        held = replace(mail, status=InboundStatus.HELD, reason=reason, facts=facts)
        question = question_to(mail.id, parsed.sender, parsed.message_id, at)
        await self._d.inbox.finish(held, question if asks else None)
        if asks:
            _ = self._questions.take("everybody", at)
            self._d.queued()

    async def _answered(self, mail: InboundMail, parsed: ParsedMail, held: str) -> None:
        """Add the answer to what is known of the held mail; staff still place it."""
        about = await self._d.inbox.read(held)
        if about is None or about.status is not InboundStatus.HELD:
            number = about.ticket if about else None
            reason = "It answers a question that is settled." if about else "It answers a mail that is gone."
            await self._d.inbox.finish(replace(mail, status=InboundStatus.HELD, reason=reason, ticket=number))
            return
        found = answers_in(parsed.text)
        phone = found.get("phone") or mail.facts.get("phone") or about.facts.get("phone", "")
        learnt = {**found, "phone": phone, "answer": parsed.text[:MAX_PREVIEW]}
        facts = {**about.facts, **{key: value for key, value in learnt.items() if value}}
        await self._d.inbox.finish(replace(about, facts=facts))
        part = {**mail.facts, "answers": held}
        done = replace(mail, status=InboundStatus.HELD, reason="It answers the question about a held mail.")
        await self._d.inbox.finish(replace(done, facts=part))

    async def _hold(self, mail: InboundMail, reason: str) -> None:
        await self._d.inbox.finish(replace(mail, status=InboundStatus.HELD, reason=reason))

    async def _filed(self, mail: InboundMail, outcome: Outcome) -> None:
        await self._d.inbox.finish(replace(mail, status=InboundStatus.FILED, ticket=outcome.ticket))


def _external_id(mail: InboundMail, parsed: ParsedMail) -> str:
    """Return what the mail's event is known by: the same for the same mail, however often it is worked on."""
    return parsed.fingerprint or mail.id
