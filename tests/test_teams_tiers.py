"""Escalating a ticket to a tier from Teams: the Hand over box, the command, the chat that goes on [R37]."""

from __future__ import annotations

import json
from functools import partial

from chatdesk.config import parse_config
from chatdesk.conversation import Visibility
from tests.desk_builders import TIERS
from tests.fake_connector.connector import Entry, Json
from tests.fake_connector.running import MARCUS, PRIYA, TEAMS_DESK, TeamsDesk, teams_desk
from tests.test_teams_desk import assignee, card_of, chat_on_the_web, messages, said, shows

TIERED = parse_config(TEAMS_DESK + TIERS, "chatdesk.toml")
PASSED = "HD-1001 has been passed to our Second line."


def choices(card: Entry) -> list[str]:
    """Return to whom the card offers to hand the ticket over."""
    offered = [action for action in card.card["actions"] if action["title"].startswith("Hand over")]
    fields: list[Json] = [field for action in offered for field in action["card"]["body"]]
    return [choice["title"] for field in fields for choice in field.get("choices", ())]


async def escalate(desk: TeamsDesk, why: str = "The core switch flaps.") -> Json:
    return await desk.press(MARCUS, "hand_over", ticket=1001, to="tier:second", text_hand_over=why)


async def test_the_hand_over_box_offers_the_tiers_and_the_card_shows_the_ticket_s() -> None:
    async with teams_desk(TIERED) as desk:
        await desk.hire(MARCUS, PRIYA)
        card = await chat_on_the_web(desk)
        shown = card_of(await desk.press(MARCUS, "take", ticket=1001))
        for words in ("Hand over or escalate", "Priya Shah", "Second line (tier)", "Network team (tier)"):
            assert words in shown
        assert (await escalate(desk, " "))["value"] == "Say why it is escalated; technicians read it."
        after = card_of(await escalate(desk))
        assert "Tier: " in after
        assert "Second line (tier)" not in after
        assert await assignee(desk) == ""
        await desk.last_text(card.conversation, "Escalated to Second line: The core switch flaps.")
        assert (await said(desk, PASSED)).visibility is Visibility.PUBLIC
        await desk.connector.until(lambda: "nobody yet" in card.card_text and "Second line" in card.card_text)


async def test_who_has_escalated_a_live_chat_goes_on_in_its_thread_until_another_takes_it() -> None:
    async with teams_desk(TIERED) as desk:
        await desk.hire(MARCUS, PRIYA)
        thread = (await chat_on_the_web(desk)).conversation
        await desk.press(MARCUS, "take", ticket=1001)
        assert "Marcus Bell's replies in this thread go to the customer" in card_of(await escalate(desk))
        await desk.say(MARCUS, "A colleague is on the way.", thread)
        await desk.say(PRIYA, "I know that switch.", thread)
        await desk.press(PRIYA, "take", ticket=1001)
        await desk.say(PRIYA, "Hello, this is Priya.", thread)
        seen = {message.text: message.visibility for message in await messages(desk)}
        assert seen["A colleague is on the way."] is Visibility.PUBLIC
        assert seen["I know that switch."] is Visibility.INTERNAL
        assert seen["Hello, this is Priya."] is Visibility.PUBLIC
        assert await assignee(desk) == PRIYA.name


async def test_a_tier_is_escalated_to_and_listed_by_command() -> None:
    async with teams_desk(TIERED) as desk:
        await desk.hire(MARCUS)
        await chat_on_the_web(desk)
        for command, wanted in [
            ("help", "escalate HD-1024 second why"),
            ("queue second", "No open tickets."),
            ("escalate HD-1001 third why", 'Name a tier after the ticket: \\"second\\" or \\"network\\".'),
            ("escalate HD-1001 second The core switch flaps.", "Tier: "),
            ("queue second line", "customer is waiting \\u00b7 Second line"),
        ]:
            await desk.say(MARCUS, command)
            await desk.connector.until(partial(shows, desk, MARCUS, wanted))
        note = await said(desk, "Escalated to Second line: The core switch flaps.")
        assert note.visibility is Visibility.INTERNAL


async def test_a_desk_without_tiers_offers_people_only() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS, PRIYA)
        card = await chat_on_the_web(desk)
        await desk.press(MARCUS, "take", ticket=1001)
        await desk.connector.until(lambda: choices(card) == ["Priya Shah"])
        assert "escalate" not in json.dumps(card.card)
        assert (await escalate(desk))["value"] == "Choose a tier of the desk's."
