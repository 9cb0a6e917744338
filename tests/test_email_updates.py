"""Updates by mail: several that wait become one, one that nobody wants is not sent, the first always is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from msgspec.structs import replace

from adapters.email.outbound import NOT_WANTED, Caps, MailChannel
from adapters.email.source import MailFacts
from chatdesk.config import Config, parse_config
from chatdesk.conversation import ConversationId
from chatdesk.errors import DeliveryDelayed, DeliveryUnknown
from chatdesk.mail_tokens import MailTokens
from chatdesk.outbox import AGAIN, Delivery
from chatdesk.ticket import TicketNumber
from tests.desk_builders import SAMPLE_DESK
from tests.test_email_outbound import Clock, KeptMail, Tickets, Wire, mail_to, parsed
from tests.transcript_builders import MARCUS, NUMBER, a_conversation, a_ticket, said

DANA = "dana@contoso.example"
TOKENS = MailTokens("a secret of the desk's own, long enough")


@dataclass
class Updates:
    """Updates in memory; ``queue`` is what waits."""

    queue: list[Delivery] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    unwanted: set[tuple[int, str]] = field(default_factory=set)
    received: str = ""
    answers: int = 0

    async def waiting(self, delivery: Delivery) -> Sequence[Delivery]:
        return [other for other in self.queue if other.id != delivery.id]

    async def cover(self, deliveries: Collection[str], message_id: str, at: datetime) -> None:
        self.parts.update(dict.fromkeys(deliveries, message_id))

    async def covered_by(self, delivery: str) -> str | None:
        return self.parts.get(delivery)

    async def wanted(
        self, ticket: TicketNumber, address: str, conversation: ConversationId | None = None
    ) -> bool:
        return (ticket, address) not in self.unwanted

    async def stop(self, ticket: TicketNumber, address: str, at: datetime) -> None:
        self.unwanted.add((ticket, address))

    async def resume(self, ticket: TicketNumber, address: str) -> None:
        self.unwanted.discard((ticket, address))

    async def last_received(self, ticket: TicketNumber, address: str) -> str:
        return self.received

    async def answers_sent(self, ticket: TicketNumber, address: str, since: datetime) -> int:
        return self.answers


@pytest.fixture
def config() -> Config:
    more = (
        'phone = "555-0100"\nemail = "help@northwind.example"\npublic_url = "https://desk.northwind.example"'
    )
    return parse_config(SAMPLE_DESK.replace('phone = "555-0100"', more), "sample")


@pytest.fixture
def updates() -> Updates:
    return Updates()


@pytest.fixture
def wire() -> Wire:
    return Wire()


def channel(
    config: Config,
    updates: Updates,
    wire: Wire,
    conversation_channel: str = "web",
    mailbox: KeptMail | None = None,
) -> MailChannel:
    talk = a_conversation(channel=conversation_channel)
    facts = MailFacts(a_ticket(), talk, [said(1, "Help"), said(2, "On it", MARCUS)], (), ())
    kept = mailbox or KeptMail()
    return MailChannel(Tickets(facts), kept, wire, config, Clock(), Caps(), TOKENS, updates)


def again(delivery: Delivery) -> Delivery:
    """Return the next attempt at it."""
    return replace(delivery, attempts=2)


async def test_what_waits_becomes_part_of_the_first_mail_and_is_not_sent_again(
    config: Config, updates: Updates, wire: Wire
) -> None:
    updates.queue = [
        mail_to(DANA, "d1", "status", text="Marcus is looking after HD-1024."),
        mail_to(DANA, "d2", "comment", text="Please restart the printer."),
        mail_to(DANA, "d3", "status", text="HD-1024 is closed."),
    ]
    mail = channel(config, updates, wire)
    sent = [await mail.send(delivery) for delivery in updates.queue]
    assert sent == ["<d1@northwind.example>"] * 3
    assert len(wire.sent) == 1
    text = parsed(wire.sent[0][0]).get_body(("plain",))
    assert text is not None
    words = text.get_content()
    places = [words.index(str(delivery.payload["text"])) for delivery in updates.queue]
    assert places == sorted(places)


async def test_the_first_mail_waits_for_nothing_and_takes_nothing_with_it(
    config: Config, updates: Updates, wire: Wire
) -> None:
    updates.queue = [mail_to(DANA, "d2", "status")]
    mail = channel(config, updates, wire)
    _ = await mail.send(mail_to(DANA, "d1", "opened"))
    _ = await mail.send(updates.queue[0])
    assert len(wire.sent) == 2


async def test_nothing_is_lost_when_the_mail_that_should_have_held_it_was_never_written(
    config: Config, updates: Updates, wire: Wire
) -> None:
    updates.parts["d2"] = "<never-written@northwind.example>"
    assert await channel(config, updates, wire).send(mail_to(DANA, "d2")) == "<d2@northwind.example>"
    assert len(wire.sent) == 1


@pytest.mark.parametrize(("kind", "mails"), [("opened", 1), ("comment", 0), ("status", 0), ("transcript", 1)])
async def test_updates_can_be_stopped_and_the_first_mail_cannot(
    config: Config, updates: Updates, wire: Wire, kind: str, mails: int
) -> None:
    await updates.stop(NUMBER, DANA, Clock().now)
    identity = await channel(config, updates, wire).send(mail_to(DANA, "d1", kind))
    assert len(wire.sent) == mails
    assert (identity == NOT_WANTED) == (not mails)


@pytest.mark.parametrize(("kind", "mails"), [("comment", 0), ("status", 0), ("transcript", 1)])
async def test_updates_that_are_stopped_while_a_written_mail_waits_for_its_server_are_not_sent(
    config: Config, updates: Updates, wire: Wire, kind: str, mails: int
) -> None:
    wire.errors.append(DeliveryDelayed("greylisted"))
    mailbox = KeptMail()
    mail = channel(config, updates, wire, mailbox=mailbox)
    with pytest.raises(DeliveryDelayed):
        await mail.send(mail_to(DANA, "d1", kind))
    await updates.stop(NUMBER, DANA, Clock().now)
    identity = await mail.send(again(mail_to(DANA, "d1", kind)))
    assert (len(wire.sent), identity == NOT_WANTED) == (mails, not mails)
    # What never left is in nobody's list of mails.
    assert len(mailbox.mails) == mails


async def test_what_was_stopped_and_wanted_again_is_written_anew_with_what_it_would_have_told(
    config: Config, updates: Updates, wire: Wire
) -> None:
    updates.queue = [mail_to(DANA, "d1", "status"), mail_to(DANA, "d2", "comment", text="Please restart.")]
    wire.errors.append(DeliveryDelayed("greylisted"))
    mail = channel(config, updates, wire)
    with pytest.raises(DeliveryDelayed):
        await mail.send(updates.queue[0])
    await updates.stop(NUMBER, DANA, Clock().now)
    assert await mail.send(again(updates.queue[0])) == NOT_WANTED
    await updates.resume(NUMBER, DANA)
    assert await mail.send(updates.queue[1]) == "<d2@northwind.example>"
    assert b"Please restart." in wire.sent[0][0]


async def test_a_mail_in_doubt_that_a_person_sends_again_stays_in_the_list_when_nobody_wants_it(
    config: Config, updates: Updates, wire: Wire
) -> None:
    wire.errors.append(DeliveryUnknown("cut off"))
    mailbox = KeptMail()
    mail, update = channel(config, updates, wire, mailbox=mailbox), mail_to(DANA, "d1")
    with pytest.raises(DeliveryUnknown):
        await mail.send(update)
    await updates.stop(NUMBER, DANA, Clock().now)
    repeated = replace(update, attempts=1, payload={**update.payload, AGAIN: True})
    assert await mail.send(repeated) == NOT_WANTED
    assert (wire.sent, list(mailbox.mails)) == ([], ["<d1@northwind.example>"])


async def test_an_update_says_how_to_end_them_and_the_first_mail_does_not(
    config: Config, updates: Updates, wire: Wire
) -> None:
    mail = channel(config, updates, wire)
    _ = await mail.send(mail_to(DANA, "d1", "opened"))
    _ = await mail.send(mail_to(DANA, "d2", "comment"))
    first, update = (parsed(sent[0]) for sent in wire.sent)
    page = f"https://desk.northwind.example/mail/stop/{DANA}/{TOKENS.for_stop(NUMBER, DANA)}"
    assert first["List-Unsubscribe"] is None
    assert update["List-Unsubscribe"] == f"<{page}>"
    assert update["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for kind in ("plain", "html"):
        body = update.get_body((kind,))
        assert body is not None
        assert page in body.get_content().replace("&#64;", "@")


async def test_replies_go_to_an_address_with_the_tickets_token(
    config: Config, updates: Updates, wire: Wire
) -> None:
    _ = await channel(config, updates, wire).send(mail_to(DANA))
    token = TOKENS.for_ticket(NUMBER)
    assert parsed(wire.sent[0][0])["Reply-To"] == f"Northwind IT <help+{token}@northwind.example>"


async def test_an_answer_to_a_mail_names_it_so_that_mail_programs_show_one_thread(
    config: Config, updates: Updates, wire: Wire
) -> None:
    updates.received = "<CAF=abc+1@mail.contoso.example>"
    _ = await channel(config, updates, wire, "email").send(mail_to(DANA))
    message = parsed(wire.sent[0][0])
    assert message["In-Reply-To"] == updates.received
    assert message["References"].split() == ["<ticket-1024@northwind.example>", updates.received]


async def test_a_message_id_that_is_none_is_left_out(config: Config, updates: Updates, wire: Wire) -> None:
    updates.received = "<a@b>\r\nBcc: everybody@example.com"
    _ = await channel(config, updates, wire, "email").send(mail_to(DANA))
    message = parsed(wire.sent[0][0])
    assert message["In-Reply-To"] == "<ticket-1024@northwind.example>"
    assert message["Bcc"] is None
