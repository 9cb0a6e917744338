"""Escalating a ticket to a tier from Slack: the card's button, `/ticket escalate`, the tier's list [R37]."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chatdesk.conversation import Live
from tests.desk_builders import TIERS
from tests.fake_slack.person import Person
from tests.slack_desk import DESK, PRIYA, TRIAGE, SlackDesk, chat, heard, shown, slack_desk

PASSED = "HD-1001 has been passed to our Second line."


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk(DESK + TIERS) as running:
        yield running


async def said(person: Person, command: str) -> str:
    answer = await person.command(command, TRIAGE)
    return shown(answer.body) if answer.body else ""


def buttons(card: dict[str, object]) -> list[str]:
    blocks = card["blocks"]
    assert isinstance(blocks, list)
    return [element["action_id"] for element in blocks[-1]["elements"]]


async def test_the_cards_button_asks_for_a_tier_and_a_reason_and_the_card_shows_the_tier(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_escalate")
        view = desk.marcus.dialog()
        assert "Second line\nNetwork team" in shown(view)
        answer = await desk.marcus.submit(view, tier="second", reason=" ")
        assert answer.body["errors"] == {"reason": "Say why it is escalated; technicians read it."}
        answer = await desk.marcus.submit(view, tier="second", reason="The core switch flaps.")
        assert answer.body == ""
        await heard(line, PASSED)
        await desk.until_shown(card, "Tier\nSecond line")
        note = await desk.reply(card, "Escalated to Second line: The core switch flaps.")
        assert "Internal note" in shown(note)
        assert (await desk.ticket(1001)).ticket.assignee is None


async def test_who_has_escalated_a_live_chat_goes_on_in_it_until_another_takes_it(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        words = await said(desk.marcus, "escalate HD-1001 second line The core switch flaps.")
        assert words == "HD-1001 waits for Second line now."
        await desk.marcus.say(TRIAGE, "A colleague is on the way.", card["ts"])
        await heard(line, "A colleague is on the way.")
        await desk.priya.press(TRIAGE, card["ts"], "ticket_take")
        await heard(line, "Priya Nair from the help desk has joined.")
        file = await desk.ticket(1001)
        assert file.ticket.tier == "second"
        state = file.conversations[0].state
        assert isinstance(state, Live)
        assert len(state.agents) == 2


async def test_the_command_without_a_reason_opens_the_dialog_and_refuses_what_is_no_tier(
    desk: SlackDesk,
) -> None:
    async with chat(desk):
        assert await said(desk.marcus, "escalate HD-1001") == ""
        assert desk.marcus.dialog()["callback_id"] == "escalate"
        assert 'Name a tier after the ticket: "second" or "network".' in await said(
            desk.marcus, "escalate HD-1001 third because"
        )
        assert "Say why it is escalated" in await said(desk.marcus, "escalate HD-1001 second")


async def test_a_tiers_list_is_asked_for_by_its_name_and_lists_show_the_tier(desk: SlackDesk) -> None:
    async with chat(desk):
        assert "escalate HD-1024 second" in await said(desk.marcus, "help")
        assert "No tickets." in await said(desk.marcus, "list second line")
        await said(desk.marcus, "escalate HD-1001 second The core switch flaps.")
        listed = await said(desk.marcus, "list second")
        assert "Open tickets of Second line" in listed
        assert "nobody yet · Second line" in listed
        assert "nobody yet · Second line" in await said(desk.marcus, "list")


async def test_who_gets_it_back_from_a_tier_is_told_again(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):

        def told() -> list[object]:
            calls = desk.slack.calls("chat.postMessage")
            return [call for call in calls if call.body["channel"] == PRIYA]

        await said(desk.marcus, f"assign HD-1001 <@{PRIYA}>")
        await desk.slack.until(lambda: len(told()) == 1)
        await said(desk.priya, "escalate HD-1001 network It is the core.")
        await desk.until_shown(card, "Network team")
        await said(desk.marcus, f"assign HD-1001 <@{PRIYA}>")
        await desk.slack.until(lambda: len(told()) == 2)


async def test_a_desk_without_tiers_offers_none() -> None:
    async with slack_desk() as desk, chat(desk) as (_, card):
        assert "ticket_escalate" not in buttons(card)
        assert "escalate" not in await said(desk.marcus, "help")
        assert "There is no tier to escalate HD-1001 to." in await said(desk.marcus, "escalate HD-1001")
        assert "This desk has no tiers." in await said(desk.marcus, "escalate HD-1001 second why")
