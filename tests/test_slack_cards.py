"""What a ticket's card and thread in Slack tell its technicians, whoever changed it and wherever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chatdesk.bootstrap import now
from chatdesk.conversation import Agent, ConversationId
from chatdesk.events import PortalCommented, TicketAffects
from chatdesk.ids import new_id
from chatdesk.ticket import TicketNumber
from tests.slack_desk import TRIAGE, SlackDesk, chat, shown, slack_desk

FIRST = TicketNumber(1001)


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
