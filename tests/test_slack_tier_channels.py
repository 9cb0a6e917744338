"""A tier's own channel in Slack: an escalated ticket has a card there too, and is taken there [R37]."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fake_slack.server import Call, Fault
from tests.fake_slack.workspace import Message
from tests.slack_desk import (
    DESK,
    MARCUS,
    PRIYA,
    TRIAGE,
    SlackDesk,
    chat,
    heard,
    shown,
    slack_desk,
)

SECOND = "C0SECOND"
TIER = f"""
[tiers.second]
name = "Second line"
technicians = ["priya@northwind.example"]
slack = "{SECOND}"
"""
THIRD = "C0THIRD"
THIRD_TIER = f"""
[tiers.third]
name = "Third line"
technicians = ["marcus@northwind.example"]
slack = "{THIRD}"
"""
ESCALATED = "Marcus Bell has escalated a ticket to Second line: The core switch flaps."


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk(DESK + TIER) as running:
        running.workspace.add_channel(SECOND, MARCUS, PRIYA)
        yield running


async def escalate(desk: SlackDesk, why: str = "The core switch flaps.") -> None:
    await desk.marcus.command(f"escalate HD-1001 second {why}", TRIAGE)


async def announced(desk: SlackDesk, card: Message, count: int = 1) -> Message:
    """Return the newest card in the tier's channel once there are ``count`` and the desk has noted it."""
    cards: list[Message] = await desk.slack.until(
        lambda: len(found := desk.workspace.cards(SECOND)) == count and found
    )
    # The note with the reason follows in the ticket's thread.
    await desk.slack.until(lambda: len(reasons(desk, card)) == count)
    return cards[-1]


def reasons(desk: SlackDesk, card: Message) -> list[Message]:
    return [reply for reply in desk.thread(card) if "Escalated to Second line" in shown(reply)]


def direct(desk: SlackDesk, user: str) -> list[Call]:
    return [call for call in desk.slack.calls("chat.postMessage") if call.body["channel"] == user]


def buttons(card: Message) -> list[str]:
    return [element["action_id"] for element in card["blocks"][-1]["elements"]]


