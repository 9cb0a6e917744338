"""The thread under a ticket's card is the chat: who writes to whom, through Slack's real protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chatdesk.bootstrap import now
from chatdesk.events import MessageDeleted
from tests.fake_slack.person import Person
from tests.slack_desk import TRIAGE, SlackDesk, chat, heard, shown, slack_desk


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as running:
        yield running


async def test_a_new_chat_posts_one_card_that_says_everything(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        said = shown(card)
        assert "HD-1001 · Contoso · It is slow" in said
        for words in ("Dana Reyes", "Contoso", "555-0134", "standard", "Computer", "Waiting in the chat"):
            assert words in said
        buttons = [element["text"]["text"] for element in card["blocks"][-1]["elements"]]
        assert buttons == ["Take", "Reply", "Note", "Wait", "Resolve", "Hand over"]


async def test_taking_it_updates_the_card_in_place_and_says_so_on_the_page(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await heard(line, "Marcus Bell from the help desk has joined.")
        await desk.until_shown(card, "Marcus Bell is answering")
        banner = desk.thread(card)[0]
        await desk.until_shown(banner, "LIVE with Dana Reyes (Contoso)")
        assert "Marcus Bell's replies in this thread go to the customer" in shown(banner)
        assert len(desk.workspace.cards(TRIAGE)) == 1


async def test_the_customers_messages_appear_under_their_name_and_the_answer_on_the_page(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await line.send(t="message", id="1", text="Hello <!channel> *bold* <https://evil.example|bank>")
        reply = await desk.reply(card, "Hello <!channel> *bold* <https://evil.example|bank>")
        assert reply["username"] == "Dana Reyes (customer)"
        assert reply["fired"] == []
        await desk.marcus.say(TRIAGE, "Have you tried &lt;restarting&gt; it?", card["ts"])
        message = await heard(line, "Have you tried <restarting> it?")
        assert message["name"] == "Marcus Bell"
        assert (
            next(reply for reply in desk.thread(card) if "restarting" in shown(reply))["user"] == "U0MARCUS"
        )


async def test_notes_and_other_peoples_messages_stay_internal(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.marcus.say(TRIAGE, "// he has an old laptop", card["ts"])
        await desk.priya.say(TRIAGE, "I know this customer", card["ts"])
        await desk.marcus.say(TRIAGE, "Good morning", card["ts"])
        await heard(line, "Good morning")
        file = await desk.ticket(1001)
        internal = [message.text for message in file.messages if message.visibility == "internal"]
        assert internal == ["he has an old laptop", "I know this customer"]


async def test_a_colleague_without_an_account_writes_notes_and_no_more(desk: SlackDesk) -> None:
    anna = Person(desk.wire, desk.workspace.add_user("U0ANNA", "Anna Back", "anna@northwind.example"))
    guest = desk.workspace.add_user("U0GUEST", "A Guest", "guest@northwind.example", is_restricted=True)
    desk.workspace.channels[TRIAGE].members |= {anna.user, guest}
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        ts = await anna.say(TRIAGE, "I know this customer", card["ts"])
        await anna.say(TRIAGE, "// their serial number is 555", card["ts"])
        await anna.edit(TRIAGE, ts, "I know Dana")
        await anna.press(TRIAGE, card["ts"], "ticket_take")
        await Person(desk.wire, guest).say(TRIAGE, "So do I", card["ts"])
        await desk.marcus.say(TRIAGE, "Good morning", card["ts"])
        await heard(line, "Good morning")
        file = await desk.ticket(1001)
        notes = [(one.author.name, one.text) for one in file.messages if one.visibility == "internal"]
        assert notes == [
            ("Anna Back (Slack)", "I know Dana"),
            ("Anna Back (Slack)", "their serial number is 555"),
        ]
        assert "Only the desk's technicians" in desk.workspace.ephemeral[-1]["text"]


@pytest.mark.parametrize(
    "text", [" // for us", "\xa0// for us", "\u200b// for us", "*// for us*", "&gt; // for us", "`// for us`"]
)
async def test_a_note_stays_internal_whatever_stands_before_its_mark(desk: SlackDesk, text: str) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.marcus.say(TRIAGE, text, card["ts"])
        public = await desk.marcus.say(TRIAGE, "Good morning", card["ts"])
        await desk.marcus.edit(TRIAGE, public, text)
        assert "the customer has read this message" in desk.workspace.ephemeral[-1]["text"]
        await heard(line, "Good morning")
        file = await desk.ticket(1001)
        internal = [message.text for message in file.messages if message.visibility == "internal"]
        assert internal == ["for us"]


async def test_after_the_chat_the_thread_is_internal(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.until_shown(desk.thread(card)[0], "LIVE")
        await line.send(t="end", id="end")
        await desk.until_shown(desk.thread(card)[0], "This thread is internal")
        await desk.until_shown(card, "the chat has ended")
        await desk.marcus.say(TRIAGE, "That was easy", card["ts"])
        file = await desk.ticket(1001)
        assert [m.visibility for m in file.messages if m.text == "That was easy"] == ["internal"]


async def test_a_customer_who_left_the_queue_is_not_shown_as_waiting(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.until_shown(desk.thread(card)[0], "is waiting in the chat")
        await line.send(t="leave", id="leave")
        await desk.until_shown(desk.thread(card)[0], "This thread is internal")
        await desk.until_shown(card, "customer expects us by")


async def test_the_thread_names_everybody_whose_replies_reach_the_customer(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.until_shown(desk.thread(card)[0], "Marcus Bell's replies")
        await desk.priya.press(TRIAGE, card["ts"], "ticket_take")
        await desk.until_shown(desk.thread(card)[0], "Marcus Bell's and Priya Nair's replies")
        await desk.until_shown(card, "are answering")


async def test_edits_and_deletions_follow_to_the_page(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        ts = await desk.marcus.say(TRIAGE, "Restrat it", card["ts"])
        await heard(line, "Restrat it")
        await desk.marcus.edit(TRIAGE, ts, "Restart it")
        await heard(line, "Restart it")
        await desk.marcus.delete(TRIAGE, ts)
        news = await line.next("news")
        assert news["messages"][0]["deleted"]


async def test_a_deletion_that_is_refused_is_said_and_slack_has_its_answer(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        ts = await desk.marcus.say(TRIAGE, "Restart it", card["ts"])
        sent = await heard(line, "Restart it")
        file = await desk.ticket(1001)
        by = next(message.author for message in file.messages if message.seq == sent["seq"])
        deleted = MessageDeleted(
            at=now(),
            channel="web",
            external_id="delete",
            conversation=file.conversations[0].id,
            by=by,
            seq=sent["seq"],
        )
        await desk.served.running.desk.receive(deleted)
        await desk.marcus.delete(TRIAGE, ts)
        assert "The deletion was not passed on" in desk.workspace.ephemeral[-1]["text"]


async def test_the_customers_edits_and_deletions_follow_to_the_thread(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await line.send(t="message", id="1", text="It si slow")
        reply = await desk.reply(card, "It si slow")
        sent = await heard(line, "It si slow")
        await line.send(t="edit", id="2", seq=sent["seq"], text="It is slow")
        await desk.until_shown(reply, "It is slow\nedited")
        await line.send(t="delete", id="3", seq=sent["seq"])
        await desk.until_shown(reply, "This message was deleted.")
