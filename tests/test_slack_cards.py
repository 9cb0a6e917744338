"""What a ticket's card and thread in Slack tell its technicians, whoever changed it and wherever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.slack.cards import Cards
from chatdesk.bootstrap import now
from chatdesk.conversation import Agent, ConversationId
from chatdesk.events import PortalCommented, TicketAffects, TicketCancelled, TicketEdited, TicketMerged
from chatdesk.ids import new_id
from chatdesk.ticket import TicketNumber
from tests.slack_desk import TRIAGE, SlackDesk, chat, heard, shown, slack_desk

FIRST, SECOND = TicketNumber(1001), TicketNumber(1002)
ANA = {"name": "Ana Lima", "email": "ana@contoso.example"}


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as running:
        yield running


async def marcus(desk: SlackDesk) -> Agent:
    accounts = await desk.served.running.staff.accounts()
    return next(account.agent for account in accounts if account.name == "Marcus Bell")


async def step(desk: SlackDesk, kind: Any, number: TicketNumber = FIRST, **facts: Any) -> None:
    """Let Marcus do something to the ticket in the console."""
    event = kind(
        at=now(), channel="web", external_id=new_id(), ticket=number, agent=await marcus(desk), **facts
    )
    await desk.served.running.desk.receive(event)


async def test_the_card_names_whom_the_ticket_affects_besides(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        assert "Also affected" not in shown(card)
        await step(desk, TicketAffects, address="pat@contoso.example", name="Pat Lee")
        await desk.until_shown(card, "Also affected\nPat Lee")
        answer = await desk.marcus.command("HD-1001", TRIAGE)
        assert "Also affected: Pat Lee" in shown(answer.body)


async def test_a_comment_of_somebody_affected_does_not_pass_for_the_requesters(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await step(desk, TicketAffects, address="pat@contoso.example", name="Pat Lee")
        comment = PortalCommented(
            at=now(), channel="portal", external_id=new_id(), conversation=ConversationId(new_id()),
            ticket=FIRST, sender="pat@contoso.example", name="Pat Lee", text="Here too", affected=True,
        )  # fmt: skip
        await desk.served.running.desk.receive(comment)
        assert (await desk.reply(card, "Here too"))["username"] == "Pat Lee (also affected)"


def actions(card: dict[str, Any]) -> list[str]:
    rows = [block["elements"] for block in card["blocks"] if block["type"] == "actions"]
    return [one["text"]["text"] for row in rows for one in row]


async def test_two_live_chats_of_merged_tickets_go_on_each_in_its_own_thread(desk: SlackDesk) -> None:
    async with chat(desk) as (dana, first), chat(desk, "a" * 32, **ANA) as (ana, second):
        await desk.marcus.press(TRIAGE, first["ts"], "ticket_take")
        await desk.priya.press(TRIAGE, second["ts"], "ticket_take")
        await step(desk, TicketMerged, SECOND, into=FIRST)
        await desk.until_shown(second, "Merged into HD-1001; go on there")
        await ana.send(t="message", id="1", text="This is Ana")
        await desk.reply(second, "This is Ana")
        await dana.send(t="message", id="1", text="This is Dana")
        await desk.reply(first, "This is Dana")
        assert "LIVE with Dana Reyes (Contoso)" in shown(desk.thread(first)[0])
        assert "LIVE with Ana Lima (Contoso)" in shown(desk.thread(second)[0])
        await desk.marcus.say(TRIAGE, "Hello Dana", first["ts"])
        await heard(dana, "Hello Dana")
        await desk.priya.say(TRIAGE, "Hello Ana", second["ts"])
        await heard(ana, "Hello Ana")


async def test_a_merged_tickets_thread_is_over_when_its_chat_ends(desk: SlackDesk) -> None:
    async with chat(desk) as (dana, first), chat(desk, "a" * 32, **ANA) as (ana, second):
        await desk.marcus.press(TRIAGE, second["ts"], "ticket_take")
        await dana.send(t="end", id="end")
        await step(desk, TicketMerged, SECOND, into=FIRST)
        await ana.send(t="end", id="end")
        await desk.until_shown(desk.thread(second)[0], "This is part of HD-1001 now; go on there.")
        assert actions(second) == []
        await ana.send(t="message", id="2", text="I am back")
        await desk.reply(first, "I am back")
        await desk.until_shown(first, "Waiting in the chat")
        await desk.marcus.press(TRIAGE, first["ts"], "ticket_take")
        await desk.until_shown(desk.thread(first)[0], "LIVE with Ana Lima.")
        await desk.marcus.say(TRIAGE, "Welcome back", first["ts"])
        await heard(ana, "Welcome back")
        await desk.marcus.say(TRIAGE, "Is anybody there?", second["ts"])
        assert desk.workspace.ephemeral[-1]["text"] == (
            "Not passed on: HD-1002 is part of HD-1001 now; write in the thread of HD-1001."
        )


async def test_a_merged_tickets_thread_is_over_whichever_delivery_shows_it_first(
    desk: SlackDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def later(*_: object) -> None:
        """What other deliveries may overtake: that of the chat itself."""

    async with chat(desk) as (dana, first), chat(desk, "a" * 32, **ANA) as (ana, second):
        monkeypatch.setattr(Cards, "_follow_chat", later)
        for line in (dana, ana):
            await line.send(t="end", id="end")
            await line.next("ack")
        await step(desk, TicketMerged, SECOND, into=FIRST)
        await desk.until_shown(desk.thread(second)[0], "This is part of HD-1001 now; go on there.")
        await ana.send(t="message", id="2", text="I am back")
        await desk.reply(first, "I am back")
        await desk.until_shown(first, "Waiting in the chat")
        await desk.marcus.press(TRIAGE, first["ts"], "ticket_take")
        await desk.until_shown(desk.thread(first)[0], "LIVE with Ana Lima.")
        await desk.marcus.say(TRIAGE, "Is anybody there?", second["ts"])
        assert [one["text"] for one in desk.workspace.ephemeral] == [
            "Not passed on: HD-1002 is part of HD-1001 now; write in the thread of HD-1001."
        ]


async def test_the_card_of_a_cancelled_ticket_says_so(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await step(desk, TicketCancelled, reason="spam")
        await desk.until_shown(card, ":no_entry_sign: Cancelled")
        assert "Nobody" not in shown(card)


async def test_the_card_shows_workaround_resolution_and_rating(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await step(desk, TicketEdited, workaround="Use the other printer.")
        await desk.until_shown(card, "Workaround\nUse the other printer.")
        await desk.marcus.command("resolve HD-1001 A new cable.", TRIAGE)
        await desk.until_shown(card, "Resolution\nA new cable.")
        await line.send(t="rate", id="rate", score=2, comment="It took long")
        await desk.until_shown(card, "Rating\n2 of 5: It took long")


async def test_a_change_to_what_only_the_card_shows_is_posted_in_its_thread_once(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.reply(card, "You are number 1")
        await line.send(t="edit", id="edit", seq=1, text="It is slow since the update")
        reply = await desk.reply(card, "It is slow since the update")
        assert "edited" in shown(reply)
        desk.slack.fail("chat.update", "cut after")
        await line.send(t="edit", id="again", seq=1, text="It is slow since Monday")
        await desk.until_shown(reply, "It is slow since Monday")
        await line.send(t="message", id="then", text="Hello?")
        await desk.reply(card, "Hello?")
        assert [shown(one) for one in desk.thread(card)].count("It is slow since Monday\nedited") == 1


async def test_who_writes_before_they_take_the_chat_is_told_that_nobody_outside_reads_it(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (_, card):
        await desk.marcus.say(TRIAGE, "// Old laptop", card["ts"])
        await desk.marcus.say(TRIAGE, "Hello Dana", card["ts"])
        told = [one["text"] for one in desk.workspace.ephemeral]
        assert len(told) == 1
        assert told[0].startswith("Kept as an internal note: the customer waits in the chat")


async def test_a_note_for_a_merged_ticket_is_refused_with_the_ticket_that_it_is_part_of(
    desk: SlackDesk,
) -> None:
    async with chat(desk), chat(desk, "a" * 32, **ANA):
        await step(desk, TicketMerged, SECOND, into=FIRST)
        await desk.marcus.shortcut("add_to_ticket", TRIAGE, desk.marcus.write(TRIAGE, "See this"))
        answer = await desk.marcus.submit(desk.marcus.dialog(), ticket="HD-1002")
        assert answer.body["errors"]["ticket"] == "HD-1002 is part of HD-1001 now; name that one."
