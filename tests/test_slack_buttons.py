"""Buttons, dialogs and emoji on the card, and who may use them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from tests.fake_slack.person import Person
from tests.fake_slack.workspace import Message
from tests.slack_desk import OUTSIDER, PRIYA, TRIAGE, SlackDesk, chat, heard, shown, slack_desk


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as running:
        yield running


async def dialog(desk: SlackDesk, person: Person, card: Message, button: str) -> Message:
    """Press a button of the card and return the dialog that it opens."""
    await person.press(TRIAGE, card["ts"], button)
    return person.dialog()


async def test_a_reply_by_dialog_reaches_the_customer_and_shows_in_the_thread(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        view = await dialog(desk, desk.marcus, card, "ticket_reply")
        answer = await desk.marcus.submit(view, text="I am looking into it.")
        assert answer.body == ""
        await heard(line, "I am looking into it.")
        reply = await desk.reply(card, "I am looking into it.")
        assert reply["username"] == "Marcus Bell"


async def test_a_note_by_dialog_stays_internal(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        view = await dialog(desk, desk.priya, card, "ticket_note")
        await desk.priya.submit(view, text="Old laptop")
        reply = await desk.reply(card, "Old laptop")
        assert "Internal note" in shown(reply)
        file = await desk.ticket(1001)
        assert [m.visibility for m in file.messages if m.text == "Old laptop"] == ["internal"]


async def test_a_reply_that_is_marked_as_a_note_stays_internal(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        view = await dialog(desk, desk.marcus, card, "ticket_reply")
        await desk.marcus.submit(view, text="// Old laptop")
        file = await desk.ticket(1001)
        assert [m.visibility for m in file.messages if m.text == "Old laptop"] == ["internal"]


async def test_a_reply_after_the_chat_goes_by_mail(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.until_shown(desk.thread(card)[0], "LIVE")
        await line.send(t="end", id="end")
        await desk.until_shown(desk.thread(card)[0], "This thread is internal")
        view = await dialog(desk, desk.marcus, card, "ticket_reply")
        await desk.marcus.submit(view, text="One more thing")
        file = await desk.ticket(1001)
        comments = [note for note in file.deliveries if note.delivery.payload.get("mail") == "comment"]
        assert [note.delivery.payload["text"] for note in comments] == ["One more thing"]


async def test_a_ticket_that_a_colleague_has_is_taken_over_once_its_chat_is_over(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await line.send(t="end", id="end")
        await desk.until_shown(card, "Take over")
        await desk.priya.press(TRIAGE, card["ts"], "ticket_take_over")
        await desk.until_shown(card, "Priya Nair")
        account = await desk.served.running.staff.account((await desk.ticket(1001)).ticket.assignee or "")
        assert account is not None
        assert account.name == "Priya Nair"


async def test_a_colleagues_ticket_is_taken_over_while_it_waits(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await line.send(t="end", id="end")
        await desk.until_shown(card, "Take over")
        view = await dialog(desk, desk.marcus, card, "ticket_wait")
        await desk.marcus.submit(view, on="vendor", until=int(time.time()) + 86400)
        await desk.until_shown(card, "Waiting on vendor until")
        await desk.priya.press(TRIAGE, card["ts"], "ticket_take_over")
        await desk.until_shown(card, "Priya Nair")
        assert (await desk.ticket(1001)).ticket.status == "waiting on vendor"


async def test_a_second_technician_joins_the_chat_of_a_ticket_that_waits(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        view = await dialog(desk, desk.marcus, card, "ticket_wait")
        await desk.marcus.submit(view, on="vendor", until=int(time.time()) + 86400)
        await desk.until_shown(card, "Waiting on vendor until")
        await desk.priya.press(TRIAGE, card["ts"], "ticket_take")
        await heard(line, "Priya Nair from the help desk has joined.")


async def test_a_ticket_is_handed_over_to_any_colleague_who_is_a_technician(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        view = await dialog(desk, desk.marcus, card, "ticket_hand_over")
        answer = await desk.marcus.submit(view, to=OUTSIDER)
        assert "no technician of the desk" in answer.body["errors"]["to"]
        answer = await desk.marcus.submit(view, to=PRIYA, reason="Knows the scanner")
        assert answer.body == ""
        await desk.until_shown(card, "Priya Nair")
        given = [entry.why for entry in (await desk.ticket(1001)).history if entry.what == "assigned"]
        assert given == ["to Priya Nair: Knows the scanner"]


async def test_a_technician_ends_the_chat_and_the_ticket_stays_open(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.until_shown(card, "End chat")
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_end_chat")
        await heard(line, "Marcus Bell has ended the chat. HD-1001 stays open; write here to add to it.")
        await desk.until_shown(card, "the chat has ended")
        assert "End chat" not in shown(card)


async def test_what_cannot_be_done_is_said_beside_the_input(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        view = await dialog(desk, desk.marcus, card, "ticket_reply")
        answer = await desk.marcus.submit(view, text="Hello")
        assert answer.body == {"response_action": "errors", "errors": {"text": "Take the chat first."}}


async def test_waiting_for_a_vendor_needs_a_date_and_shows_it_on_the_card(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        view = await dialog(desk, desk.marcus, card, "ticket_wait")
        answer = await desk.marcus.submit(view, on="vendor")
        assert answer.body["errors"] == {"until": "Choose a date in the future."}
        await desk.marcus.submit(view, on="vendor", until=int(time.time()) + 86400)
        await desk.until_shown(card, "Waiting on vendor until")
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_resume")
        await desk.until_shown(card, "in progress")


async def test_resolving_tells_the_customer_and_offers_to_reopen(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        view = await dialog(desk, desk.marcus, card, "ticket_resolve")
        await desk.marcus.submit(view, resolution="A new cable.")
        await heard(line, "A new cable.")
        await desk.until_shown(card, "Closed · Marcus Bell")
        assert card["blocks"][-1]["elements"][0]["action_id"] == "ticket_reopen"
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_reopen")
        await desk.until_shown(card, "assigned")


async def test_emoji_take_and_resolve_where_the_desk_wants_them(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.react(TRIAGE, card["ts"], "eyes")
        await heard(line, "Marcus Bell from the help desk has joined.")
        await desk.marcus.react(TRIAGE, card["ts"], "white_check_mark")
        await heard(line, "Resolved.")


async def test_a_second_technician_joins_by_take(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.priya.press(TRIAGE, card["ts"], "ticket_take")
        await heard(line, "Priya Nair from the help desk has joined.")
        await desk.priya.say(TRIAGE, "Hello from Priya", card["ts"])
        await heard(line, "Hello from Priya")


@pytest.mark.parametrize(
    ("team", "facts"),
    [
        ("T0CONTOSO", {}),
        ("T0DESK", {"is_bot": True}),
        ("T0DESK", {"is_restricted": True}),
        ("T0DESK", {"is_ultra_restricted": True}),
        ("T0DESK", {"is_stranger": True}),
        ("T0DESK", {"deleted": True}),
        ("T0DESK", {"is_email_confirmed": False}),
    ],
)
async def test_nobody_else_is_staff_though_they_have_a_technicians_address(
    desk: SlackDesk, team: str, facts: dict[str, bool]
) -> None:
    stranger = desk.workspace.add_user("U0STRANGE", "Marcus Bell", "marcus@northwind.example", team, **facts)
    desk.workspace.channels[TRIAGE].members.add(stranger)
    person = Person(desk.wire, stranger)
    async with chat(desk) as (_, card):
        await person.press(TRIAGE, card["ts"], "ticket_take")
        assert "Only the desk's technicians" in desk.workspace.ephemeral[-1]["text"]
        await person.press(TRIAGE, card["ts"], "ticket_reply")
        assert not desk.workspace.views
        await person.react(TRIAGE, card["ts"], "eyes")
        await person.say(TRIAGE, "I am staff", card["ts"])
        file = await desk.ticket(1001)
        assert file.ticket.assignee is None
        assert all(message.text != "I am staff" for message in file.messages)


async def test_an_outsider_in_a_shared_channel_cannot_press_what_they_do_not_see(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await Person(desk.wire, OUTSIDER).press(TRIAGE, card["ts"], "ticket_take")
        assert (await desk.ticket(1001)).ticket.assignee is None
