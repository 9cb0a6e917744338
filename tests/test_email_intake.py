"""Mail in, from bytes to ticket: new tickets, replies, strangers, staff, programs, caps [R3] [R16-R18]."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from email.message import EmailMessage
from unittest.mock import AsyncMock

import pytest

from adapters.email.intake import Intake
from chatdesk.bootstrap import now
from chatdesk.conversation import Visibility
from chatdesk.errors import StorageError
from chatdesk.events import AgentMessaged, TicketResolved, TicketTaken
from chatdesk.inbox import ATTEMPTS, InboundStatus
from chatdesk.mailbox import StoredMail
from chatdesk.outbox import DeliveryStatus
from chatdesk.ticket import TicketNumber, TicketStatus
from storage.inbox import TortoiseInbox
from tests.mail_builders import (
    DANA,
    DESK_ADDRESS,
    MAIL_DESK,
    all_sent,
    mail,
    read_back,
    reply_address,
    sent_mail,
    take_in,
    ticket_file,
)
from tests.running_desk import ServedDesk, serving


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving(MAIL_DESK, demo=False) as served:
        yield served


async def opened(desk: ServedDesk) -> tuple[TicketNumber, StoredMail]:
    """Dana opens a ticket by mail; return its number and the desk's first mail."""
    came = await take_in(desk, mail())
    assert came.ticket is not None
    return came.ticket, await sent_mail(desk, lambda found: found.ticket == came.ticket)


async def resolved(desk: ServedDesk, number: TicketNumber) -> None:
    """Marcus takes the ticket and resolves it."""
    staff = desk.running.staff
    accounts = [one for one in await staff.accounts() if one.name == "Marcus Bell"]
    account = (
        accounts[0] if accounts else await staff.add("Marcus Bell", "marcus@northwind.example", None, now())
    )
    file = await ticket_file(desk, number)
    if file.ticket.assignee is None:
        _ = await desk.running.desk.receive(
            TicketTaken(at=now(), channel="web", external_id=f"t{number}", ticket=number, agent=account.agent)
        )
    _ = await desk.running.desk.receive(
        TicketResolved(
            at=now(),
            channel="web",
            external_id=f"r{number}-{len(file.history)}",
            ticket=number,
            agent=account.agent,
            resolution="The printer is back.",
        )
    )


async def test_a_known_customers_mail_opens_a_ticket_and_is_answered_with_the_number(
    desk: ServedDesk,
) -> None:
    text = "The printer on floor 2 is offline.\n\nBest regards,\nDana Reyes\nPhone: 555-0134\n"
    came = await take_in(desk, mail(text))
    file = await ticket_file(desk, came.ticket)
    ticket = file.ticket
    assert (came.status, ticket.subject, ticket.channel) == (InboundStatus.FILED, "Printer offline", "email")
    assert (ticket.requester_name, ticket.company) == ("Dana Reyes", "Contoso")
    assert (ticket.requester_email, ticket.requester_phone) == ("dana@contoso.example", "555-0134")
    assert [message.text for message in file.messages] == ["The printer on floor 2 is offline."]
    first = read_back(await sent_mail(desk))
    assert first["Subject"] == f"[HD-{ticket.number}] Printer offline"
    assert first["Auto-Submitted"] == "auto-replied"
    assert str(first["In-Reply-To"]).endswith("@mail.contoso.example>")
    assert first["To"].addresses[0].addr_spec == "dana@contoso.example"


async def test_without_a_number_to_call_the_first_mail_asks_for_one(desk: ServedDesk) -> None:
    _, first = await opened(desk)
    body = read_back(first).get_body(("plain",))
    assert body is not None
    assert "a number at which we can call you back" in " ".join(body.get_content().split())


async def test_a_reply_is_added_to_the_ticket_and_opens_it_again(desk: ServedDesk) -> None:
    number, first = await opened(desk)
    await resolved(desk, number)
    text = "It is offline again.\n\nOn Mon, Sep 21, 2026 at 9:00 AM Northwind IT wrote:\n> Thank you\n"
    came = await take_in(desk, mail(text, "Re: Printer offline", to=reply_address(first)))
    file = await ticket_file(desk, number)
    assert came.ticket == number
    assert file.ticket.status is TicketStatus.ASSIGNED
    assert file.messages[-1].text == "It is offline again."
    assert len(file.conversations) == 1


