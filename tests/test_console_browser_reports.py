"""Reports in a real browser: from the console's menu to figures, by keyboard, on phones, in both schemes."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.axe import violations
from tests.console_browser import console_page, say, take
from tests.console_client import waiting_chat
from tests.running_desk import serving

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("phone", [False, True])
async def test_a_report_is_reached_by_keyboard_and_read_at_any_width(browser: Browser, phone: bool) -> None:
    async with (
        serving() as desk,
        console_page(browser, desk, phone=phone, dark=phone) as page,
        waiting_chat(desk, company="Contoso") as (_, number, _),
    ):
        await take(page, number)
        await say(page, "Good morning, Dana.")
        if phone:
            await page.goto(f"{desk.base}/console")
        await page.locator(".app-menu summary").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Reports")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/reports")
        await expect(page.get_by_text("Nothing happened on these days")).to_be_visible()

        await page.get_by_role("link", name="This month").press("Enter")
        chats = page.get_by_role("table", name="Live chat")
        joined = chats.get_by_role("row").filter(has_text="A technician joined in time")
        await expect(joined.get_by_role("cell")).to_have_text("1")
        await expect(page.get_by_role("table", name="By company")).to_contain_text("Contoso")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await violations(page) == []

        await page.get_by_label("Company", exact=True).select_option("Fabrikam")
        await page.get_by_role("button", name="Show").press("Enter")
        await expect(page.get_by_role("heading", level=2)).to_contain_text("Fabrikam: ")
        async with page.expect_download() as found:
            await page.get_by_role("link", name="Download CSV").click()
        assert (await found.value).suggested_filename.startswith("report-fabrikam-")
        assert await violations(page) == []
