"""A technician's answer by mail: to whom it goes, and as it reads when it is sent [R15, R38]."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from adapters.email.outbound import TAKEN_BACK, Caps, MailChannel
from adapters.email.source import MailFacts
from chatdesk.bootstrap import now
from chatdesk.config import Config, parse_config
from chatdesk.conversation import Agent, Message
from chatdesk.errors import DeliveryDelayed, DeliveryRefused
from chatdesk.events import (
    AgentMessaged,
    MessageDeleted,
    MessageEdited,
    TicketPaused,
    TicketResolved,
    TicketTaken,
)
from chatdesk.ids import new_id
from chatdesk.mailbox import StoredMail
from chatdesk.outbox import AGAIN, Delivery, DeliveryStatus
from chatdesk.ticket import TicketNumber, Trigger
from tests.desk_builders import SAMPLE_DESK
from tests.mail_builders import MAIL_DESK, all_sent, mail, read_back, reply_address, take_in, ticket_file
from tests.running_desk import serving
from tests.test_email_outbound import NOW, Clock, KeptMail, Tickets, Wire, mail_to, parsed
from tests.test_email_updates import DANA, TOKENS, Updates
from tests.transcript_builders import MARCUS, a_conversation, a_ticket, deleted, said, with_file
from tests.web_people import signed_in, visitor

SAM = "sam@contoso.example"


@pytest.fixture
def config() -> Config:
    return parse_config(SAMPLE_DESK, "sample")


def facts(*answers: Message, channel: str = "web", visitor: str = "visitor-key-hash") -> MailFacts:
    talk = a_conversation(channel=channel, visitor=visitor, customer_name="Sam Okafor")
    return MailFacts(a_ticket(channel=channel), talk, [said(1, "Help"), *answers], (), ())


def answer(seq: int, identity: str = "d1", to: str = DANA, text: str = "As first written.") -> Delivery:
    return replace(mail_to(to, identity, "comment", text=text), seq=seq)


async def sent(config: Config, about: MailFacts, *queue: Delivery) -> tuple[list[str], list[str]]:
    """Send what waits; return what each delivery came to, and the texts of the mails that left."""
    wire = Wire()
    channel = MailChannel(
        Tickets(about), KeptMail(), wire, config, Clock(), Caps(), TOKENS, Updates(list(queue))
    )
    results = [await channel.send(delivery) for delivery in queue]
    return results, [_text(source) for source, *_ in wire.sent]


def _text(source: bytes) -> str:
    body = parsed(source).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (said(2, "Restart the *blue* one.", MARCUS), "Restart the *blue* one."),
        (with_file(said(2, "", MARCUS), "steps.pdf", 9), "steps.pdf"),
    ],
    ids=["edited", "a file"],
)
async def test_an_answer_is_mailed_as_it_reads_when_the_mail_leaves(
    config: Config, now: Message, told: str
) -> None:
    _, (text,) = await sent(config, facts(now), answer(2))
    assert told in text
    assert "As first written." not in text


async def test_an_answer_that_was_taken_back_is_not_mailed_and_the_delivery_says_why(config: Config) -> None:
    results, texts = await sent(config, facts(deleted(said(2, "Oops", MARCUS), "14:05")), answer(2))
    assert (results, texts) == ([TAKEN_BACK], [])


async def test_of_several_answers_those_that_were_taken_back_are_left_out_of_the_mail(config: Config) -> None:
    about = facts(deleted(said(2, "Oops", MARCUS), "14:05"), said(3, "Now it works.", MARCUS))
    results, texts = await sent(config, about, answer(2, "d1"), answer(3, "d2"))
    assert len(set(results)) == len(texts) == 1
    assert "Now it works." in texts[0]
    assert "As first written." not in texts[0]


async def test_news_beside_an_answer_that_was_taken_back_are_mailed(config: Config) -> None:
    news = mail_to(DANA, "d2", "status", text="HD-1024 is closed.")
    _, texts = await sent(config, facts(deleted(said(2, "Oops", MARCUS), "14:05")), answer(2), news)
    assert len(texts) == 1
    assert "HD-1024 is closed." in texts[0]


async def test_somebody_else_who_wrote_by_mail_is_not_called_by_the_requesters_name(config: Config) -> None:
    about = facts(said(2, "On it", MARCUS), channel="email", visitor=f"mail:{SAM}")
    _, texts = await sent(config, about, answer(2, "d1", to=SAM))
    assert texts[0].startswith("Hello Sam Okafor,")
    _, texts = await sent(config, about, answer(2, "d1"))
    assert texts[0].startswith("Hello Dana Reyes,")


@pytest.mark.parametrize(
    ("address", "to"),
    [
        ("dana@bücher.example", "dana@bücher.example"),
        ("dana@bücher.example", "dana@xn--bcher-kva.example"),
        (" Dana@Contoso.example", " Dana@Contoso.example"),
    ],
)
async def test_a_requester_is_called_by_their_own_name_however_their_address_is_written(
    config: Config, address: str, to: str
) -> None:
    about = facts(said(2, "On it", MARCUS), channel="email", visitor=f"mail:{SAM}")
    about = replace(about, ticket=replace(about.ticket, requester_email=address))
    _, texts = await sent(config, about, answer(2, to=to))
    assert texts[0].startswith("Hello Dana Reyes,")


async def test_an_answer_to_a_colleagues_mail_reaches_the_requester_and_answers_each_ones_own_mail() -> None:
    async with serving(MAIL_DESK) as served:
        opened = (await take_in(served, mail(Message_ID="<danas@mail.contoso.example>"))).ticket
        [first] = await all_sent(served)
        _ = await take_in(
            served,
            mail(
                "It prints stripes too.", "Re: it", f"Sam Okafor <{SAM}>", reply_address(first),
                Message_ID="<sams@mail.contoso.example>",
            ),
        )  # fmt: skip
        sams = (await ticket_file(served, opened)).conversations[-1].id
        priya = (await served.running.staff.add("Priya Nair", "priya@northwind.example", None, now())).agent
        _ = await served.running.desk.receive(
            AgentMessaged(
                at=now(), channel="web", external_id=new_id(), conversation=sams, agent=priya,
                text="Please restart it.",
            )
        )  # fmt: skip
        *told, _ = await all_sent(served)
    answers = {one.recipient: read_back(one)["In-Reply-To"] for one in told}
    assert answers == {DANA: "<danas@mail.contoso.example>", SAM: "<sams@mail.contoso.example>"}
    greetings = {one.recipient: _text(one.source).partition(",")[0] for one in told}
    assert greetings == {DANA: "Hello Dana Reyes", SAM: "Hello Sam Okafor"}


def revision(by: Agent, said: Message, text: str | None) -> MessageEdited | MessageDeleted:
    """Its writer edits the message, or takes it back: None."""
    conversation, seq, identity = said.conversation, said.seq, new_id()
    if text is None:
        return MessageDeleted(
            at=now(), channel="web", external_id=identity, conversation=conversation, by=by.author, seq=seq
        )
    return MessageEdited(
        at=now(), channel="web", external_id=identity, conversation=conversation, by=by.author, seq=seq,
        text=text,
    )  # fmt: skip


async def after_a_question(text: str, revised: str | None) -> list[StoredMail]:
    """Ask Dana by mail, edit or take back the question, and return what was sent after her first mail."""
    async with serving(MAIL_DESK.replace('gather = "0s"', 'gather = "2s"')) as served:
        desk, opened = served.running.desk, (await take_in(served, mail())).ticket
        assert opened is not None
        priya = (await served.running.staff.add("Priya Nair", "priya@northwind.example", None, now())).agent
        _ = await desk.receive(
            TicketTaken(at=now(), channel="web", external_id=new_id(), ticket=opened, agent=priya)
        )
        _ = await desk.receive(
            TicketPaused(
                at=now(), channel="web", external_id=new_id(), ticket=opened, agent=priya,
                trigger=Trigger.ASK_CUSTOMER, text=text,
            )
        )  # fmt: skip
        [asked] = [each for each in (await ticket_file(served, opened)).messages if each.text == text]
        _ = await desk.receive(revision(priya, asked, revised))
        return [
            sent for sent in await all_sent(served) if read_back(sent)["Auto-Submitted"] == "auto-generated"
        ]


async def test_a_question_is_mailed_as_it_reads_when_the_mail_leaves() -> None:
    [sent] = await after_a_question("Is it the printer of Fabrikam?", "Is it the blue printer?")
    assert "Is it the blue printer?" in _text(sent.source)
    assert "Fabrikam" not in _text(sent.source)


async def test_a_question_that_was_taken_back_is_not_mailed_and_other_news_are() -> None:
    [sent] = await after_a_question("Is it the printer of Fabrikam?", None)
    assert "Priya Nair from the help desk is looking after" in _text(sent.source)
    assert "Fabrikam" not in _text(sent.source)


async def test_of_an_answer_that_was_taken_back_staff_read_that_it_was_not_sent() -> None:
    async with serving(MAIL_DESK.replace('gather = "0s"', 'gather = "2s"')) as served:
        desk, opened = served.running.desk, (await take_in(served, mail())).ticket
        priya = (await served.running.staff.add("Priya Nair", "priya@northwind.example", None, now())).agent
        chat = (await ticket_file(served, opened)).conversations[-1].id
        # The first mail shows what was said by the time it leaves: it is to be gone before.
        first = await all_sent(served)
        said_as = await desk.receive(
            AgentMessaged(
                at=now(), channel="web", external_id=new_id(), conversation=chat, agent=priya, text="Oops"
            )
        )  # fmt: skip
        _ = await desk.receive(
            MessageDeleted(
                at=now(), channel="web", external_id=new_id(), conversation=chat, by=priya.author,
                seq=said_as.seq,
            )
        )  # fmt: skip
        after = await all_sent(served)
        notes = (await ticket_file(served, opened)).deliveries
    assert (len(first), after) == (1, first)
    assert [(note.status, note.error) for note in notes] == [
        (DeliveryStatus.DONE, ""),
        (DeliveryStatus.DONE, TAKEN_BACK),
    ]


@pytest.mark.parametrize(
    ("revised", "told"),
    [("Replaced the cable.", "HD-1001 is resolved: Replaced the cable."), (None, "HD-1001 is resolved.")],
)
async def test_a_resolution_is_mailed_as_it_reads_when_the_mail_leaves(
    revised: str | None, told: str
) -> None:
    async with serving(MAIL_DESK.replace('gather = "0s"', 'gather = "2s"')) as served:
        desk, opened = served.running.desk, (await take_in(served, mail())).ticket
        assert opened is not None
        priya = (await served.running.staff.add("Priya Nair", "priya@northwind.example", None, now())).agent
        _ = await desk.receive(
            TicketTaken(at=now(), channel="web", external_id=new_id(), ticket=opened, agent=priya)
        )
        _ = await desk.receive(
            TicketResolved(
                at=now(), channel="web", external_id=new_id(), ticket=opened, agent=priya,
                resolution="Fabrikam's cable.",
            )
        )  # fmt: skip
        messages = (await ticket_file(served, opened)).messages
        [said_as] = [each for each in messages if each.text == "Fabrikam's cable."]
        _ = await desk.receive(revision(priya, said_as, revised))
        [sent, _first] = await all_sent(served)
    text = " ".join(_text(sent.source).split())
    assert told in text
    assert "Not solved?" in text
    assert "Fabrikam" not in text


async def waited(config: Config, again: bool, *now: Message) -> tuple[str, list[str], int]:
    """Try to send an answer while the server is away and once more when it reads as ``now``."""
    wire, kept, tickets = Wire(errors=[DeliveryDelayed("away")]), KeptMail(), Tickets(facts(FIRST))
    channel = MailChannel(tickets, kept, wire, config, Clock(), Caps(), TOKENS, Updates())
    with pytest.raises(DeliveryDelayed):
        await channel.send(replace(answer(2), attempts=1))
    tickets.facts = facts(*now)
    payload = {**answer(2).payload, **({AGAIN: True} if again else {})}
    result = await channel.send(replace(answer(2), attempts=1 if again else 2, payload=payload))
    return result, [_text(source) for source, *_ in wire.sent], len(kept.mails)


FIRST = said(2, "As first written.", MARCUS)
EDITED = replace(FIRST, text="As it reads now.", edited_at=NOW)


async def test_a_mail_that_waited_for_its_server_tells_nothing_that_was_taken_back_meanwhile(
    config: Config,
) -> None:
    result, [text], _ = await waited(config, False, EDITED)
    assert result == "<d1@chatdesk.invalid>"
    assert "As it reads now." in text and "As first written." not in text
    gone = replace(FIRST, text="", edited_at=NOW, deleted_at=NOW)
    assert await waited(config, False, gone) == (TAKEN_BACK, [], 0)


async def test_a_mail_that_may_have_arrived_is_sent_again_in_its_first_form_or_not_at_all(
    config: Config,
) -> None:
    _, [text], _ = await waited(config, True, FIRST)
    assert "As first written." in text
    with pytest.raises(DeliveryRefused, match="may have arrived"):
        await waited(config, True, EDITED)


# An address that was only typed


def of_last_hour(answers: int) -> Sequence[Message]:
    return [
        replace(said(seq, "Hello", MARCUS), at=NOW - timedelta(minutes=1)) for seq in range(2, 2 + answers)
    ]


@pytest.mark.parametrize("mailed", [0, 4])
@pytest.mark.parametrize("said_in_chat", [1, 30])
async def test_transcripts_to_a_typed_address_are_few_however_much_technicians_have_said(
    config: Config, said_in_chat: int, mailed: int
) -> None:
    wire, updates = Wire(), Updates(answers=mailed)
    about = facts(*of_last_hour(said_in_chat))
    channel = MailChannel(Tickets(about), KeptMail(), wire, config, Clock(), Caps(mails=2), TOKENS, updates)
    for number in range(mailed):
        await channel.send(answer(2, f"answer {number}"))
    for number in range(3):
        await channel.send(mail_to(DANA, f"d{number}", "transcript"))
    with pytest.raises(DeliveryRefused, match="got"):
        await channel.send(mail_to(DANA, "one too many", "transcript"))
    # What a technician says is sent all the same.
    await channel.send(answer(2, "answer"))
    assert len(wire.sent) == mailed + 3 + 1


async def test_a_chat_that_is_ended_again_and_again_floods_no_typed_address_however_long_it_was() -> None:
    async with serving(MAIL_DESK) as served, signed_in(served) as marcus, visitor(served) as dana:
        await marcus.take("HD-1001")
        for number in range(15):
            await marcus.say(dana.conversation, f"Step {number}.")
        for number in range(10):
            await dana.line.send(t="end", id=f"end{number}", solved=True)
            await dana.line.next("ack")
            await dana.say("Once more.")
        mails = await all_sent(served)
    assert [one.recipient for one in mails] == [DANA] * (Caps().mails + 1)


@pytest.mark.parametrize(("answered", "tickets"), [(timedelta(days=1), 3), (timedelta(minutes=1), 20)])
async def test_tickets_that_were_answered_long_ago_are_told_of_in_an_hour_as_few_as_new_ones(
    config: Config, answered: timedelta, tickets: int
) -> None:
    about, wire = facts(replace(said(2, "Hello", MARCUS), at=NOW - answered)), Wire()
    channel = MailChannel(
        Tickets(about), KeptMail(), wire, config, Clock(), Caps(tickets=3), TOKENS, Updates()
    )
    transcripts = [mail_to(DANA, f"d{number}", "transcript", 2000 + number) for number in range(20)]
    outcomes = await asyncio.gather(*map(channel.send, transcripts), return_exceptions=True)
    assert len(wire.sent) == tickets
    assert all(isinstance(outcome, str | DeliveryRefused) for outcome in outcomes)
    await channel.send(replace(answer(2, "answer"), ticket=TicketNumber(3000)))


async def test_transcripts_to_an_address_that_is_the_requesters_own_are_not_counted(config: Config) -> None:
    wire = Wire()
    about = facts(*of_last_hour(1), channel="email")
    channel = MailChannel(Tickets(about), KeptMail(), wire, config, Clock(), Caps(mails=1), TOKENS, Updates())
    for number in range(5):
        await channel.send(mail_to(DANA, f"d{number}", "transcript"))
    assert len(wire.sent) == 5