async def test_an_answer_goes_back_as_a_mail_in_the_same_thread(desk: ServedDesk) -> None:
    number, first = await opened(desk)
    reply = mail("Any news?", to=reply_address(first), Message_ID="<second@mail.contoso.example>")
    _ = await take_in(desk, reply)
    account = await desk.running.staff.add("Priya Nair", "priya@northwind.example", None, now())
    file = await ticket_file(desk, number)
    _ = await desk.running.desk.receive(
        AgentMessaged(
            at=now(),
            channel="web",
            external_id="a1",
            conversation=file.conversations[0].id,
            agent=account.agent,
            text="A spare part is on its way.",
        )
    )
    answer = read_back(await sent_mail(desk, lambda found: b"spare part" in found.source))
    assert answer["In-Reply-To"] == "<second@mail.contoso.example>"
    assert f"<ticket-{number}@northwind.example>" in str(answer["References"])


@pytest.mark.parametrize("by", ["References", "In_Reply_To", "subject"])
async def test_a_participant_is_recognised_by_thread_or_number(desk: ServedDesk, by: str) -> None:
    number, first = await opened(desk)
    subject = f"AW: [HD-{number}] Printer offline" if by == "subject" else "Something else"
    headers = {} if by == "subject" else {by: first.message_id}
    came = await take_in(desk, mail("More about it.", subject, **headers))
    assert came.ticket == number


@pytest.mark.parametrize("by", ["References", "In_Reply_To", "subject"])
async def test_anybody_elses_mail_about_a_ticket_becomes_a_ticket_of_its_own_linked_to_it(
    desk: ServedDesk, by: str
) -> None:
    number, first = await opened(desk)
    subject = f"Re: [HD-{number}] Printer offline" if by == "subject" else "Re: Printer offline"
    headers = {} if by == "subject" else {by: first.message_id}
    came = await take_in(desk, mail("Me too!", subject, "Mallory <mallory@fabrikam.example>", **headers))
    file = await ticket_file(desk, came.ticket)
    assert came.ticket != number
    assert file.ticket.linked_to == number
    answer = await sent_mail(desk, lambda found: found.ticket == came.ticket)
    assert b"floor 2" not in answer.source
    assert b"Dana" not in answer.source


async def test_a_forged_sender_does_not_get_into_the_ticket_by_its_number(desk: ServedDesk) -> None:
    number, _ = await opened(desk)
    forged = "mx.northwind.example; dmarc=fail header.from=contoso.example"
    came = await take_in(desk, mail("Send it to me", f"[HD-{number}]", vouched=forged))
    file = await ticket_file(desk, came.ticket)
    assert (came.ticket != number, file.ticket.linked_to) == (True, number)
    assert dict(file.ticket.answers)["sender"] == "failed verification"
    assert all(found.ticket == number for found in await all_sent(desk))


async def test_the_token_lets_a_colleague_in_who_is_named_and_marked(desk: ServedDesk) -> None:
    number, first = await opened(desk)
    erik = mail(
        "I can let you in.", sender="Erik <erik@elsewhere.example>", to=reply_address(first), vouched=""
    )
    came = await take_in(desk, erik)
    file = await ticket_file(desk, number)
    assert came.ticket == number
    assert [(m.author.name, m.visibility) for m in file.messages[-2:]] == [
        ("Erik", Visibility.PUBLIC),
        ("Northwind IT", Visibility.INTERNAL),
    ]
    assert "does not vouch" in file.messages[-1].text
    assert len(file.conversations) == 2


async def test_what_an_unverified_sender_wrote_is_not_mailed_back_to_the_address(desk: ServedDesk) -> None:
    came = await take_in(desk, mail("Confirm at https://evil.example now", "Your account", vouched=""))
    first = await sent_mail(desk, lambda found: found.ticket == came.ticket)
    assert b"evil" not in first.source
    assert b"Your account" not in first.source


