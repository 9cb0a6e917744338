"""Two people whose tickets were merged: neither sees what is the other's [R14, R15, R20, R38]."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, expect

from adapters.email.render import render_mail
from adapters.email.ticket_facts import TicketFacts
from chatdesk.bootstrap import now
from chatdesk.conversation import ConversationId
from chatdesk.effects import MailKind
from chatdesk.events import MailReplied
from chatdesk.outbox import DeliveryStatus
from chatdesk.ticket import TicketNumber
from storage.connection import fetch
from tests.console_browser import console_page
from tests.console_client import ConsoleClient, console
from tests.mail_builders import MAIL_DESK, all_sent, mail, read_back, take_in, ticket_file
from tests.running_desk import ServedDesk, customer, serving
from tests.web_people import Technician, Visitor, signed_in, visitor

PAT = {
    "name": "Pat Lee",
    "company": "Fabrikam",
    "email": "pat@fabrikam.example",
    "phone": "555-0177",
    "issue": "Mail is down",
}
OF_DANA = ("Dana", "Contoso", "contoso.example", "555-0134", "It is slow", "for Dana only")
DANA, PATS = "HD-1001", "HD-1002"


@dataclass(frozen=True, slots=True)
class People:
    """Pat's ticket was merged into Dana's; both are in a chat with Priya."""

    desk: ServedDesk
    marcus: ConsoleClient
    priya: Technician
    dana: Visitor
    pat: Visitor

    async def mailed_to(self, kind: str) -> list[str]:
        """Return to whom mails of a kind were queued, oldest first."""
        found = [each for number in (PATS, DANA) for each in (await self.marcus.ticket(number))["deliveries"]]
        return [each["to"] for each in found if each["what"] == kind]

    async def mail(self, kind: MailKind, number: int = 1001) -> str:
        """Return a mail about Pat's chat as it would be sent now."""
        services = self.desk.running.services
        source, chat = TicketFacts(services.staff_reads), ConversationId(self.pat.conversation)
        facts = await source.read(TicketNumber(number), chat)
        mail = render_mail(kind, "News.", facts, services.config, now())
        return f"{mail.subject}\n{mail.text}"


@pytest.fixture
async def people() -> AsyncIterator[People]:
    async with (
        serving() as desk,
        console(desk) as marcus,
        signed_in(desk, "Priya Nair") as priya,
        visitor(desk) as dana,
        visitor(desk, **PAT) as pat,
    ):
        await priya.take(DANA)
        await priya.take(PATS)
        await priya.say(dana.conversation, "This is for Dana only.")
        await priya.say(pat.conversation, "Hello Pat.")
        await marcus.does(f"/tickets/{PATS}/merge", into=DANA, other_company=True)
        yield People(desk, marcus, priya, dana, pat)


def nothing_of_dana(text: str) -> bool:
    return not [words for words in OF_DANA if words in text]


async def test_the_transcript_of_a_merged_chat_is_mailed_to_whom_it_was_held_with(people: People) -> None:
    await people.marcus.does(f"/conversations/{people.pat.conversation}/end")
    await people.marcus.does(f"/conversations/{people.dana.conversation}/end")
    sent = await people.mailed_to("transcript")
    assert sent == ["pat@fabrikam.example", "dana@contoso.example"]
    text = await people.mail(MailKind.TRANSCRIPT)
    assert nothing_of_dana(text), text
    assert "[HD-1001] Mail is down" in text
    assert "Hello Pat Lee," in text


async def test_an_answer_in_a_merged_conversation_is_mailed_to_whom_it_was_given(people: People) -> None:
    await people.marcus.does(f"/conversations/{people.pat.conversation}/end")
    await people.priya.say(people.pat.conversation, "One more thing, Pat.")
    assert await people.mailed_to("comment") == ["pat@fabrikam.example"]
    text = await people.mail(MailKind.COMMENT)
    assert nothing_of_dana(text), text


async def test_a_mail_that_was_queued_before_the_merge_is_still_sent(people: People) -> None:
    text = await people.mail(MailKind.STATUS, 1002)
    assert "Hello Pat Lee," in text
    assert nothing_of_dana(text), text


