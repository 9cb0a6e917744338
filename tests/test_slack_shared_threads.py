"""A shared channel's thread is the whole chat: files both ways, what was said before, long edits, faults."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chatdesk.bootstrap import now
from chatdesk.conversation import Message as DeskMessage
from chatdesk.events import TicketSplit
from chatdesk.ids import new_id
from chatdesk.outbox import DeliveryStatus
from chatdesk.ticket import TicketNumber
from tests.fake_slack.person import Person
from tests.fake_slack.server import Fault
from tests.fake_slack.workspace import Message
from tests.slack_desk import OUTSIDER, SHARED, TRIAGE, SlackDesk, chat, file_in_slack, shown, slack_desk
from tests.test_slack_shared_channels import ANSWERS, asked, in_thread


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as running:
        yield running


@pytest.fixture
def dana(desk: SlackDesk) -> Person:
    return Person(desk.wire, OUTSIDER)


async def customers(desk: SlackDesk) -> list[DeskMessage]:
    """Return what the ticket holds of the customer, in the order in which it came."""
    found = [one for one in (await desk.ticket(1001)).messages if one.author.kind == "customer"]
    return sorted(found, key=lambda message: message.seq)


def files_in(messages: list[Message]) -> list[str]:
    return [file["name"] for message in messages for file in message.get("files", [])]


def told(desk: SlackDesk) -> list[str]:
    return [str(one["text"]) for one in desk.workspace.ephemeral]


async def taken(desk: SlackDesk, dana: Person) -> tuple[str, Message]:
    """Ask, and have the ticket taken; returns the customer's thread and the card."""
    ts = await asked(desk, dana)
    card = await desk.card()
    await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
    await desk.slack.until(lambda: "has joined" in shown(in_thread(desk, ts)[-1]))
    return ts, card


async def test_a_customers_files_come_along_with_words_and_without(desk: SlackDesk, dana: Person) -> None:
    ts, card = await taken(desk, dana)
    await dana.say(SHARED, "See the picture", ts, [file_in_slack(desk, "error.txt", b"hello")])
    elsewhere = file_in_slack(desk, "only.txt", b"world")
    theirs = {"id": elsewhere["id"], "mode": "file_access", "file_access": "check_file_info"}
    await dana.say(SHARED, "", ts, [theirs])
    kept = [(one.text, [file.name for file in one.files]) for one in await customers(desk)]
    assert kept[1:] == [("See the picture", ["error.txt"]), ("", ["only.txt"])]
    await desk.slack.until(lambda: files_in(desk.thread(card)) == ["error.txt", "only.txt"])
    assert told(desk) == []


async def test_a_customers_file_that_cannot_be_taken_is_said(desk: SlackDesk, dana: Person) -> None:
    ts, _ = await taken(desk, dana)
    await dana.say(SHARED, "This", ts, [file_in_slack(desk, "a.txt", b"a", size=10**9)])
    assert "too large" in told(desk)[-1]
    assert "This" not in [one.text for one in await customers(desk)]


async def test_a_technicians_file_is_shown_to_the_customer_and_taken_back(
    desk: SlackDesk, dana: Person
) -> None:
    ts, card = await taken(desk, dana)
    desk.slack.fail("files.completeUploadExternal", "cut after")
    said = await desk.marcus.say(TRIAGE, "Install this", card["ts"], [file_in_slack(desk, "fix.txt", b"fix")])
    await desk.marcus.say(TRIAGE, "// for us", card["ts"], [file_in_slack(desk, "secret.txt", b"no")])
    await desk.marcus.say(TRIAGE, "Then restart", card["ts"])
    await desk.slack.until(lambda: shown(in_thread(desk, ts)[-1]) == "Then restart")
    assert files_in(in_thread(desk, ts)) == ["fix.txt"]
    await desk.marcus.delete(TRIAGE, said)
    await desk.slack.until(lambda: files_in(in_thread(desk, ts)) == [])
    assert all("Install this" not in shown(message) for message in in_thread(desk, ts))