async def test_only_our_own_servers_word_counts(desk: ServedDesk) -> None:
    foreign = "mx.evil.example; dmarc=pass header.from=contoso.example"
    came = await take_in(desk, mail(vouched=foreign))
    assert came.facts["standing"] == "not verified"


async def test_a_verified_technician_answers_and_notes_by_mail(desk: ServedDesk) -> None:
    number, first = await opened(desk)
    _ = await desk.running.staff.add("Marcus Bell", "marcus@northwind.example", None, now())
    passed = "mx.northwind.example; dmarc=pass"
    marcus = "Marcus Bell <marcus@northwind.example>"
    said = mail("We are on our way.", sender=marcus, to=reply_address(first), vouched=passed)
    noted = mail("// Bring a new drum.", sender=marcus, to=reply_address(first), vouched=passed)
    for source in (said, noted):
        assert (await take_in(desk, source)).ticket == number
    file = await ticket_file(desk, number)
    assert [(m.author.name, m.visibility, m.text) for m in file.messages[-2:]] == [
        ("Marcus Bell", Visibility.PUBLIC, "We are on our way."),
        ("Marcus Bell", Visibility.INTERNAL, "Bring a new drum."),
    ]
    told = await sent_mail(desk, lambda found: b"on our way" in found.source)
    assert b"drum" not in told.source


@pytest.mark.parametrize("vouched", ["", "mx.northwind.example; dmarc=fail", "mx.evil.example; dmarc=pass"])
async def test_nobody_acts_as_a_technician_on_the_strength_of_an_address(
    desk: ServedDesk, vouched: str
) -> None:
    number, first = await opened(desk)
    _ = await desk.running.staff.add("Marcus Bell", "marcus@northwind.example", None, now())
    marcus = "Marcus Bell <marcus@northwind.example>"
    forged = mail("Pay this invoice.", sender=marcus, to=reply_address(first), vouched=vouched)
    came = await take_in(desk, forged)
    assert came.status is InboundStatus.HELD
    assert len((await ticket_file(desk, number)).messages) == 1


async def test_a_stranger_is_held_and_asked_once(desk: ServedDesk) -> None:
    stranger = "Sam <sam@unknown.example>"
    first = await take_in(desk, mail("Help!", "Secret subject", stranger, vouched=""))
    second = await take_in(desk, mail("Help again!", sender=stranger, vouched=""))
    assert (first.status, second.status) == (InboundStatus.HELD, InboundStatus.HELD)
    asked = await sent_mail(desk)
    question = read_back(asked)
    assert (len(await all_sent(desk)), asked.ticket) == (1, None)
    assert question["Auto-Submitted"] == "auto-replied"
    assert b"Secret" not in asked.source
    answer = mail(
        "Name: Sam Field\nCompany: Contoso\nPhone: 555-0177", sender=stranger, to=reply_address(asked)
    )
    _ = await take_in(desk, answer)
    held = await desk.running.mail.room.read(first.id)
    assert held is not None
    assert (held.facts["company"], held.facts["phone"]) == ("Contoso", "555-0177")
    assert len(await all_sent(desk)) == 1


async def test_a_stranger_whose_mail_was_dismissed_is_not_asked_again(desk: ServedDesk) -> None:
    agent = (await desk.running.staff.add("Marcus Bell", "marcus@northwind.example", None, now())).agent
    for text in ("Buy now!", "Buy today!"):
        came = await take_in(desk, mail(text, sender="Sam <sam@unknown.example>", vouched=""))
        await desk.running.mail.room.dismiss(came.id, agent)
    assert len(await all_sent(desk)) == 1