@pytest.mark.parametrize("words", [True, False])
async def test_a_mail_is_made_from_what_is_its_readers_own_however_often_their_ticket_was_merged(
    people: People, words: bool
) -> None:
    kim = {**PAT, "name": "Kim Oh", "email": "kim@fabrikam.example"}
    async with visitor(people.desk, **kim):
        await people.priya.take("HD-1003")
        await people.marcus.does(f"/tickets/{DANA}/merge", into="HD-1003", other_company=True)
    source = TicketFacts(people.desk.running.services.staff_reads)
    chats = {people.pat.conversation: PAT["email"], people.dana.conversation: "dana@contoso.example"}
    for chat, address in chats.items():
        for queued_for in (1001, 1002, 1003):
            facts = await source.read(TicketNumber(queued_for), ConversationId(chat), words=words)
            assert (facts.ticket.number, facts.ticket.requester_email) == (1003, address)


async def test_what_waits_to_be_mailed_when_a_ticket_is_merged_arrives_in_one_mail() -> None:
    gathering = MAIL_DESK.replace('gather = "0s"', 'gather = "2s"')
    sam = mail("The scanner is off.", "Scanner", sender="Sam Okafor <sam@contoso.example>")
    async with serving(gathering) as desk, console(desk) as marcus:
        _ = await take_in(desk, mail())
        _ = await take_in(desk, sam)
        await marcus.does("/tickets/HD-1002/take")
        await marcus.does("/tickets/HD-1002/wait", on="customer", text="Which scanner, Sam?")
        await marcus.does("/tickets/HD-1002/merge", into="HD-1001")
        newest, *_ = await all_sent(desk)
        queued = (await ticket_file(desk, TicketNumber(1002))).deliveries
    assert {note.status for note in queued} == {DeliveryStatus.DONE}
    text = read_back(newest).as_string()
    assert newest.recipient == "sam@contoso.example"
    assert "Which scanner, Sam?" in text
    assert "Your request is now part of HD-1001." in text


async def test_the_page_of_a_merged_chat_knows_its_own_customer(people: People) -> None:
    async with customer(people.desk.base, people.pat.secret) as line:
        ready = await line.next("ready")
    assert ready["state"]["ticket"] == DANA
    assert {key: ready["known"].get(key) for key in ("name", "company", "email", "phone")} == {
        key: PAT[key] for key in ("name", "company", "email", "phone")
    }


@pytest.mark.parametrize("form", ["text", "html"])
async def test_the_transcript_of_a_merged_chat_names_its_own_customer(people: People, form: str) -> None:
    await people.marcus.does(f"/tickets/{DANA}/edit", workaround="for Dana only")
    answer = await people.pat.get("/widget/transcript", conversation=people.pat.conversation, format=form)
    text = await answer.text()
    assert answer.status == 200
    assert nothing_of_dana(text), text
    assert all(words in text for words in ("HD-1001", "Pat Lee", "Fabrikam", "Mail is down"))


async def test_who_leaves_a_merged_chat_is_promised_a_call_at_their_own_number(people: People) -> None:
    await people.pat.line.send(t="end", id="end")
    await people.pat.line.next("ack")
    await people.pat.say("Are you there?")
    await people.pat.line.send(t="leave", id="leave")
    await people.pat.line.next("ack")
    file = await people.marcus.ticket(DANA)
    said = " ".join(
        message["text"]
        for chat in file["conversations"]
        if chat["id"] == people.pat.conversation
        for message in chat["messages"]
    )
    assert "555-0134" not in said


async def test_chats_merged_by_an_earlier_version_find_their_own_customers(people: People) -> None:
    find = importlib.import_module("storage.migrations.0011_opened_with").MERGED_BEFORE
    database = people.desk.running.database
    await database.writer.execute_query("UPDATE conversation SET opened_with = NULL")
    await database.writer.execute_script(find)
    found = await fetch(database.reader, "SELECT id, opened_with FROM conversation")
    assert {row["id"]: row["opened_with"] for row in found} == {
        people.dana.conversation: None,
        people.pat.conversation: 1002,
    }


async def test_news_of_a_merged_ticket_is_mailed_to_each_of_its_people_once(people: People) -> None:
    same = {**PAT, "email": "Dana@contoso.example"}
    async with visitor(people.desk, **same) as again:
        await people.priya.take("HD-1003")
        await people.marcus.does("/tickets/HD-1003/merge", into=DANA, other_company=True)
    for chat in (people.pat, people.dana, again):
        await people.marcus.does(f"/conversations/{chat.conversation}/end")
    await people.marcus.does(f"/tickets/{DANA}/resolve", resolution="The server is up.")
    sent = [address.lower() for address in await people.mailed_to("status")]
    assert sorted(sent) == ["dana@contoso.example", "pat@fabrikam.example"]
    text = await people.mail(MailKind.STATUS)
    assert nothing_of_dana(text), text


