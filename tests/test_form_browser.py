"""The web form in a browser: what stands above it is found without a script, and reads well [R2, R47]."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.axe import violations
from tests.maintenance_toml import coming
from tests.running_desk import serving

pytestmark = pytest.mark.browser

DESK = """
[desk]
name = "Northwind IT"
phone = "555-0100"

[[articles]]
title = "How do I open a ticket?"
text = "# Two ways\\n\\n- Fill in *this form*.\\n- Call us."
[[articles]]
title = "How do I set up the VPN?"
url = "https://www.example.com/help/vpn"
"""


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_maintenance_and_answers_break_no_rule_of_accessibility(browser: Browser, colours: str) -> None:
    async with serving(coming() + DESK, demo=False) as desk:
        page = await browser.new_page(color_scheme="dark" if colours == "dark" else "light")
        await page.goto(f"{desk.base}/form?key=desk")
        await page.get_by_text("How do I open a ticket?").click()
        await expect(page.get_by_text("Fill in this form.")).to_be_visible()
        assert await violations(page) == []
        await page.close()


async def test_without_javascript_an_answer_opens_with_the_keyboard_too(browser: Browser) -> None:
    async with serving(coming() + DESK, demo=False) as desk:
        page = await browser.new_page(java_script_enabled=False, viewport={"width": 320, "height": 640})
        await page.goto(f"{desk.base}/form?key=desk")
        await expect(page.get_by_text("Maintenance: Windows patching, ")).to_be_visible()
        answer = page.get_by_text("Fill in this form.")
        await expect(answer).to_be_hidden()
        question = page.get_by_text("How do I open a ticket?")
        await question.focus()
        await page.keyboard.press("Enter")
        await expect(answer).to_be_visible()
        await page.close()
