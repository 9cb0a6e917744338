"""Mail to requesters: rendered, kept whole, then handed to a transport, each step once a Message-ID."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote
from weakref import WeakValueDictionary

from msgspec import Struct

from adapters.email.attachments import Attached, KeptFiles, read_attached
from adapters.email.code_mail import write_code
from adapters.email.message import build_message, checked_address, message_id, sender
from adapters.email.question import write_question
from adapters.email.render import render_mail
from adapters.email.source import MailFacts, MailSource
from chatdesk.config import Config
from chatdesk.conversation import FileRef
from chatdesk.effects import MailKind
from chatdesk.errors import DeliveryRefused, DeliveryUnknown, NotFound
from chatdesk.mail_address import counted
from chatdesk.mail_tokens import MailTokens
from chatdesk.mail_updates import UPDATES, MailUpdates
from chatdesk.mailbox import Mailbox, StoredMail
from chatdesk.outbox import AGAIN, HAD_ENOUGH, MAIL_TARGET, NOT_SENT, Delivery
from chatdesk.portal import link_to
from chatdesk.ports import Clock
from chatdesk.ticket import TicketNumber

CAP_PERIOD = timedelta(hours=1)
FEW_MESSAGES, FEW_CHARACTERS = 20, 10_000
"""So many are laid out in about a millisecond; a thread takes longer to be given them."""
NOT_WANTED = f"{NOT_SENT}the recipient wants no updates"
TAKEN_BACK = f"{NOT_SENT}what it told was taken back"
"""What stands in place of a Message-ID for a mail that is not sent."""
SLACK = timedelta(minutes=1)
CHANGED_SINCE = (
    "What it told was edited or taken back since, and it may have arrived as it was. Write to them anew."
)


@dataclass(frozen=True, slots=True)
class Caps:
    """How much mail an address gets in ``CAP_PERIOD`` before it is known to want any.

    They hold for the mail that a ticket was opened, and for all mail about a ticket from an open form but
    the answers of technicians: of at most ``tickets`` tickets, ``mails`` about each. Where a technician has
    answered in that time it is one mail more, however many other tickets there are.
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

    def break_off(self) -> None:
        """Break off what cannot have been taken yet, and hand nothing over any more.

        Each ``deliver`` that is broken off, and each one after that, raises DeliveryWaits.
        """


class _Letter(Struct, frozen=True):
    """Everything that one mail is written from."""

    delivery: str
    kind: MailKind
    recipient: str
    news: str
    facts: MailFacts
    answers: str
    attached: Attached


