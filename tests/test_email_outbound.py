"""The way out by mail: whole messages, kept once, capped, and headers nobody can add to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from msgspec import structs

from adapters.email.outbound import Caps, DemonstrationMail, MailChannel
from adapters.email.source import MailFacts
from chatdesk.config import Config, parse_config
from chatdesk.conversation import ConversationId
from chatdesk.effects import MailKind
from chatdesk.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown, NotFound
from chatdesk.mail_address import counted
from chatdesk.mailbox import MailLine, StoredMail
from chatdesk.outbox import Delivery, DeliveryKind
from chatdesk.ports import Channel
from chatdesk.ticket import TicketNumber
from tests.desk_builders import SAMPLE_DESK
from tests.transcript_builders import CHAT, MARCUS, NUMBER, a_conversation, a_ticket, at, said

NOW = at("15:00")


class KeptMail:
    """A mailbox in memory."""

    def __init__(self) -> None:
        self.mails: dict[str, StoredMail] = {}
        self.copies: set[str] = set()

    async def keep(self, mail: StoredMail) -> StoredMail:
        await asyncio.sleep(0)
        return self.mails.setdefault(mail.message_id, mail)

    async def rewrite(self, message_id: str, mail: StoredMail | None) -> None:
        _ = self.mails.pop(message_id)
        if mail is not None:
            self.mails[message_id] = mail

    async def newest(self, limit: int, before: str = "") -> Sequence[MailLine]:
        raise NotImplementedError

    async def read(self, message_id: str) -> StoredMail | None:
        await asyncio.sleep(0)
        return self.mails.get(message_id)

    async def came_back(self, message_id: str) -> bool:
        return message_id in self.copies

    async def counts(self, recipient: str, since: datetime) -> Mapping[TicketNumber, int]:
        await asyncio.sleep(0)
        found = [mail for mail in self.mails.values() if counted(mail.recipient) == counted(recipient)]
        return Counter(mail.ticket for mail in found if mail.ticket is not None and mail.at >= since)


@dataclass
class Tickets:
    """Tickets to mail about: whatever number is asked for, in the state of ``facts``."""

    facts: MailFacts

    async def read(
        self, ticket: TicketNumber, conversation: ConversationId, *, words: bool = True
    ) -> MailFacts:
        if ticket == 404:
            raise NotFound("The ticket")
        return structs.replace(self.facts, ticket=structs.replace(self.facts.ticket, number=ticket))


@dataclass
class Wire:
    """A transport that notes what it was given; ``errors`` come first, ``knows`` is what has() says."""

    knows: bool | None = None
    errors: list[Exception] = field(default_factory=list)
    sent: list[tuple[bytes, str, str, str]] = field(default_factory=list)

    async def deliver(self, message: bytes, sender: str, recipient: str, message_id: str) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((message, sender, recipient, message_id))

    def break_off(self) -> None:
        """Do nothing: what is handed over has arrived."""

    async def has(self, message_id: str) -> bool | None:
        return self.knows


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def config() -> Config:
    desk = SAMPLE_DESK.replace('phone = "555-0100"', 'phone = "555-0100"\nemail = "help@northwind.example"')
    return parse_config(desk, "sample")


@pytest.fixture
def source() -> Tickets:
    return Tickets(
        MailFacts(a_ticket(), a_conversation(), [said(1, "Help"), said(2, "On it", MARCUS)], (), ())
    )


def mail_to(
    recipient: str,
    identity: str = "d1",
    kind: str = "comment",
    ticket: int | None = NUMBER,
    text: str = "News.",
) -> Delivery:
    return Delivery(
        id=identity,
        target="email",
        kind=DeliveryKind.MAIL,
        lane="1024",
        due_at=NOW,
        created_at=NOW,
        conversation=CHAT,
        ticket=TicketNumber(ticket) if ticket else None,
        payload={"mail": kind, "to": recipient, "text": text},
    )


def parsed(source: bytes) -> EmailMessage:
    message = message_from_bytes(source, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


async def test_a_demonstration_desk_keeps_the_whole_mail(config: Config, source: Tickets) -> None:
    mailbox = KeptMail()
    channel: Channel = DemonstrationMail(source, mailbox, config, Clock())
    identity = await channel.send(mail_to("dana@contoso.example"))
    kept = mailbox.mails[identity]
    assert (channel.name, identity) == ("email", "<d1@northwind.example>")
    assert (kept.ticket, kept.recipient, kept.at) == (NUMBER, "dana@contoso.example", NOW)
    message = parsed(kept.source)
    assert message["Subject"] == kept.subject == "[HD-1024] Printer offline"
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None and "News." in plain.get_content()
    assert html is not None and "News." in html.get_content()


async def test_the_headers_are_those_of_a_desk_that_answers_by_itself(
    config: Config, source: Tickets
) -> None:
    mailbox = KeptMail()
    channel = DemonstrationMail(source, mailbox, config, Clock())
    message = parsed(mailbox.mails[await channel.send(mail_to("dana@contoso.example"))].source)
    assert dict(message.items()).keys() >= {"Date", "MIME-Version"}
    expected = {
        "Message-ID": "<d1@northwind.example>",
        "From": "Northwind IT <help@northwind.example>",
        "To": "Dana Reyes <dana@contoso.example>",
        "Reply-To": "Northwind IT <help@northwind.example>",
        "In-Reply-To": "<ticket-1024@northwind.example>",
        "References": "<ticket-1024@northwind.example>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }
    assert {name: message[name] for name in expected} == expected
    assert message["Date"].datetime == NOW
    assert message["Precedence"] is None


@pytest.mark.parametrize("kind", MailKind)
async def test_only_the_acknowledgement_and_the_question_are_automatic_replies(
    config: Config, source: Tickets, kind: MailKind
) -> None:
    mailbox = KeptMail()
    channel = DemonstrationMail(source, mailbox, config, Clock())
    message = parsed(mailbox.mails[await channel.send(mail_to("a@b.example", kind=kind.value))].source)
    answers_a_mail = kind in (MailKind.OPENED, MailKind.QUESTION)
    assert message["Auto-Submitted"] == ("auto-replied" if answers_a_mail else "auto-generated")


async def test_a_desk_without_an_address_writes_from_a_reserved_one(source: Tickets) -> None:
    mailbox = KeptMail()
    channel = DemonstrationMail(source, mailbox, parse_config(SAMPLE_DESK, "sample"), Clock())
    identity = await channel.send(mail_to("a@b.example"))
    assert identity == "<d1@chatdesk.invalid>"
    assert parsed(mailbox.mails[identity].source)["From"] == "Northwind IT <desk@desk.example>"


async def test_sending_again_sends_what_was_kept_the_first_time(config: Config, source: Tickets) -> None:
    mailbox, clock = KeptMail(), Clock()
    wire = Wire(errors=[DeliveryDelayed("busy")])
    channel = MailChannel(source, mailbox, wire, config, clock)
    with pytest.raises(DeliveryDelayed):
        await channel.send(mail_to("a@b.example"))
    clock.now += timedelta(minutes=5)
    source.facts = structs.replace(source.facts, ticket=a_ticket(subject="Something else"))
    identity = await channel.send(mail_to("a@b.example"))
    [kept] = mailbox.mails.values()
    assert wire.sent == [(kept.source, "help@northwind.example", "a@b.example", identity)]
    assert b"Printer offline" in kept.source


async def test_the_same_mail_is_the_same_bytes(config: Config, source: Tickets) -> None:
    boxes = KeptMail(), KeptMail()
    for box in boxes:
        await DemonstrationMail(source, box, config, Clock()).send(mail_to("a@b.example"))
    assert boxes[0].mails == boxes[1].mails


async def test_a_demonstration_mail_is_found_once_it_is_kept(config: Config, source: Tickets) -> None:
    channel = DemonstrationMail(source, KeptMail(), config, Clock())
    delivery = mail_to("a@b.example")
    assert await channel.find(delivery) is None
    identity = await channel.send(delivery)
    assert await channel.find(delivery) == identity


async def test_a_kept_mail_does_not_count_as_sent_where_the_transport_cannot_tell(
    config: Config, source: Tickets
) -> None:
    channel = MailChannel(source, KeptMail(), Wire(knows=None), config, Clock())
    await channel.send(mail_to("a@b.example"))
    with pytest.raises(DeliveryUnknown, match="cannot be told"):
        await channel.find(mail_to("a@b.example"))


@pytest.mark.parametrize(
    "address",
    [
        "", "dana", "@contoso.example", "dana@", "a b@c.example", "dana@contoso..example", ".a@b.example",
        "dana@contoso.example\r\nBcc: all@example.com", "dana@contoso.example, all@example.com",
        "Dana <dana@contoso.example>", "dana@contoso.example\n", '"a b"@c.example', "a@b@c.example",
        "dänä@contoso.example", "a" * 250 + "@b.example",
        "a\x00@b.example", "a@[127.0.0.1]", "((((@b.example",
    ],
)  # fmt: skip
async def test_what_is_no_plain_address_gets_no_mail(config: Config, source: Tickets, address: str) -> None:
    mailbox = KeptMail()
    with pytest.raises(DeliveryRefused, match="No mail can be sent to"):
        await DemonstrationMail(source, mailbox, config, Clock()).send(mail_to(address))
    assert mailbox.mails == {}


HOSTILE_NAMES = (
    "Dana\r\nBcc: all@example.com",
    "Dana\r\n\r\n<script>alert(1)</script>",
    'Dana" <all@example.com>, "',
    "Dana\\",
    "=?utf-8?q?=0ABcc:_all?=",
    "דנה 👩‍💻 Dänä",
    "a\x00b\x85c\u2028d\u202ee",
    "x" * 12_000,
    "(((((((((",
    "half a \ud83d pair",
)


@pytest.mark.parametrize("where", ["name", "subject", "desk"])
@pytest.mark.parametrize("text", HOSTILE_NAMES)
async def test_no_name_or_subject_adds_a_header_or_a_recipient(
    config: Config, source: Tickets, text: str, where: str
) -> None:
    name, subject = (text if where == part else "Plain" for part in ("name", "subject"))
    source.facts = structs.replace(source.facts, ticket=a_ticket(requester_name=name, subject=subject))
    if where == "desk":
        config = structs.replace(config, desk=structs.replace(config.desk, name=text))
    mailbox = KeptMail()
    identity = await DemonstrationMail(source, mailbox, config, Clock()).send(mail_to("dana@contoso.example"))
    raw = mailbox.mails[identity].source
    message = parsed(raw)
    assert "Bcc" not in message and not message.defects
    assert [address.addr_spec for address in message["To"].addresses] == ["dana@contoso.example"]
    assert [address.addr_spec for address in message["From"].addresses] == ["help@northwind.example"]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    shown = [*(address.display_name for field in ("To", "From") for address in message[field].addresses)]
    assert not any("\n" in words or "\r" in words for words in (*shown, message["Subject"]))
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    raw.decode("ascii")


@pytest.mark.parametrize(
    "text", ["שלום 👩‍💻\n.\nfrom here", "x" * 12_000, "line\n" * 2_000, "a\rb\r\nc\x0bd"]
)
async def test_the_words_arrive_as_they_were(config: Config, source: Tickets, text: str) -> None:
    mailbox = KeptMail()
    channel = DemonstrationMail(source, mailbox, config, Clock())
    raw = mailbox.mails[await channel.send(mail_to("a@b.example", text=text))].source
    plain = parsed(raw).get_body(("plain",))
    assert plain is not None
    assert "".join(text.split()) in "".join(plain.get_content().split())
    assert max(map(len, raw.split(b"\r\n"))) <= 78 + 20


async def test_a_stranger_who_typed_an_address_is_not_named_in_the_mail(
    config: Config, source: Tickets
) -> None:
    source.facts = structs.replace(source.facts, messages=[said(1, "Help")])
    mailbox = KeptMail()
    identity = await DemonstrationMail(source, mailbox, config, Clock()).send(mail_to("a@b.example"))
    assert parsed(mailbox.mails[identity].source)["To"] == "a@b.example"
    assert b"Dana" not in mailbox.mails[identity].source


async def open_tickets(channel: MailChannel, count: int, recipient: str = "a@b.example") -> list[bool]:
    """Mail that ``count`` tickets were opened, all at once; return which went through."""
    deliveries = [mail_to(recipient, f"{recipient}{n}", "opened", 2000 + n) for n in range(count)]
    outcomes = await asyncio.gather(*map(channel.send, deliveries), return_exceptions=True)
    assert all(isinstance(outcome, str | DeliveryRefused) for outcome in outcomes)
    return [isinstance(outcome, str) for outcome in outcomes]


async def test_an_address_is_told_of_so_many_new_tickets_an_hour(config: Config, source: Tickets) -> None:
    clock = Clock()
    channel = DemonstrationMail(source, KeptMail(), config, clock, Caps(tickets=3))
    assert sum(await open_tickets(channel, 20)) == 3
    with pytest.raises(DeliveryRefused, match=r"A@b\.example was told of 3 other tickets"):
        await channel.send(mail_to("A@B.example", "again", "opened", 3000))
    assert await channel.send(mail_to("other@b.example", "other", "opened", 3001))
    clock.now += timedelta(hours=1, seconds=1)
    assert sum(await open_tickets(channel, 3)) == 3


@pytest.mark.parametrize(
    "address", ["a+{}@b.example", "a@bücher.example", "a@xn--bcher-kva.example", "A+{}@bücher.example"]
)
async def test_all_forms_of_an_address_that_mean_one_mailbox_are_told_of_as_few_tickets(
    config: Config, source: Tickets, address: str
) -> None:
    mailbox = KeptMail()
    channel = DemonstrationMail(source, mailbox, config, Clock(), Caps(tickets=3))
    plain = address.replace("+{}", "").replace("bücher", "xn--bcher-kva")
    assert sum(await open_tickets(channel, 2, plain)) == 2
    deliveries = [mail_to(address.format(n), f"d{n}", "opened", 3000 + n) for n in range(5)]
    outcomes = await asyncio.gather(*map(channel.send, deliveries), return_exceptions=True)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1


async def test_news_of_a_known_ticket_is_not_capped(config: Config, source: Tickets) -> None:
    mailbox = KeptMail()
    channel = DemonstrationMail(source, mailbox, config, Clock(), Caps(1, 1))
    for number in range(10):
        await channel.send(mail_to("a@b.example", f"d{number}"))
    assert len(mailbox.mails) == 10


async def test_an_open_form_cannot_send_mail_after_mail_about_its_ticket(
    config: Config, source: Tickets
) -> None:
    source.facts = structs.replace(source.facts, messages=[said(1, "Help")])
    channel = DemonstrationMail(source, KeptMail(), config, Clock(), Caps(mails=3))
    for number, kind in enumerate(("opened", "status", "transcript")):
        await channel.send(mail_to("a@b.example", f"d{number}", kind))
    with pytest.raises(DeliveryRefused, match="got 3 mails about this ticket in the last hour"):
        await channel.send(mail_to("a@b.example", "d4", "status"))
    source.facts = structs.replace(source.facts, messages=[said(1, "Help"), said(2, "On it", MARCUS)])
    assert await channel.send(mail_to("a@b.example", "d5", "status"))


async def test_the_cap_holds_for_every_mail_that_an_open_form_can_set_off(
    config: Config, source: Tickets
) -> None:
    source.facts = structs.replace(source.facts, messages=[said(1, "Help")])
    mailbox = KeptMail()
    channel = DemonstrationMail(source, mailbox, config, Clock(), Caps(tickets=2, mails=2))
    kinds = ("opened", "status", "transcript")
    deliveries = [mail_to("a@b.example", f"{n}{kind}", kind, 2000 + n) for n in range(50) for kind in kinds]
    await asyncio.gather(*map(channel.send, deliveries), return_exceptions=True)
    assert len(mailbox.mails) == 4


async def test_a_mail_that_was_kept_is_tried_again_whatever_the_cap(config: Config, source: Tickets) -> None:
    wire = Wire(errors=[DeliveryDelayed("busy")])
    channel = MailChannel(source, KeptMail(), wire, config, Clock(), Caps(1, 1))
    delivery = mail_to("a@b.example", "d1", "opened")
    with pytest.raises(DeliveryDelayed):
        await channel.send(delivery)
    assert await channel.send(delivery)


@pytest.mark.parametrize(
    ("delivery", "reason"),
    [
        (mail_to("a@b.example", ticket=404), "The ticket was not found"),
        (mail_to("a@b.example", ticket=None), "names no ticket"),
        (mail_to("a@b.example", kind="postcard"), "postcard"),
    ],
)
async def test_what_cannot_be_written_is_refused_with_the_reason(
    config: Config, source: Tickets, delivery: Delivery, reason: str
) -> None:
    with pytest.raises(DeliveryRefused, match=reason):
        await DemonstrationMail(source, KeptMail(), config, Clock()).send(delivery)