@pytest.mark.parametrize("button", ["shared_open", "shared_add"])
async def test_what_was_added_before_the_button_was_pressed_is_on_the_ticket_once(
    desk: SlackDesk, dana: Person, button: str
) -> None:
    if button == "shared_add":
        await asked(desk, dana, "Something else")
    ts = await dana.say(SHARED, "Our portal is down", "", [file_in_slack(desk, "first.txt", b"1")])
    await desk.slack.until(lambda: bool(in_thread(desk, ts)))
    early = dana.write(SHARED, "Error 503", ts, [file_in_slack(desk, "second.txt", b"2")])
    await desk.wire.event(dana.said(SHARED, early))
    await desk.marcus.say(SHARED, "We are looking", ts)
    await dana.press(SHARED, in_thread(desk, ts)[0]["ts"], button)
    if button == "shared_open":
        await dana.submit(dana.dialog(), **ANSWERS)
    await desk.wire.event(dana.said(SHARED, early))
    await dana.say(SHARED, "Still down", ts)
    kept = [(one.text, [file.name for file in one.files]) for one in await customers(desk)]
    first = [("Our portal is down", []), ("", ["first.txt"])]
    if button == "shared_add":
        first = [("Something else", []), ("Our portal is down", ["first.txt"])]
    assert kept == [*first, ("Error 503", ["second.txt"]), ("Still down", [])]


async def test_a_message_that_cannot_be_added_leaves_the_chat_where_it_was(
    desk: SlackDesk, dana: Person
) -> None:
    ts, card = await taken(desk, dana)
    large = file_in_slack(desk, "a.txt", b"a", size=10**9)
    second = await dana.say(SHARED, "And this", "", [large])
    await dana.press(SHARED, in_thread(desk, second)[0]["ts"], "shared_add")
    assert "too large" in told(desk)[-1]
    await dana.say(SHARED, "Is it added?", second)
    await desk.marcus.say(TRIAGE, "Yes, looking", card["ts"])
    await desk.slack.until(lambda: shown(in_thread(desk, ts)[-1]) == "Yes, looking")
    assert len(in_thread(desk, second)) == 2
    assert "Is it added?" not in [one.text for one in await customers(desk)]


@pytest.mark.parametrize("fault", ["busy", "failed", "cut before", "cut after"])
async def test_an_offer_whose_post_failed_is_there_once(desk: SlackDesk, dana: Person, fault: Fault) -> None:
    desk.slack.fail("chat.postMessage", fault)
    message = dana.write(SHARED, "Our portal is down")
    await desk.wire.event(dana.said(SHARED, message))
    await desk.slack.until(lambda: bool(desk.slack.calls("conversations.replies")))
    await desk.slack.until(lambda: bool(in_thread(desk, message["ts"])))
    # Whoever repeats it waits until the first has ended.
    await desk.wire.event(dana.said(SHARED, message))
    assert len(in_thread(desk, message["ts"])) == 1


@pytest.mark.parametrize("change", ["edit", "delete"])
async def test_a_post_that_was_cut_off_is_changed_with_the_others(
    desk: SlackDesk, dana: Person, change: str
) -> None:
    ts, card = await taken(desk, dana)
    desk.slack.fail("chat.postMessage", "cut after")
    said = await desk.marcus.say(TRIAGE, "The password is secret1", card["ts"])
    await desk.slack.until(lambda: "secret1" in shown(in_thread(desk, ts)[-1]))
    if change == "edit":
        await desk.marcus.edit(TRIAGE, said, "Never mind")
    else:
        await desk.marcus.delete(TRIAGE, said)
    await desk.slack.until(lambda: all("secret1" not in shown(message) for message in in_thread(desk, ts)))


