"""Maintenance in the chat's window: before the survey, while one waits, and as time passes [R47]."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from playwright.async_api import Browser, expect

from tests.axe import violations
from tests.maintenance_toml import coming, going_on, maintenance
from tests.running_desk import serving
from tests.test_widget_browser import answer, take
from tests.widget_page import customer_page, new_page

pytestmark = pytest.mark.browser

DESK = '[desk]\nname = "Northwind IT"\nphone = "555-0100"\n'


async def test_what_goes_on_is_said_before_the_survey_and_on_through_the_chat(browser: Browser) -> None:
    async with (
        serving(DESK + going_on()) as desk,
        customer_page(browser, f"{desk.base}/demo") as dana,
    ):
        await dana.open()
        said = dana.window.locator(".planned")
        await expect(said).to_contain_text("Maintenance now: Windows patching, until ")
        await expect(dana.window.get_by_label("Your full name")).to_be_focused()
        await dana.fill_in()
        await dana.window.get_by_role("button", name="Start chat").click()
        await expect(dana.log).to_contain_text("Your ticket is HD-")
        await expect(said).to_be_visible()
        await take(desk, await dana.ticket())
        await answer(desk, dana, "Your computer is being patched.")
        await expect(said).to_be_visible()


@pytest.mark.parametrize(("width", "colours"), [(375, "light"), (375, "dark"), (1280, "dark")])
async def test_the_line_breaks_no_rule_of_accessibility_and_leaves_the_survey_its_room(
    browser: Browser, width: int, colours: str
) -> None:
    async with (
        serving(DESK + coming()) as desk,
        customer_page(browser, f"{desk.base}/demo", width=width, height=740, colours=colours) as dana,
    ):
        await dana.open()
        await expect(dana.window.locator(".planned")).to_contain_text("Maintenance: Windows patching, ")
        assert await violations(dana.page) == []
        await expect(dana.window.get_by_label("Your full name")).to_be_in_viewport()


async def test_it_changes_and_goes_away_on_an_open_page(browser: Browser) -> None:
    async with serving(DESK + coming()) as desk:
        context = await browser.new_context()
        page = await context.new_page()
        await page.clock.install()
        dana = await new_page(page, f"{desk.base}/demo")
        await dana.open()
        said = dana.window.locator(".planned")
        await expect(said).to_contain_text("Maintenance: Windows patching, ")
        await page.clock.fast_forward(timedelta(hours=2).seconds * 1000)
        await expect(said).to_contain_text("Maintenance now: Windows patching, until ")
        await page.clock.fast_forward(timedelta(hours=2).seconds * 1000)
        await expect(said).to_be_hidden()
        assert dana.problems == []
        await context.close()


async def test_a_line_that_appears_leaves_the_newest_message_in_sight(browser: Browser) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    evening = datetime.combine(tomorrow, time(17), UTC)
    night = maintenance(evening + timedelta(hours=8), timedelta(hours=3))
    async with serving(DESK + night) as desk:
        context = await browser.new_context(viewport={"width": 375, "height": 500})
        page = await context.new_page()
        await page.clock.install()
        dana = await new_page(page, f"{desk.base}/demo")
        await dana.start()
        for number in range(8):
            await dana.write(f"It still prints blank pages, {number}.")
        last = dana.log.get_by_text("blank pages, 7.")
        await expect(last).to_be_in_viewport(ratio=1)
        left = evening - datetime.now(UTC)
        await page.clock.fast_forward(round((left + timedelta(minutes=1)).total_seconds() * 1000))
        await expect(dana.window.locator(".planned")).to_be_visible()
        await expect(last).to_be_in_viewport(ratio=1)
        await context.close()


async def test_it_appears_on_an_open_page_the_evening_before(browser: Browser) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    evening = datetime.combine(tomorrow, time(17), UTC)
    night = maintenance(evening + timedelta(hours=8), timedelta(hours=3))
    async with serving(DESK + night) as desk:
        context = await browser.new_context()
        page = await context.new_page()
        await page.clock.install()
        dana = await new_page(page, f"{desk.base}/demo")
        await dana.open()
        said = dana.window.locator(".planned")
        await expect(dana.window.get_by_label("Your full name")).to_be_focused()
        await expect(said).to_be_hidden()
        left = evening - datetime.now(UTC)
        await page.clock.fast_forward(round((left + timedelta(minutes=1)).total_seconds() * 1000))
        await expect(said).to_contain_text("1:00 AM to 4:00 AM UTC.")
        await context.close()