async def test_an_escalated_ticket_is_announced_in_its_tiers_channel_with_the_same_buttons(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (_, card):
        await escalate(desk)
        copy = await announced(desk, card)
        await desk.until_shown(card, "Second line")
        assert ESCALATED in shown(copy)
        assert buttons(copy) == buttons(card)
        link = f"<https://northwind.slack.example/archives/{TRIAGE}/p{card['ts'].replace('.', '')}|"
        assert f"Write in {link}HD-1001's own thread>" in shown(copy)
        assert desk.workspace.thread(SECOND, copy["ts"]) == []


async def test_a_tier_with_a_channel_is_told_there_and_not_by_direct_messages_too(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await escalate(desk)
        await announced(desk, card)
        await desk.marcus.command("priority HD-1001 high", TRIAGE)
        await desk.until_shown(card, "high")
        await desk.slack.until(lambda: "high" in shown(desk.workspace.cards(SECOND)[0]))
        await desk.marcus.command(f"assign HD-1001 <@{PRIYA}>", TRIAGE)
        told = await desk.slack.until(lambda: direct(desk, PRIYA))
        assert [call.body["text"] for call in told] == ["Marcus Bell has given you a ticket."]
        assert len(desk.workspace.cards(SECOND)) == 1


async def test_the_ticket_is_taken_and_resolved_there_and_the_card_follows(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await escalate(desk)
        copy = await announced(desk, card)
        await desk.priya.press(SECOND, copy["ts"], "ticket_take")
        await heard(line, "Priya Nair from the help desk has joined.")
        await desk.until_shown(copy, "Priya Nair is answering")
        await desk.until_shown(card, "Priya Nair is answering")
        await desk.priya.say(TRIAGE, "Which port?", card["ts"])
        await heard(line, "Which port?")
        await desk.priya.press(SECOND, copy["ts"], "ticket_resolve")
        answer = await desk.priya.submit(desk.priya.dialog(), resolution="A new switch.")
        assert answer.body == ""
        await desk.until_shown(copy, "Closed")
        assert "ticket_reopen" in buttons(copy)


async def test_an_emoji_on_the_card_there_acts_as_on_the_tickets_own(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await escalate(desk)
        copy = await announced(desk, card)
        await desk.priya.react(SECOND, copy["ts"], "eyes")
        await desk.until_shown(copy, "Priya Nair is answering")


async def test_what_is_written_under_the_card_is_not_passed_on_and_its_writer_is_told_so(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (_, card):
        await escalate(desk)
        copy = await announced(desk, card)
        await desk.priya.say(SECOND, "I know that switch.", copy["ts"])
        told = await desk.slack.until(lambda: desk.slack.calls("chat.postEphemeral"))
        assert [(call.body["user"], call.body["text"]) for call in told] == [
            (PRIYA, "This is not passed on. Write in HD-1001's own thread, to which its card here leads.")
        ]
        said = [message.text for message in (await desk.ticket(1001)).messages]
        assert "I know that switch." not in said


async def test_a_ticket_that_comes_back_is_announced_anew_and_its_earlier_card_says_so(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (_, card):
        await escalate(desk)
        first = await announced(desk, card)
        await desk.priya.press(SECOND, first["ts"], "ticket_take")
        await desk.until_shown(first, "Priya Nair is answering")
        await escalate(desk, "It flaps again.")
        second = await announced(desk, card, 2)
        assert "It flaps again." in shown(second)
        assert shown(first) == "HD-1001 has been escalated again: its card is further down."
        await desk.marcus.command("take HD-1001", TRIAGE)
        await desk.until_shown(second, "Marcus Bell")
        assert "Marcus Bell" not in shown(first)


async def test_the_card_of_a_ticket_that_is_merged_says_into_which(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card), chat(desk, "a" * 32, name="Ana Lima", email="ana@contoso.example"):
        await escalate(desk)
        copy = await announced(desk, card)
        await desk.marcus.command("merge HD-1001 HD-1002", TRIAGE)
        await desk.until_shown(copy, "Merged into HD-1002; go on there")
        assert copy["blocks"][-1]["type"] != "actions"


async def test_a_card_that_somebody_has_deleted_there_stays_deleted_and_the_ticket_goes_on(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (_, card):
        await escalate(desk)
        copy = await announced(desk, card)
        del desk.workspace.channels[SECOND].messages[copy["ts"]]
        await desk.marcus.command("priority HD-1001 high", TRIAGE)
        await desk.until_shown(card, "high")
        await desk.marcus.command("resolve HD-1001 A new switch.", TRIAGE)
        await desk.until_shown(card, "Closed")
        assert desk.workspace.cards(SECOND) == []
        assert direct(desk, PRIYA) == []


@pytest.mark.parametrize("fault", ["cut after", "cut before", "busy"])
async def test_an_announcement_that_was_cut_off_or_delayed_stands_there_once(
    desk: SlackDesk, fault: Fault
) -> None:
    async with chat(desk) as (_, card):
        await desk.reply(card, "You are number 1")
        desk.slack.fail("chat.postMessage", fault)
        await escalate(desk)
        await desk.slack.until(lambda: desk.workspace.cards(SECOND), within=30.0)
        await desk.reply(card, "Escalated to Second line")
        await desk.marcus.command("take HD-1001", TRIAGE)
        copy = desk.workspace.cards(SECOND)[0]
        await desk.slack.until(lambda: "Marcus Bell" in shown(copy), within=30.0)
        assert len(desk.workspace.cards(SECOND)) == 1
        assert direct(desk, PRIYA) == []


async def test_where_the_channel_cannot_be_written_to_the_tier_is_told_directly_and_once() -> None:
    async with slack_desk(DESK + TIER) as desk, chat(desk) as (_, card):
        await escalate(desk)
        told = await desk.slack.until(lambda: direct(desk, PRIYA))
        assert [call.body["text"] for call in told] == [ESCALATED]
        desk.workspace.add_channel(SECOND, PRIYA)
        await desk.marcus.command("priority HD-1001 high", TRIAGE)
        await desk.until_shown(card, "high")
        await desk.reply(card, "Escalated to Second line")
        assert desk.workspace.cards(SECOND) == []
        assert len(direct(desk, PRIYA)) == 1


async def test_in_the_channel_of_the_tickets_own_card_it_gets_no_second_one() -> None:
    async with slack_desk(DESK + TIER.replace(SECOND, TRIAGE)) as desk, chat(desk) as (_, card):
        await escalate(desk)
        told = await desk.slack.until(lambda: direct(desk, PRIYA))
        assert [call.body["text"] for call in told] == [ESCALATED]
        await desk.until_shown(card, "Second line")
        assert desk.workspace.cards(TRIAGE) == [card]


async def test_a_ticket_passed_on_once_more_meanwhile_is_announced_to_the_tier_it_waits_for_alone() -> None:
    async with slack_desk(DESK + TIER + THIRD_TIER) as desk, chat(desk) as (_, card):
        desk.workspace.add_channel(SECOND, PRIYA)
        desk.workspace.add_channel(THIRD, MARCUS)
        async with desk.slack.standing_still("chat.update"):
            await escalate(desk)
            await desk.slack.arrived("chat.update")
            await desk.priya.command("escalate HD-1001 third Its maker has to look.", TRIAGE)
        await desk.reply(card, "Escalated to Third line")
        (copy,) = desk.workspace.cards(THIRD)
        assert "Priya Nair has escalated a ticket to Third line: Its maker has to look." in shown(copy)
        assert desk.workspace.cards(SECOND) == []


async def test_where_a_ticket_that_comes_back_cannot_be_announced_its_earlier_card_follows_it_on(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (_, card):
        await escalate(desk)
        copy = await announced(desk, card)
        await desk.priya.press(SECOND, copy["ts"], "ticket_take")
        await desk.until_shown(copy, "Priya Nair is answering")
        await desk.reply(card, "Priya Nair from the help desk has joined.")
        desk.slack.fail("chat.postMessage", "refused")
        await escalate(desk, "It flaps again.")
        await desk.slack.until(lambda: len(reasons(desk, card)) == 2)
        assert "its card is further down" not in shown(copy)
        assert len(direct(desk, PRIYA)) == 1
        await desk.marcus.command("take HD-1001", TRIAGE)
        await desk.until_shown(copy, "Priya Nair and Marcus Bell are answering")
        assert len(direct(desk, PRIYA)) == 1


async def test_a_card_whose_post_was_cut_off_follows_the_ticket_though_it_was_taken_before_another_attempt(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (_, card):
        await desk.reply(card, "You are number 1")
        desk.slack.fail("chat.postMessage", "cut after")
        await escalate(desk)
        (copy,) = await desk.slack.until(lambda: desk.workspace.cards(SECOND))
        await desk.marcus.command("take HD-1001", TRIAGE)
        await desk.until_shown(copy, "Marcus Bell is answering")
        assert desk.workspace.cards(SECOND) == [copy]


async def test_a_tier_is_told_of_a_ticket_whose_own_card_is_in_a_channel_that_is_gone(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (_, card):
        await desk.reply(card, "You are number 1")
        gone = desk.workspace.channels.pop(TRIAGE)
        await escalate(desk)
        (copy,) = await desk.slack.until(lambda: desk.workspace.cards(SECOND))
        assert ESCALATED in shown(copy)
        await desk.marcus.command(f"assign HD-1001 <@{PRIYA}>", SECOND)
        told = await desk.slack.until(lambda: direct(desk, PRIYA))
        assert [call.body["text"] for call in told] == ["Marcus Bell has given you a ticket."]
        await desk.until_shown(copy, "Priya Nair")
        desk.workspace.channels[TRIAGE] = gone
