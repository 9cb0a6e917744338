"""The desk in Microsoft's own client: a technician in one window, a customer in the other, in a real browser.

SCREENSHOTS=docs/images takes the pictures of docs/teams.md anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Browser

from chatdesk.bootstrap import now
from chatdesk.conversation import Visibility
from chatdesk.ticket import TicketNumber
from tests.asking import number
from tests.fake_connector.connector import CHANNEL
from tests.fake_connector.issuer import TENANT
from tests.fake_connector.running import CLIENT_TENANT, Person, TeamsDesk, teams_desk
from tests.playground import Playground, free_port, playground, require_playground

BOT = "28:service-desk"
MARCUS = Person("user-marcus", "00000000-0000-0000-0000-000000000020", "Marcus Bell", TENANT)
DANA = Person("user-dana", "00000000-0000-0000-0000-000000000021", "Dana Reyes", CLIENT_TENANT)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass
class Windows:
    """The desk, the technician's window and the customer's."""

    desk: TeamsDesk
    technician: Playground
    customer: Playground

    async def settle(self) -> None:
        """Wait until the desk has sent all there is: a card that comes anew closes what was opened in it."""
        query = "SELECT count(*) FROM delivery WHERE target = 'teams' AND status IN ('pending', 'leased')"
        async with asyncio.timeout(20):
            while await number(self.desk.running.database.url, query):  # noqa: ASYNC110 - the relay sends them
                await asyncio.sleep(0.02)


@asynccontextmanager
async def two_windows(browser: Browser, folder: Path) -> AsyncIterator[Windows]:
    """Open the desk, without authentication on loopback, and a client for each of the two."""
    require_playground()
    ports = (free_port(), free_port())
    services = tuple(f"http://localhost:{port}/_connector" for port in ports)
    async with teams_desk(anonymous=True, service_urls=services, app_id=BOT) as desk:
        _ = await desk.running.staff.add("Marcus Bell", "marcus@northwind.example", None, now())
        endpoint = f"{desk.base}/api/messages"
        open_for = partial(playground, browser, bot=BOT, team=CHANNEL, endpoint=endpoint, folder=folder)
        async with (
            open_for(MARCUS, "marcus@northwind.example", port=ports[0]) as technician,
            open_for(DANA, "dana@contoso.example", port=ports[1]) as customer,
        ):
            yield Windows(desk, technician, customer)


async def begin_chat(customer: Playground) -> None:
    """Let the customer write, answer the survey and send it."""
    await customer.reads("Ask for help")
    await customer.write("My mail is broken")
    await customer.reads("Call-back number(s)")
    await customer.fill("E-mail address *", "dana@contoso.example")
    await customer.fill("Call-back number(s) *", "555-0134")
    await customer.choose("Who is affected?", "Only me")
    await customer.choose("Can you keep working?", "No")
    await customer.shoot("teams-survey")
    await customer.button("Start chat").click()
    await customer.reads("Your ticket is HD-1001")


async def test_a_chat_from_the_survey_to_the_resolution(browser: Browser, tmp_path: Path) -> None:
    async with two_windows(browser, tmp_path) as windows:
        technician, customer = windows.technician, windows.customer
        await begin_chat(customer)
        await technician.open("General")
        await technician.reads("HD-1001 · customer is waiting")
        await technician.shoot("teams-card")
        await technician.button("Take").click()
        await customer.reads("Marcus Bell from the help desk has joined")
        await technician.reads("LIVE with Dana Reyes (Contoso)")
        await windows.settle()
        await technician.button("Reply").click()
        await technician.fill("Reply to the customer", "Good morning, Dana. Which version?")
        await technician.button("Send").click()
        await customer.reads("Marcus Bell: Good morning, Dana. Which version?")
        await customer.write("The newest one.")
        await technician.reads("Dana Reyes: The newest one.")
        await windows.settle()
        await technician.button("Note").click()
        await technician.fill("Internal note", "Known fault of this version.")
        await technician.button("Note").click()
        await technician.reads("Marcus Bell, internal note: Known fault of this version.")
        await technician.scroll_to("internal note: Known fault")
        await technician.shoot("teams-thread")
        await windows.settle()
        await technician.button("Resolve").click()
        await technician.fill("What was done", "Went back to the version before.")
        await technician.button("Resolve").click()
        await customer.reads("HD-1001 is closed")
        await customer.shoot("teams-customer")
        assert await customer.page.get_by_text("Known fault").count() == 0
        file = await windows.desk.running.services.staff_reads.ticket_file(TicketNumber(1001))
        assert file is not None
        assert file.ticket.status.value == "closed"
        notes = [one.text for one in file.messages if one.visibility is Visibility.INTERNAL]
        assert "Known fault of this version." in notes


async def test_personal_commands_are_answered_with_cards(browser: Browser, tmp_path: Path) -> None:
    async with two_windows(browser, tmp_path) as windows:
        technician, customer = windows.technician, windows.customer
        await begin_chat(customer)
        await customer.write("status")
        await customer.reads("Your tickets")
        await technician.write("help")
        await technician.reads("queue: open tickets")
        await technician.write("queue")
        await technician.reads("HD-1001 · customer is waiting · Dana Reyes, Contoso")
        await technician.shoot("teams-commands")
        await technician.button("Open").click()
        await technician.reads("555-0134, dana@contoso.example")
        await technician.write("take HD-1001")
        await customer.reads("Marcus Bell from the help desk has joined")
        await technician.write("mine")
        await technician.reads("My tickets")
        await technician.write("new printer")
        await technician.reads("Write down who calls")
        await technician.fill("Your full name *", "Lee Ito")
        await technician.fill("Company *", "Contoso")
        await technician.fill("E-mail address *", "lee@contoso.example")
        await technician.fill("Call-back number(s) *", "555-0135")
        await technician.button("Create ticket").click()
        await technician.reads("HD-1002")
