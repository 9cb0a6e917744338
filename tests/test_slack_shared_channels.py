"""Customers in a channel shared with their company: offered a ticket, answered in the thread, never staff."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fake_slack.person import Person
from tests.fake_slack.workspace import Message
from tests.slack_desk import CHAT_ANSWERS, OUTSIDER, SHARED, TRIAGE, SlackDesk, shown, slack_desk

ANSWERS = {f"answer_{name}": answer for name, answer in CHAT_ANSWERS.items()}
ANSWERS = {name: answer for name, answer in ANSWERS.items() if name not in {"answer_issue", "answer_company"}}


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as running:
        yield running


def in_thread(desk: SlackDesk, ts: str) -> list[Message]:
    return desk.workspace.thread(SHARED, ts)


async def asked(desk: SlackDesk, dana: Person, text: str = "Our <https://a.example|portal> is down") -> str:
    """Write a message and have it made a ticket; returns the thread's ts."""
    ts = await dana.say(SHARED, text)
    await dana.press(SHARED, in_thread(desk, ts)[0]["ts"], "shared_open")
    answer = await dana.submit(dana.dialog(), **ANSWERS)
    assert answer.body == "", answer
    return ts


async def test_a_message_offers_a_ticket_and_its_thread_becomes_the_chat(desk: SlackDesk) -> None:
    dana = Person(desk.wire, OUTSIDER)
    ts = await asked(desk, dana)
    card = await desk.card()
    assert "Contoso" in shown(card)
    assert "Our portal (https://a.example) is down" in shown(card)
    offer = in_thread(desk, ts)[0]
    assert shown(offer) == "Ticket HD-1001 is open."
    await desk.slack.until(lambda: "You are number 1" in shown(in_thread(desk, ts)[-1]))
    await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
    await dana.say(SHARED, "Are you there?", ts)
    reply = await desk.reply(card, "Are you there?")
    assert reply["username"] == "Dana Reyes (customer)"
    await desk.marcus.say(TRIAGE, "Yes, looking", card["ts"])
    await desk.slack.until(lambda: shown(in_thread(desk, ts)[-1]) == "Yes, looking")
    await desk.marcus.say(TRIAGE, "// not for them", card["ts"])
    await desk.marcus.say(TRIAGE, "Fixed now", card["ts"])
    await desk.slack.until(lambda: shown(in_thread(desk, ts)[-1]) == "Fixed now")
    assert all("not for them" not in shown(message) for message in in_thread(desk, ts))
    file = await desk.ticket(1001)
    assert file.conversations[0].company_id == "contoso"
    assert file.ticket.channel == "slack"


async def test_what_a_technician_edits_or_takes_back_follows_to_the_customers_thread(desk: SlackDesk) -> None:
    dana = Person(desk.wire, OUTSIDER)
    ts = await asked(desk, dana)
    card = await desk.card()
    await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
    said = await desk.marcus.say(TRIAGE, "Helo", card["ts"])
    await desk.slack.until(lambda: shown(in_thread(desk, ts)[-1]) == "Helo")
    await desk.marcus.edit(TRIAGE, said, "Hello")
    await desk.slack.until(lambda: shown(in_thread(desk, ts)[-1]) == "Hello\nedited")
    await desk.marcus.delete(TRIAGE, said)
    await desk.slack.until(lambda: all("Hello" not in shown(m) for m in in_thread(desk, ts)))


async def test_a_second_message_can_be_added_to_the_ticket_or_declined(desk: SlackDesk) -> None:
    dana = Person(desk.wire, OUTSIDER)
    await asked(desk, dana)
    card = await desk.card()
    second = await dana.say(SHARED, "And the printer too")
    offer = in_thread(desk, second)[0]
    assert [one["text"]["text"] for one in offer["blocks"][1]["elements"]] == [
        "Create ticket",
        "Add to HD-1001",
        "No",
    ]
    await dana.press(SHARED, offer["ts"], "shared_add")
    await desk.reply(card, "And the printer too")
    third = await dana.say(SHARED, "Never mind")
    await dana.press(SHARED, in_thread(desk, third)[0]["ts"], "shared_no")
    assert in_thread(desk, third) == []
    assert len(desk.workspace.cards(TRIAGE)) == 1


async def test_an_outsider_is_never_staff_whatever_they_type(desk: SlackDesk) -> None:
    dana = Person(desk.wire, OUTSIDER)
    await asked(desk, dana)
    card = await desk.card()
    desk.workspace.channels[TRIAGE].members.add(OUTSIDER)
    await dana.say(TRIAGE, "// I am staff", card["ts"])
    answer = await dana.command("take HD-1001", SHARED)
    assert "Only the desk's technicians" in answer.body["text"]
    file = await desk.ticket(1001)
    assert file.ticket.assignee is None
    assert all("I am staff" not in message.text for message in file.messages)


async def test_a_channel_that_is_not_listed_is_nobodys(desk: SlackDesk) -> None:
    desk.workspace.add_channel("C0OTHER", OUTSIDER, shared=True)
    ts = await Person(desk.wire, OUTSIDER).say("C0OTHER", "Help")
    assert desk.workspace.thread("C0OTHER", ts) == []


async def test_technicians_and_bots_in_a_shared_channel_are_offered_nothing(desk: SlackDesk) -> None:
    ts = await desk.marcus.say(SHARED, "Good morning all")
    assert in_thread(desk, ts) == []
    bot = Person(desk.wire, desk.workspace.add_user("U0ROBOT", "Robot", "", is_bot=True))
    assert in_thread(desk, await bot.say(SHARED, "beep")) == []


async def test_the_same_message_is_offered_a_ticket_once(desk: SlackDesk) -> None:
    dana = Person(desk.wire, OUTSIDER)
    message = dana.write(SHARED, "Help")
    for _ in range(2):
        await asyncio.gather(*(desk.wire.event(dana.said(SHARED, message)) for _ in range(3)))
    assert len(in_thread(desk, message["ts"])) == 1