async def test_two_nodes_that_work_on_a_strangers_mail_at_once_ask_once(desk: ServedDesk) -> None:
    _ = await take_in(desk, mail("Help!", sender="Sam <sam@unknown.example>", vouched=""))
    async with desk.running.database.transaction() as connection:
        # As the other node has read it.
        await connection.execute_query("UPDATE inbound_mail SET status = 'received', facts = '{}'")
    with pytest.raises(StorageError):
        _ = await desk.running.mail.intake.work_off()
    assert len(await all_sent(desk)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.contoso.example>"},
        {"X_Autoreply": "yes"},
        {"Return_Path": "<>"},
    ],
)
async def test_automatic_mail_opens_nothing_re_opens_nothing_and_gets_no_answer(
    desk: ServedDesk, headers: dict[str, str]
) -> None:
    number, first = await opened(desk)
    await resolved(desk, number)
    before = len(await all_sent(desk))
    fresh = await take_in(desk, mail("I am away.", "News", **headers))
    reply = await take_in(desk, mail("I am away.", "Re: x", to=reply_address(first), **headers))
    file = await ticket_file(desk, number)
    assert (fresh.status, reply.status) == (InboundStatus.AUTOMATIC, InboundStatus.AUTOMATIC)
    assert (fresh.ticket, reply.ticket) == (None, number)
    assert file.ticket.status is TicketStatus.CLOSED
    assert len(await all_sent(desk)) == before


async def test_the_desks_own_copy_is_known_and_left_alone(desk: ServedDesk) -> None:
    _, first = await opened(desk)
    came = await take_in(desk, first.source)
    assert came.status is InboundStatus.OWN


async def test_a_bounce_marks_the_delivery_and_it_can_be_sent_again(desk: ServedDesk) -> None:
    number, first = await opened(desk)
    _ = await all_sent(desk)
    came = await take_in(desk, bounce_of(first.message_id))
    note = (await ticket_file(desk, number)).deliveries[0]
    assert (came.status, came.ticket) == (InboundStatus.BOUNCE, number)
    assert note.status is DeliveryStatus.FAILED
    assert "550 5.1.1 no such user" in note.error


def bounce_of(message_id: str) -> bytes:
    """Return a mail system's report that a mail could not be delivered (RFC 3464)."""
    return f"""\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.contoso.example>
To: {DESK_ADDRESS}
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce-1@mx.contoso.example>
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.contoso.example

Final-Recipient: rfc822; dana@contoso.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: anything

--b--
""".replace("\n", "\r\n").encode()


async def test_attachments_and_pictures_become_files_of_the_message(desk: ServedDesk) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = DANA, DESK_ADDRESS, "With files"
    message["Message-ID"] = "<files@mail.contoso.example>"
    message.set_content("See the log.")
    message.add_attachment(b"line\n" * 100, maintype="text", subtype="plain", filename="print log.txt")
    message.add_attachment(
        b"\x89PNG" + b"x" * 5000, maintype="image", subtype="png", filename="../../shot.png"
    )
    came = await take_in(desk, bytes(message))
    said = (await ticket_file(desk, came.ticket)).messages[0]
    assert [(file.name, file.size) for file in said.files] == [("print log.txt", 500), ("shot.png", 5004)]
    kept = await desk.running.services.files.find(said.files[0].id)
    assert kept is not None
    assert kept.path.read_bytes() == b"line\n" * 100


async def test_the_same_mail_from_two_folders_is_filed_once(desk: ServedDesk) -> None:
    source = mail()
    first = await take_in(desk, source, "imap:inbox/1/7")
    again = await take_in(desk, source, "imap:inbox/1/7")
    other = await take_in(desk, b"Received: by another way\r\n" + source, "imap:junk/1/2")
    assert again.id == first.id
    assert (other.status, other.ticket) == (InboundStatus.REPEATED, first.ticket)


async def test_what_a_program_writes_each_day_under_one_message_id_is_filed_each_day(
    desk: ServedDesk,
) -> None:
    for day in ("Mon, 02 Nov 2026", "Tue, 03 Nov 2026"):
        came = await take_in(
            desk,
            mail("The backup failed.", Message_ID="<backup@contoso.example>", Date=f"{day} 03:00:00 +0000"),
        )
        assert came.status is InboundStatus.FILED


async def test_mails_from_a_long_place_are_different_ones(desk: ServedDesk) -> None:
    place = f"imap:{'u' * 100}@mail.northwind.example/{'Folder ' * 20}/1700000000"
    first = await take_in(desk, mail("First."), f"{place}/41")
    other = await take_in(desk, mail("Second."), f"{place}/42")
    again = await take_in(desk, mail("First."), f"{place}/41")
    assert (first.id == again.id, first.id == other.id) == (True, False)


