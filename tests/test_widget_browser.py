"""The chat in a real browser, from the customer's side."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from chatdesk.bootstrap import now
from chatdesk.conversation import Agent, ConversationId
from chatdesk.events import AgentMessaged, TicketTaken
from chatdesk.ticket import TicketNumber
from tests.running_desk import ServedDesk, serving
from tests.widget_page import WidgetPage, customer_page

pytestmark = pytest.mark.browser

MARCUS = Agent("marcus", "Marcus Bell")


async def take(desk: ServedDesk, ticket: str) -> None:
    """Let Marcus take the ticket."""
    number = TicketNumber(int(ticket.removeprefix("HD-")))
    event = TicketTaken(
        at=now(), channel="console", external_id=f"take-{number}", ticket=number, agent=MARCUS
    )
    await desk.running.desk.receive(event)


async def answer(desk: ServedDesk, dana: WidgetPage, text: str) -> None:
    """Let Marcus write to the customer."""
    identity = ConversationId(await dana.conversation())
    event = AgentMessaged(
        at=now(), channel="console", external_id=text, conversation=identity, agent=MARCUS, text=text
    )
    await desk.running.desk.receive(event)


async def test_a_customer_fills_in_the_survey_and_talks_to_a_technician(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        ticket = await dana.start()
        assert ticket == "HD-1001"
        await expect(dana.status).to_contain_text("You are number 1 in the queue.")
        await take(desk, ticket)
        await expect(dana.log).to_contain_text("Marcus Bell from the help desk has joined.")
        await answer(desk, dana, "Hello Dana, which printer is it?")
        await expect(dana.log).to_contain_text("which printer is it?")
        await dana.write("The one on the second floor.")
        await expect(dana.log.locator(".customer").last).to_contain_text("The one on the second floor.")
