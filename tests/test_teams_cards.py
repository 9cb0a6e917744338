"""What a ticket's card and thread in Teams tell its technicians, whoever changed it and wherever."""

from __future__ import annotations

from typing import Any

from chatdesk.conversation import ConversationId
from chatdesk.events import PortalCommented, TicketAffects
from chatdesk.ids import new_id
from tests.fake_connector.running import MARCUS, TeamsDesk, teams_desk
from tests.test_teams_desk import FIRST, chat_on_the_web, moment


async def step(desk: TeamsDesk, kind: Any, **facts: Any) -> None:
    """Let Marcus do something to the ticket in the console."""
    agent = desk.accounts[MARCUS.id].agent
    facts = {"ticket": FIRST, **facts}
    await desk.running.desk.receive(
        kind(at=moment(), channel="web", external_id=new_id(), agent=agent, **facts)
    )


async def test_the_card_names_whom_the_ticket_affects_besides() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        card = await chat_on_the_web(desk)
        assert "Also affected" not in card.card_text
        await step(desk, TicketAffects, address="pat@contoso.example", name="Pat Lee")
        await desk.connector.until(lambda: "Also affected" in card.card_text and "Pat Lee" in card.card_text)


async def test_a_comment_of_somebody_affected_does_not_pass_for_the_requesters() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        card = await chat_on_the_web(desk)
        await step(desk, TicketAffects, address="pat@contoso.example", name="Pat Lee")
        comment = PortalCommented(
            at=moment(), channel="portal", external_id=new_id(), conversation=ConversationId(new_id()),
            ticket=FIRST, sender="pat@contoso.example", name="Pat Lee", text="Here too", affected=True,
        )  # fmt: skip
        await desk.running.desk.receive(comment)
        text = await desk.last_text(card.conversation, "Here too")
        assert text == "Pat Lee, also affected:\nHere too"