class _News(Struct, frozen=True):
    """What one mail tells: its own news and those of all that waited for it, with the files of answers."""

    kind: MailKind
    text: str
    files: tuple[FileRef, ...] = ()


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
        tokens: MailTokens | None = None,
        updates: MailUpdates | None = None,
        files: KeptFiles | None = None,
    ) -> None:
        self._source = source
        self._mailbox = mailbox
        self._transport = transport
        self._config = config
        self._clock = clock
        self._caps = caps
        self._tokens = tokens
        self._updates = updates
        self._files = files
        self._counting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

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
        # At the first attempt nothing can have been kept; what is kept is kept once all the same.
        first = delivery.attempts == 1 and not delivery.payload.get(AGAIN)
        kept = None if first else await self._mailbox.read(identity)
        if kept is None:
            elsewhere = await self._told_elsewhere(delivery)
            if elsewhere:
                return elsewhere
            kept = await self._keep(delivery)
        elif not await self._wanted(delivery):
            return await self._left_out(delivery, kept)
        else:
            kept = await self._still_true(delivery, kept)
        if kept is None:
            return TAKEN_BACK
        await self._transport.deliver(kept.source, sender(self._config.desk), kept.recipient, identity)
        return identity

    async def _left_out(self, delivery: Delivery, kept: StoredMail) -> str:
        """Keep a mail no longer that was written and that nobody wants now; return what stands for it."""
        if not delivery.payload.get(AGAIN):
            # The server has not taken it: there is no such mail.
            await self._mailbox.rewrite(kept.message_id, None)
        return NOT_WANTED

    async def _still_true(self, delivery: Delivery, kept: StoredMail) -> StoredMail | None:
        """Return the mail as it may leave by now: nothing of it was taken back; None when nothing is left.

        What the server has not taken is written anew under its Message-ID. An earlier attempt that a person
        has repeated may have arrived: of that mail there must be no second form. Raises DeliveryRefused then.
        """
        if delivery.ticket is None or delivery.conversation is None or _kind(delivery) is MailKind.CODE:
            return kept
        facts = await self._facts(delivery, _kind(delivery))
        # It was read a moment before it was written, and an edit is dated before its commit.
        if not facts.revised_since(kept.at - SLACK):
            return kept
        if delivery.payload.get(AGAIN):
            raise DeliveryRefused(CHANGED_SINCE)
        letter = await self._letter(delivery, _kind(delivery), kept.recipient, facts)
        mail = await self._written(letter) if letter is not None else None
        await self._mailbox.rewrite(kept.message_id, mail)
        return mail

    async def find(self, delivery: Delivery) -> str | None:
        """Look the mail up by its Message-ID [chatdesk.ports.Channel.find]."""
        identity = message_id(delivery.id, self._config.desk)
        if await self._mailbox.read(identity) is None:
            # Nothing leaves before it is kept.
            return await self._told_elsewhere(delivery) or None
        arrived = await self._transport.has(identity)
        if arrived is None and await self._mailbox.came_back(identity):
            # The server sent the desk its copy in one go with the mail.
            return identity
        if arrived is None:
            raise DeliveryUnknown(f"Whether the mail {identity} was sent cannot be told.")
        return identity if arrived else None

    def break_off(self) -> None:
        """Break off what cannot have arrived [chatdesk.ports.Interruptible.break_off]."""
        self._transport.break_off()

    async def _told_elsewhere(self, delivery: Delivery) -> str:
        """Return what stands for a mail that need not be sent: another holds it, or nobody wants it."""
        if self._updates is None or delivery.payload.get("mail") not in UPDATES:
            return ""
        if not await self._wanted(delivery):
            return NOT_WANTED
        covering = await self._updates.covered_by(delivery.id)
        return covering if covering and await self._mailbox.read(covering) else ""

    async def _wanted(self, delivery: Delivery) -> bool:
        """Tell whether its reader wants it: updates of a ticket can be stopped, all else cannot."""
        if self._updates is None or delivery.ticket is None or delivery.payload.get("mail") not in UPDATES:
            return True
        to = str(delivery.payload.get("to"))
        return await self._updates.wanted(delivery.ticket, to, delivery.conversation)

    async def _gathered(self, delivery: Delivery, kind: MailKind, facts: MailFacts) -> _News:
        """Return the news of this update and of all that wait behind it, which become part of its mail."""
        own, files = facts.news_of(delivery), facts.files_of(delivery)
        if self._updates is None or kind not in UPDATES:
            return _News(kind, own, files)
        others = await self._updates.waiting(delivery)
        identity = message_id(delivery.id, self._config.desk)
        await self._updates.cover([other.id for other in others], identity, self._clock())
        texts = [own, *map(facts.news_of, others)]
        comment = any(other.payload.get("mail") == MailKind.COMMENT for other in others)
        theirs = (file for other in others for file in facts.files_of(other))
        text = "\n\n".join(dict.fromkeys(filter(None, texts)))
        return _News(MailKind.COMMENT if comment else kind, text, (*files, *theirs))

    async def _keep(self, delivery: Delivery) -> StoredMail | None:
        """Write the mail and keep it; None when nothing is left to be told."""
        kind = _kind(delivery)
        recipient = checked_address(str(delivery.payload.get("to") or ""))
        if kind is MailKind.QUESTION:
            held = str(delivery.payload.get("held") or "")
            token = self._tokens.for_held(held) if self._tokens and self._config.mail.tagged_replies else ""
            asked = write_question(delivery, recipient, self._config, token, self._clock())
            return await self._mailbox.keep(asked)
        if kind is MailKind.CODE and delivery.ticket is not None:
            token = self._reply_token(delivery.ticket)
            return await self._mailbox.keep(
                write_code(delivery, recipient, self._config, token, self._clock())
            )
        facts = await self._facts(delivery, kind)
        letter = await self._letter(delivery, kind, recipient, facts)
        if letter is None:
            return None
        kind, facts, mail = letter.kind, letter.facts, await self._written(letter)
        answered = kind is not MailKind.OPENED and facts.may_quote(kind)
        if answered and (facts.is_vouched or kind is MailKind.COMMENT):
            return await self._mailbox.keep(mail)
        earned = await self._earned(delivery, facts, mail.at - CAP_PERIOD) if answered else 0
        # Mailboxes are counted one by one: two mails to one must not both be its last.
        async with self._counting.setdefault(counted(recipient), asyncio.Lock()):
            await self._refuse_over_cap(mail, facts.ticket.number, earned)
            return await self._mailbox.keep(mail)

    async def _letter(
        self, delivery: Delivery, kind: MailKind, recipient: str, facts: MailFacts
    ) -> _Letter | None:
        """Return what the mail is written from; None when nothing is left to be told."""
        facts = facts.addressed_to(str(delivery.payload.get("to")))
        news = await self._gathered(delivery, kind, facts)
        kind = news.kind
        if kind is MailKind.COMMENT and not news.text:
            return None
        answers = await self._answers(facts, recipient)
        attached = await read_attached(self._files, news.files) if self._files and news.files else Attached()
        text = "\n\n".join([news.text, *attached.left_out()])
        return _Letter(delivery.id, kind, recipient, text, facts, answers, attached)

    async def _written(self, letter: _Letter) -> StoredMail:
        # A long transcript, or a file, takes a while to write; the event loop must not wait for it.
        short = _is_short(letter.facts) and not letter.attached.files
        return self._write(letter) if short else await asyncio.to_thread(self._write, letter)

    async def _facts(self, delivery: Delivery, kind: MailKind) -> MailFacts:
        if delivery.ticket is None or delivery.conversation is None:
            raise DeliveryRefused("The mail names no ticket or no conversation.")
        try:
            if kind is MailKind.OPENED:
                # Most first mails answer an open form: they quote nothing, so nothing more is read.
                facts = await self._source.read(delivery.ticket, delivery.conversation, words=False)
                if not facts.may_quote(kind):
                    return facts
            return await self._source.read(delivery.ticket, delivery.conversation)
        except NotFound as error:
            raise DeliveryRefused(str(error)) from error

    async def _answers(self, facts: MailFacts, recipient: str) -> str:
        if self._updates is None or not facts.is_mail:
            return ""
        return await self._updates.last_received(facts.ticket.number, recipient)

    def _write(self, letter: _Letter) -> StoredMail:
        now, facts, desk = self._clock(), letter.facts, self._config.desk
        number = facts.ticket.number
        stop = self._stop(number, letter.recipient) if letter.kind in UPDATES else ""
        portal = link_to(self._config, facts.ticket, facts.conversation, letter.recipient)
        rendered = render_mail(letter.kind, letter.news, facts, self._config, now, stop, portal)
        message = build_message(
            rendered,
            letter.kind,
            delivery_id=letter.delivery,
            ticket=number,
            recipient=letter.recipient,
            recipient_name=facts.ticket.requester_name if facts.may_quote(letter.kind) else "",
            desk=desk,
            at=now,
            reply_token=self._reply_token(number),
            answers=letter.answers,
            stop=stop,
            attached=letter.attached.files,
        )
        identity = message_id(letter.delivery, desk)
        return StoredMail(identity, number, letter.recipient, rendered.subject, now, message)

    def _reply_token(self, number: TicketNumber) -> str:
        """Return what replies about the ticket carry [R16], "" where the desk's address takes no tags."""
        tagged = self._tokens is not None and self._config.mail.tagged_replies
        return self._tokens.for_ticket(number) if self._tokens and tagged else ""

    def _stop(self, number: TicketNumber, recipient: str) -> str:
        """Return the address of the page that ends the updates, "" for a desk without a public address."""
        site = self._config.desk.public_url
        if self._tokens is None or self._updates is None or not site:
            return ""
        return f"{site}/mail/stop/{quote(recipient, safe='@')}/{self._tokens.for_stop(number, recipient)}"

    async def _earned(self, delivery: Delivery, facts: MailFacts, since: datetime) -> int:
        """Return how many mails more there may be: one for having been answered, and the answers themselves.

        What was said in the chat does not count by the line: each would allow another transcript.
        """
        answered, to = facts.answered_since(since), str(delivery.payload.get("to"))
        mailed = await self._updates.answers_sent(facts.ticket.number, to, since) if self._updates else 0
        return mailed + answered

    async def _refuse_over_cap(self, mail: StoredMail, ticket: TicketNumber, earned: int) -> None:
        """Raise DeliveryRefused when the address had enough, which is ``earned`` mails more than the cap."""
        counts = dict(await self._mailbox.counts(mail.recipient, mail.at - CAP_PERIOD))
        about_this = counts.pop(ticket, 0)
        if len(counts) >= self._caps.tickets and not earned:
            had = f"was told of {len(counts)} other tickets"
        elif about_this >= self._caps.mails + earned:
            had = f"got {about_this} mails about this ticket"
        else:
            return
        raise DeliveryRefused(f"{mail.recipient} {had} {HAD_ENOUGH}")