async def test_one_acknowledgement_an_hour_for_a_sender(desk: ServedDesk) -> None:
    tickets = {(await take_in(desk, mail(f"Problem {number}"))).ticket for number in range(4)}
    assert len(tickets) == 4
    assert len(await all_sent(desk)) == 1


async def test_a_ticket_is_re_opened_by_mail_a_few_times_a_day_and_then_staff_are_told(
    desk: ServedDesk,
) -> None:
    number, first = await opened(desk)
    for _ in range(3):
        await resolved(desk, number)
        _ = await take_in(desk, mail("Not yet.", to=reply_address(first)))
        assert (await ticket_file(desk, number)).ticket.is_active
    await resolved(desk, number)
    _ = await take_in(desk, mail("Not yet.", to=reply_address(first)))
    file = await ticket_file(desk, number)
    assert file.ticket.status is TicketStatus.CLOSED
    assert [m.text for m in file.messages if m.visibility is Visibility.INTERNAL] == [
        f"HD-{number} was re-opened by mail too often today; this reply did not open it."
    ]


async def test_a_reply_to_a_ticket_that_is_over_becomes_a_new_one_linked_to_it(desk: ServedDesk) -> None:
    number, first = await opened(desk)
    change = "status = 'cancelled', active = false, version = version + 1"
    async with desk.running.database.transaction() as connection:
        await connection.execute_query(f"UPDATE ticket SET {change} WHERE number = {number}")
    # Another connection wrote, as another node would.
    desk.running.desk._store._data_version = -1  # type: ignore[attr-defined]
    came = await take_in(desk, mail("Still broken.", to=reply_address(first)))
    assert (await ticket_file(desk, came.ticket)).ticket.linked_to == number


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\r\n\r\n",
        b"From: a@b.example\r\n" + b"X-Long: " + b"x" * 600_000 + b"\r\n\r\nhi",
        b"From: dana@contoso.example, eve@evil.example\r\nSubject: two senders\r\n\r\nhi",
        b"From: help@northwind.example\r\nSubject: as if from us\r\n\r\nhi",
        b"X-Chatdesk-Left-In-Mailbox: x\r\nFrom: dana@contoso.example\r\nSubject: 80 MB\r\n\r\n",
    ],
    ids=["nothing", "blank", "huge header", "two senders", "our own address", "too large"],
)
async def test_what_cannot_be_filed_is_held_with_a_reason_and_the_next_mail_is_filed(
    desk: ServedDesk, source: bytes
) -> None:
    held = await take_in(desk, source)
    assert held.status is InboundStatus.HELD
    assert held.reason
    assert await desk.running.mail.room.source(held.id) == source
    assert (await take_in(desk, mail())).status is InboundStatus.FILED


async def test_a_mail_that_could_not_be_fetched_is_held_and_says_where_it_is(desk: ServedDesk) -> None:
    held = await take_in(desk, b"X-Chatdesk-Left-In-Mailbox: x\r\nSubject: Mail 7 in INBOX\r\n")
    assert (held.status, held.subject) == (InboundStatus.HELD, "Mail 7 in INBOX")
    assert "all of it is in the mailbox" in held.reason


async def test_a_mail_is_worked_on_after_a_restart_if_it_was_kept_before(desk: ServedDesk) -> None:
    sql = "SELECT facts FROM inbound_mail"
    came = await take_in(desk, mail())
    found = await desk.running.database.reader.execute_query_dict(sql)
    assert json.loads(found[0]["facts"])["name"] == "Dana Reyes"
    async with desk.running.database.transaction() as connection:
        await connection.execute_query("UPDATE inbound_mail SET status = 'received'")
    again = await take_in(desk, b"unused", came.place)
    # The event was received before: the same ticket, and no second one.
    assert (again.status, again.ticket) == (InboundStatus.FILED, came.ticket)
    assert len((await ticket_file(desk, came.ticket)).messages) == 1


