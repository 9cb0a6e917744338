"""What Slack tells one technician alone: tickets that are given to them, to their tier, or go on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chatdesk.bootstrap import now
from chatdesk.events import TimerFired
from chatdesk.ticket import TicketNumber
from tests.desk_builders import TIERS
from tests.fake_slack.server import Call
from tests.slack_desk import DESK, MARCUS, PRIYA, TRIAGE, SlackDesk, chat, shown, slack_desk

GIVEN = "Marcus Bell has given you a ticket."


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk(DESK + TIERS) as running:
        yield running


def direct(desk: SlackDesk, user: str) -> list[Call]:
    """Return the direct messages that reached the user."""
    return [call for call in desk.slack.calls("chat.postMessage") if call.body["channel"] == user]


async def command(desk: SlackDesk, words: str) -> None:
    """Let Marcus run `/ticket`."""
    await desk.marcus.command(words, TRIAGE)


async def test_a_direct_message_links_to_the_tickets_card(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await command(desk, f"assign HD-1001 <@{PRIYA}>")
        told = await desk.slack.until(lambda: direct(desk, PRIYA))
        link = f"<https://northwind.slack.example/archives/{TRIAGE}/p{card['ts'].replace('.', '')}|HD-1001>"
        assert link in shown(told[0].body)
        assert link in shown((await desk.marcus.command("list", TRIAGE)).body)


async def test_a_direct_message_that_slack_was_too_busy_for_comes_later_and_once(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await desk.reply(card, "You are number 1")
        desk.slack.fail("chat.postMessage", "busy", times=2)
        await command(desk, f"assign HD-1001 <@{PRIYA}>")
        await desk.slack.until(lambda: direct(desk, PRIYA), within=20.0)
        await command(desk, "priority HD-1001 high")
        await desk.until_shown(card, "high")
        assert [call.body["text"] for call in direct(desk, PRIYA)] == [GIVEN]


async def test_who_could_not_be_looked_up_is_told_later(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await desk.reply(card, "You are number 1")
        desk.slack.fail("users.lookupByEmail", "busy", times=2)
        await command(desk, f"assign HD-1001 <@{PRIYA}>")
        told = await desk.slack.until(lambda: direct(desk, PRIYA), within=20.0)
        assert [call.body["text"] for call in told] == [GIVEN]


async def test_who_is_given_a_ticket_again_while_slack_is_away_is_told_again(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await command(desk, f"assign HD-1001 <@{PRIYA}>")
        await desk.slack.until(lambda: direct(desk, PRIYA))
        desk.slack.fail("chat.update", "busy", seconds=2.0)
        await desk.priya.command("escalate HD-1001 network It is the core.", TRIAGE)
        await command(desk, f"assign HD-1001 <@{PRIYA}>")
        await desk.slack.until(lambda: len(direct(desk, PRIYA)) == 2, within=20.0)
        await command(desk, "priority HD-1001 high")
        await desk.until_shown(card, "high")
        assert [call.body["text"] for call in direct(desk, PRIYA)] == [GIVEN, GIVEN]


async def test_the_technicians_of_a_tier_are_told_of_each_ticket_that_it_gets(desk: SlackDesk) -> None:
    async with chat(desk), chat(desk):
        for number in (1001, 1002):
            await command(desk, f"escalate HD-{number} network The core switch flaps.")
        told = await desk.slack.until(lambda: len(direct(desk, PRIYA)) == 2 and direct(desk, PRIYA))
        words = "Marcus Bell has escalated a ticket to Network team: The core switch flaps."
        assert [call.body["text"] for call in told] == [words, words]
        assert direct(desk, MARCUS) == []


async def test_the_assignee_is_told_when_the_customer_opens_the_ticket_again(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await command(desk, "take HD-1001")
        await command(desk, "resolve HD-1001 A new cable.")
        await desk.until_shown(card, "Closed")
        await line.send(t="message", id="again", text="It is broken again")
        told = await desk.slack.until(lambda: direct(desk, MARCUS))
        assert told[0].body["text"] == "Dana Reyes has opened your ticket again."


async def test_that_a_ticket_is_due_soon_is_shown_to_the_channel_and_told_to_its_technician(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (line, card):
        await command(desk, "take HD-1001")
        await line.send(t="end", id="end")
        await desk.until_shown(card, "the chat has ended")
        due = (await desk.ticket(1001)).ticket.due_at
        assert due is not None
        near = TimerFired(
            at=now(), channel="timer", external_id="near", name="escalate", due=due, ticket=TicketNumber(1001)
        )
        await desk.served.running.desk.receive(near)
        note = await desk.reply(card, "and not answered yet")
        posts = desk.slack.calls("chat.postMessage")
        assert [shown(one.body) for one in posts if one.body.get("reply_broadcast")] == [shown(note)]
        told = await desk.slack.until(lambda: direct(desk, MARCUS))
        assert told[0].body["text"].startswith("Your ticket is due ")