class KeptOnly:
    """The transport of a desk that sends no mail: what the mailbox keeps counts as delivered."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def deliver(self, message: bytes, sender: str, recipient: str, message_id: str) -> None:
        """Do nothing more: the channel has kept the mail [Transport.deliver]."""

    async def has(self, message_id: str) -> bool | None:
        """Tell whether the mail was kept [Transport.has]."""
        return await self._mailbox.read(message_id) is not None

    def break_off(self) -> None:
        """Do nothing: what is kept was delivered at once [Transport.break_off]."""


class DemonstrationMail(MailChannel):
    """Mail that is written and kept for everybody to see, and never leaves the machine."""

    def __init__(
        self,
        source: MailSource,
        mailbox: Mailbox,
        config: Config,
        clock: Clock,
        caps: Caps = Caps(),
        tokens: MailTokens | None = None,
        updates: MailUpdates | None = None,
        files: KeptFiles | None = None,
    ) -> None:
        super().__init__(source, mailbox, KeptOnly(mailbox), config, clock, caps, tokens, updates, files)


def _kind(delivery: Delivery) -> MailKind:
    try:
        return MailKind(str(delivery.payload.get("mail")))
    except ValueError as error:
        raise DeliveryRefused(f"A mail of this kind is not known: {error}.") from error


def _is_short(facts: MailFacts) -> bool:
    characters = sum(len(message.text) for message in facts.messages)
    return len(facts.messages) <= FEW_MESSAGES and characters <= FEW_CHARACTERS