async def test_a_mail_that_ends_the_desk_each_time_is_held_after_three_and_keeps_no_other_waiting(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes the process with it leaves no word behind but that it took long."""
    intake = desk.running.mail.intake
    intake.stop()
    identities = iter(["poison", "next"])
    inbox = TortoiseInbox(desk.running.database, lambda: next(identities))
    await inbox.keep("test:poison", mail(text="poison"), now())
    await inbox.keep("test:next", mail(), now())
    parse = intake._parser.parse

    async def parse_if_harmless(source: bytes) -> object:
        if b"poison" in source:
            await noted()
            raise asyncio.CancelledError
        return await parse(source)

    async def noted() -> None:
        async with asyncio.timeout(10):
            while (found := await inbox.read("poison")) and found.facts.get(ATTEMPTS) != str(attempt + 1):  # noqa: ASYNC110
                await asyncio.sleep(0)

    monkeypatch.setattr(intake._parser, "parse", parse_if_harmless)

    async def become(identity: str) -> tuple[InboundStatus, str]:
        found = await inbox.read(identity)
        assert found is not None
        return found.status, found.reason

    for attempt in range(3):
        restarted = Intake(inbox, intake._filing, intake._parser, now, note_after=0)
        with pytest.raises(asyncio.CancelledError):
            await restarted.work_off()
        filed = InboundStatus.FILED if attempt else InboundStatus.RECEIVED
        assert (await become("next"))[0] is filed
    assert await Intake(inbox, intake._filing, intake._parser, now).work_off() == 1
    reason = "The desk ended 3 times while it worked on this mail."
    assert await become("poison") == (InboundStatus.HELD, reason)


async def test_a_mail_over_which_the_desk_ends_at_once_is_never_held_for_that(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = desk.running.mail.intake
    intake.stop()
    inbox = TortoiseInbox(desk.running.database, lambda: "first")
    await inbox.keep("test:first", mail(), now())
    with monkeypatch.context() as patched:
        patched.setattr(intake._parser, "parse", AsyncMock(side_effect=asyncio.CancelledError))
        for _ in range(5):
            with pytest.raises(asyncio.CancelledError):
                await Intake(inbox, intake._filing, intake._parser, now).work_off()
    await Intake(inbox, intake._filing, intake._parser, now).work_off()
    filed = await inbox.read("first")
    assert filed is not None
    assert filed.status is InboundStatus.FILED


async def test_a_mail_that_the_database_could_not_take_is_tried_as_often_as_it_takes(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = desk.running.mail.intake
    intake.stop()
    inbox = TortoiseInbox(desk.running.database, lambda: "first")
    await inbox.keep("test:waits", mail(), now())
    waiting = Intake(inbox, intake._filing, intake._parser, now)
    with monkeypatch.context() as patched:
        patched.setattr(type(intake._filing), "file", AsyncMock(side_effect=StorageError("away")))
        for _ in range(5):
            with pytest.raises(StorageError):
                await waiting.work_off()
    await waiting.work_off()
    filed = await inbox.read("first")
    assert filed is not None
    assert filed.status is InboundStatus.FILED


async def test_a_mail_that_cannot_be_read_is_held_under_its_sender_and_subject(desk: ServedDesk) -> None:
    parts = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(60))
    source = (
        f"From: {DANA}\r\nSubject: Printer offline\r\nMessage-ID: <deep@contoso.example>\r\n{parts}Hello.\r\n"
    )
    held = await take_in(desk, source.encode())
    assert held.reason == "This mail could not be read. Its parts are nested more than 40 deep."
    assert (held.status, held.subject) == (InboundStatus.HELD, "Printer offline")
    assert (held.sender, held.facts["name"]) == ("dana@contoso.example", "Dana Reyes")


async def test_a_header_that_goes_on_and_on_is_held_as_it_is(desk: ServedDesk) -> None:
    held = await take_in(desk, f"From: {DANA}\r\n".encode() + b"X-More: yes\r\n" * 60_000)
    assert "header is larger than" in held.reason
    assert held.sender == "dana@contoso.example"
