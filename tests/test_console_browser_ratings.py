"""What a customer thought of a chat, in a real browser: staff read it on the ticket."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.axe import violations
from tests.console_browser import console_page, open_ticket
from tests.console_client import waiting_chat
from tests.running_desk import serving

pytestmark = pytest.mark.browser


async def test_a_rating_appears_with_its_comment_in_the_details_and_the_timeline(browser: Browser) -> None:
    async with (
        serving() as desk,
        console_page(browser, desk) as page,
        waiting_chat(desk) as (customer, number, _),
    ):
        await open_ticket(page, number)
        await customer.send(t="end", id="2", solved=True)
        await customer.send(t="rate", id="3", score=4, comment="Quick & <b>kind</b>")
        line = page.locator(".line.rating .words")
        await expect(line).to_have_text("Dana Reyes · rated the chat 4 of 5: Quick & <b>kind</b>")
        customer_card = page.locator(".card", has_text="Rating")
        await expect(customer_card.locator(".fact")).to_have_text("Rating4 of 5")
        await expect(customer_card.locator(".quoted")).to_have_text("Quick & <b>kind</b>")
        assert await violations(page) == []