async def test_a_question_is_mailed_to_none_but_whom_it_is_asked(people: People) -> None:
    for chat in (people.pat, people.dana):
        await people.marcus.does(f"/conversations/{chat.conversation}/end")
    await people.marcus.does(f"/tickets/{DANA}/wait", on="customer", text="Is it slow still?")
    file = await people.marcus.ticket(DANA)
    asked = [
        chat["id"]
        for chat in file["conversations"]
        if "Is it slow still?" in [message["text"] for message in chat["messages"]]
    ]
    address = {people.pat.conversation: PAT["email"], people.dana.conversation: "dana@contoso.example"}
    assert await people.mailed_to("comment") == [address[chat] for chat in asked]


async def test_who_asked_by_chat_writes_to_the_merged_ticket_by_mail_too(people: People) -> None:
    desk = people.desk.running.services.desk
    chat = ConversationId("of-mail")
    mail = MailReplied(
        at=now(), channel="email", external_id="mail", conversation=chat, ticket=TicketNumber(1001),
        sender="Pat@fabrikam.example", name="Pat Lee", text="Any news?",
    )  # fmt: skip
    outcome = await desk.receive(mail)
    here = await people.desk.running.services.staff_reads.conversation(chat)
    assert here is not None
    assert (outcome.ticket, here.opened_with) == (1001, 1002)


async def test_what_is_split_off_a_merged_ticket_is_asked_by_whose_words_it_was(people: People) -> None:
    await people.pat.say("And my phone is broken.")
    chats = (await people.marcus.ticket(DANA))["conversations"]
    pats = next(chat for chat in chats if chat["id"] == people.pat.conversation)
    words = {"subject": "Phone", "conversation": pats["id"], "messages": [pats["messages"][-1]["seq"]]}
    await people.marcus.does(f"/tickets/{DANA}/split", **words)
    new = (await people.marcus.ticket("HD-1003"))["ticket"]
    assert (new["requester"], new["email"], new["company"]) == ("Pat Lee", PAT["email"], "Fabrikam")


async def test_solved_ends_only_its_own_chat_while_another_of_the_ticket_is_open(people: People) -> None:
    await people.pat.line.send(t="end", id="end", solved=True)
    await people.pat.line.next("ack")
    file = await people.marcus.ticket(DANA)
    phases = {chat["customer"]: chat["state"]["phase"] for chat in file["conversations"]}
    assert (file["ticket"]["status"], phases) == ("in progress", {"Dana Reyes": "live", "Pat Lee": "ended"})
    pats = next(chat for chat in file["conversations"] if chat["id"] == people.pat.conversation)
    words = "Pat Lee has ended the chat as solved. HD-1001 stays open; write here to add to it."
    assert pats["messages"][-1]["text"] == words
    await people.dana.line.send(t="end", id="end", solved=True)
    await people.dana.line.next("ack")
    assert (await people.marcus.ticket(DANA))["ticket"]["status"] == "closed"


async def test_each_waiting_chat_of_a_merged_ticket_has_its_line_in_the_queue(people: People) -> None:
    for chat in (people.pat, people.dana):
        await people.marcus.does(f"/conversations/{chat.conversation}/end")
        await chat.say("It is back.")
    waiting = (await people.marcus.get("/tickets?view=queue")).body["waiting"]
    assert [(line["number"], line["requester"], line["company"], line["subject"]) for line in waiting] == [
        (DANA, "Pat Lee", "Fabrikam", "Mail is down"),
        (DANA, "Dana Reyes", "Contoso", "It is slow"),
    ]
    chats = [line["chat"]["conversation"] for line in waiting]
    assert chats == [people.pat.conversation, people.dana.conversation]


@pytest.mark.browser
async def test_the_console_reaches_each_waiting_chat_of_a_merged_ticket_with_the_keyboard(
    people: People, browser: Browser
) -> None:
    for chat in (people.dana, people.pat):
        await people.marcus.does(f"/conversations/{chat.conversation}/end")
        await chat.say("It is back.")
    async with console_page(browser, people.desk) as page:
        rows = page.locator(f'.row[data-number="{DANA}"]')
        await expect(rows.locator(".requester")).to_have_text(["Dana Reyes", "Pat Lee"])
        for row in (rows.first, rows.last):
            await page.keyboard.press("j")
            await expect(row).to_be_focused()
