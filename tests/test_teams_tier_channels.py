"""A tier's own channel in Teams: an escalated ticket has a card there too, and is taken there [R37]."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from chatdesk.config import parse_config
from tests.fake_connector.connector import CHANNEL, Entry, Failure
from tests.fake_connector.issuer import TENANT
from tests.fake_connector.running import MARCUS, PRIYA, TEAMS_DESK, TeamsDesk, teams_desk
from tests.test_teams_desk import assign, assignee, card_of, chat_on_the_web, messages, shows

SECOND = "19:second@thread.tacv2"
TIER = f"""
[tiers.second]
name = "Second line"
technicians = ["priya@northwind.example"]
teams = "{SECOND}"
"""
TIERED = parse_config(TEAMS_DESK + TIER, "chatdesk.toml")
ESCALATED = "Marcus Bell has escalated a ticket to Second line: The core switch flaps."
NOT_PASSED_ON = "This is not passed on. Write in HD-1001's own thread, to which its card here leads."


@pytest.fixture
async def desk() -> AsyncIterator[TeamsDesk]:
    async with teams_desk(TIERED) as running:
        running.connector.conversations.add(SECOND)
        yield running


async def chat(desk: TeamsDesk) -> Entry:
    """Return the card of a new chat; Priya has a chat with the bot, in which she can be told directly."""
    card = await chat_on_the_web(desk)
    await desk.hire(MARCUS, PRIYA)
    await desk.say(PRIYA, "help")
    await desk.connector.until(lambda: shows(desk, PRIYA, "queue second"))
    return card


async def escalate(desk: TeamsDesk, card: Entry, why: str = "The core switch flaps.") -> None:
    """Escalate the ticket; returns when all of it was sent: the note with the reason comes last."""
    await desk.press(MARCUS, "hand_over", ticket=1001, to="tier:second", text_hand_over=why)
    await desk.last_text(card.conversation, f"Escalated to Second line: {why}")


def in_channel(desk: TeamsDesk) -> list[Entry]:
    return [entry for entry in desk.connector.standing() if entry.conversation.startswith(SECOND)]


def titles(card: Entry) -> list[str]:
    return [action["title"] for action in card.card["actions"]]


def told_directly(desk: TeamsDesk, words: str) -> int:
    return desk.connector.texts(PRIYA.chat).count(words)


async def test_an_escalated_ticket_is_announced_in_its_tiers_channel_with_the_same_buttons(
    desk: TeamsDesk,
) -> None:
    card = await chat(desk)
    await escalate(desk, card)
    (copy,) = in_channel(desk)
    assert ESCALATED in copy.card_text
    assert "Write in the ticket's own thread" in copy.card_text
    assert "until then this thread is internal" not in copy.card_text
    await desk.connector.until(lambda: "Second line" in card.card_text)
    assert [title for title in titles(copy) if title != "Open its thread"] == titles(card)
    opened = next(action for action in copy.card["actions"] if action["title"] == "Open its thread")
    channel = CHANNEL.replace(":", "%3A").replace("@", "%40")
    assert opened["url"] == (
        f"https://teams.microsoft.com/l/message/{channel}/{card.id}?tenantId={TENANT}&parentMessageId={card.id}"
    )
    assert "Open its thread" not in titles(card)


async def test_a_tier_with_a_channel_is_told_there_and_not_by_direct_messages_too(desk: TeamsDesk) -> None:
    card = await chat(desk)
    await escalate(desk, card)
    await desk.press(MARCUS, "note", ticket=1001, text_note="Known bug.")
    await assign(desk, MARCUS, PRIYA)
    await desk.last_text(PRIYA.chat, "Marcus Bell has given you a ticket.")
    assert told_directly(desk, ESCALATED) == 0
    (copy,) = in_channel(desk)
    await desk.connector.until(lambda: "Take over" in titles(copy))


async def test_the_ticket_is_taken_and_resolved_there_and_both_cards_follow(desk: TeamsDesk) -> None:
    card = await chat(desk)
    await escalate(desk, card)
    (copy,) = in_channel(desk)
    taken = card_of(await desk.press(PRIYA, "take", copy.conversation, ticket=1001))
    assert ESCALATED in taken
    assert "Open its thread" in taken
    assert "Open its thread" not in card_of(await desk.press(PRIYA, "show", card.conversation, ticket=1001))
    assert await assignee(desk) == PRIYA.name
    await desk.connector.until(lambda: "Take over" in titles(copy))
    assert "Priya Shah's replies in this thread go to the customer" in card.card_text
    assert "replies in this thread go to the customer" not in copy.card_text
    await desk.press(PRIYA, "resolve", copy.conversation, ticket=1001, text_resolve="A new switch.")
    await desk.connector.until(lambda: "A new switch." in copy.card_text)
    assert "Re-open" in titles(copy)


async def test_what_is_written_under_the_card_is_not_passed_on_and_who_mentions_the_bot_is_told_so(
    desk: TeamsDesk,
) -> None:
    await escalate(desk, await chat(desk))
    (copy,) = in_channel(desk)
    await desk.say(PRIYA, "I know that switch.", copy.conversation)
    await desk.mention(PRIYA, "Which port?", copy.conversation)
    await desk.last_text(copy.conversation, NOT_PASSED_ON)
    assert desk.connector.texts(copy.conversation) == [NOT_PASSED_ON]
    assert {"I know that switch.", "Which port?"}.isdisjoint(one.text for one in await messages(desk))


async def test_a_ticket_that_comes_back_is_announced_anew_and_its_earlier_card_says_so(
    desk: TeamsDesk,
) -> None:
    card = await chat(desk)
    await escalate(desk, card)
    await desk.press(PRIYA, "take", ticket=1001)
    await escalate(desk, card, "It flaps again.")
    first, second = in_channel(desk)
    assert first.text == "HD-1001 has been escalated again: its newer card is in this channel."
    assert "attachments" not in first.activity
    assert "It flaps again." in second.card_text
    await desk.press(MARCUS, "take", ticket=1001)
    await desk.connector.until(lambda: "Marcus Bell" in json.dumps(second.card["body"][2:]))


async def test_an_announcement_that_teams_was_too_busy_for_comes_later_and_once(desk: TeamsDesk) -> None:
    card = await chat(desk)
    desk.connector.beginning[SECOND] = Failure(status=429, headers={"Retry-After": "1"})
    await escalate(desk, card)
    assert [ESCALATED in copy.card_text for copy in in_channel(desk)] == [True]
    assert told_directly(desk, ESCALATED) == 0


@pytest.mark.parametrize("arrived", [False, True])
async def test_an_announcement_of_which_nobody_knows_is_not_repeated_but_told_directly(
    desk: TeamsDesk, arrived: bool
) -> None:
    card = await chat(desk)
    desk.connector.beginning[SECOND] = Failure(keep=arrived)
    await escalate(desk, card)
    assert len(in_channel(desk)) == arrived
    assert told_directly(desk, ESCALATED) == 1


async def test_where_the_channel_cannot_be_written_to_the_tier_is_told_directly_and_once() -> None:
    async with teams_desk(TIERED) as desk:
        card = await chat(desk)
        await escalate(desk, card)
        desk.connector.conversations.add(SECOND)
        await desk.press(MARCUS, "note", ticket=1001, text_note="Known bug.")
        await desk.last_text(card.conversation, "Known bug.")
        assert told_directly(desk, ESCALATED) == 1
        assert in_channel(desk) == []


async def test_in_the_channel_of_the_tickets_own_card_it_gets_no_second_one() -> None:
    async with teams_desk(parse_config(TEAMS_DESK + TIER.replace(SECOND, CHANNEL), "chatdesk.toml")) as desk:
        card = await chat(desk)
        await escalate(desk, card)
        assert told_directly(desk, ESCALATED) == 1
        cards = [entry for entry in desk.connector.standing() if "attachments" in entry.activity]
        assert [one for one in cards if one.conversation.startswith(CHANNEL)] == [card]


@pytest.mark.parametrize("failure", [Failure(status=403), Failure()])
async def test_where_a_ticket_that_comes_back_cannot_be_announced_its_earlier_card_follows_it_on(
    desk: TeamsDesk, failure: Failure
) -> None:
    card = await chat(desk)
    await escalate(desk, card)
    await desk.press(PRIYA, "take", ticket=1001)
    desk.connector.beginning[SECOND] = failure
    await escalate(desk, card, "It flaps again.")
    (copy,) = in_channel(desk)
    assert "newer card" not in copy.text
    assert told_directly(desk, "Marcus Bell has escalated a ticket to Second line: It flaps again.") == 1
    await desk.press(MARCUS, "take", ticket=1001)
    await desk.connector.until(lambda: "Take over" in titles(copy))


async def test_a_tier_is_told_of_a_ticket_whose_own_card_somebody_has_deleted(desk: TeamsDesk) -> None:
    card = await chat(desk)
    card.deleted = True
    await desk.press(
        MARCUS, "hand_over", ticket=1001, to="tier:second", text_hand_over="The core switch flaps."
    )
    await desk.connector.until(lambda: bool(in_channel(desk)))
    (copy,) = in_channel(desk)
    assert ESCALATED in copy.card_text


async def test_a_tier_is_told_of_a_ticket_whose_own_channel_is_closed_to_the_bot(desk: TeamsDesk) -> None:
    card = await chat(desk)
    # The connector is asked who he is; what fails is then the change of the card.
    await desk.press(MARCUS, "show", ticket=1001)
    desk.connector.failures.append(Failure(status=403))
    await escalate(desk, card)
    (copy,) = in_channel(desk)
    assert ESCALATED in copy.card_text