@pytest.mark.parametrize("fault", [None, "cut after"])
async def test_a_customer_reads_the_whole_of_an_edit_however_long(
    desk: SlackDesk, dana: Person, fault: Fault | None
) -> None:
    ts, card = await taken(desk, dana)
    said = await desk.marcus.say(TRIAGE, "Steps", card["ts"])
    await desk.slack.until(lambda: shown(in_thread(desk, ts)[-1]) == "Steps")
    for text in ("Steps " + "word " * 2500 + "LAST", "Steps again", "Steps " + "line " * 2500 + "LAST"):
        if fault:
            desk.slack.fail("chat.postMessage", fault)
        await desk.marcus.edit(TRIAGE, said, text)

        def whole(text: str = text) -> bool:
            read = [shown(message) for message in in_thread(desk, ts)]
            first = next(at for at, words in enumerate(read) if words.startswith("Steps"))
            return "".join("".join(read[first:]).split()) == "".join(f"{text}edited".split())

        await desk.slack.until(whole)


async def test_when_slack_asks_to_wait_with_a_clients_channel_the_technicians_goes_on() -> None:
    async with slack_desk(seconds_per_post=0.001) as desk:
        dana = Person(desk.wire, OUTSIDER)
        ts, card = await taken(desk, dana)
        desk.slack.fail("chat.postMessage", "busy", seconds=5)
        await desk.marcus.say(TRIAGE, "A moment, please", card["ts"])
        await desk.slack.until(lambda: desk.slack.ledger[-1].error == "ratelimited")
        refused = desk.slack.ledger[-1]
        assert refused.body["channel"] == SHARED
        async with chat(desk) as (line, other):
            await line.send(t="message", id="1", text="From the page")
            await desk.reply(other, "From the page")
        posts = [call for call in desk.slack.calls("chat.postMessage") if call.at > refused.at]
        assert {call.body["channel"] for call in posts if call.at < refused.at + 4} == {TRIAGE}
        await desk.slack.until(lambda: shown(in_thread(desk, ts)[-1]) == "A moment, please")
        held = [call for call in desk.slack.calls("chat.postMessage") if call.body["channel"] == SHARED][-1]
        assert held.at - refused.at >= 5


async def test_what_the_desk_tells_the_customer_is_read_by_staff_too(desk: SlackDesk, dana: Person) -> None:
    ts, card = await taken(desk, dana)
    await desk.reply(card, "Thank you, Dana. Your ticket is HD-1001.")
    await desk.marcus.command("resolve HD-1001 Restarted.", TRIAGE)
    await desk.reply(card, "HD-1001 is closed.")
    await dana.say(SHARED, "Still down", ts)
    await desk.reply(card, "HD-1001 is open again.")


async def test_an_answer_on_what_was_split_off_goes_by_mail_and_is_no_failed_post(
    desk: SlackDesk, dana: Person
) -> None:
    ts, card = await taken(desk, dana)
    await desk.marcus.say(TRIAGE, "Which one?", card["ts"])
    await desk.slack.until(lambda: shown(in_thread(desk, ts)[-1]) == "Which one?")
    file, accounts = await desk.ticket(1001), await desk.served.running.staff.accounts()
    split = TicketSplit(
        at=now(), channel="web", external_id=new_id(), ticket=TicketNumber(1001), agent=accounts[0].agent,
        conversation=file.conversations[0].id, messages=(file.messages[-1].seq,), subject="Mouse",
    )  # fmt: skip
    await desk.served.running.desk.receive(split)
    other = await desk.card(1)
    await desk.marcus.press(TRIAGE, other["ts"], "ticket_reply")
    await desk.marcus.submit(desk.marcus.dialog(), text="A new mouse is on its way")
    await desk.reply(other, "A new mouse is on its way")
    await desk.marcus.press(TRIAGE, other["ts"], "ticket_take")
    await desk.reply(other, "is looking after HD-1002")
    notes = (await desk.ticket(1002)).deliveries
    assert [note.error for note in notes if note.status is DeliveryStatus.FAILED] == []
    comments = [note.delivery for note in notes if note.delivery.payload.get("mail") == "comment"]
    assert [one.payload["text"] for one in comments] == ["A new mouse is on its way"]
