"""How the console is laid out in a real browser: at 200 %, and with text that runs from right to left."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, FloatRect, Page, expect

from tests.axe import violations
from tests.console_browser import console_page, open_ticket, take
from tests.console_client import waiting_chat
from tests.maintenance_toml import going_on
from tests.running_desk import ServedDesk, serving

pytestmark = pytest.mark.browser

DIRECTION = "(element) => getComputedStyle(element).direction"


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


async def box(page: Page, selector: str) -> FloatRect:
    """Return where something stands on the page."""
    found = await page.locator(selector).bounding_box()
    assert found is not None, selector
    return found


async def test_at_two_hundred_percent_the_timeline_keeps_its_place_and_the_composer_takes_one_row(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (_, number, _):
        await page.set_viewport_size({"width": 640, "height": 400})
        await take(page, number)
        text, send = await box(page, ".composer textarea"), await box(page, ".composer .send")
        assert text["y"] <= send["y"] + send["height"] / 2 <= text["y"] + text["height"]
        assert send["y"] + send["height"] <= 400
        assert (await box(page, ".timeline"))["height"] >= 130
        assert await violations(page) == []


@pytest.mark.parametrize("phone", [False, True])
async def test_technicians_read_of_maintenance_in_a_line_below_the_list(
    browser: Browser, phone: bool
) -> None:
    text = '[desk]\nname = "Northwind IT"\n' + going_on()
    async with serving(text) as desk, console_page(browser, desk, phone=phone, dark=phone) as page:
        line = page.locator(".maintenance")
        await expect(line).to_contain_text("Maintenance now: Windows patching, until ")
        await expect(line).to_be_in_viewport()
        assert await violations(page) == []


async def test_text_that_runs_from_right_to_left_is_laid_out_so_and_the_rest_is_not(
    desk: ServedDesk, browser: Browser
) -> None:
    issue = "الطابعة لا تعمل 123."
    async with (
        console_page(browser, desk) as page,
        waiting_chat(desk, issue=issue, name="مريم") as (customer, number, _),
    ):
        await open_ticket(page, number)
        await page.get_by_role("button", name="Take chat").click()
        await customer.send(t="message", id="2", text="In Latin letters.")
        await expect(page.locator(".message.customer")).to_have_count(2)
        await expect(page).to_have_title(f"{number} {issue} – Northwind IT")
        await page.locator(".composer textarea").fill("שלום")
        for selector in (
            ".ticket-subject",
            ".row .subject",
            ".row .requester",
            ".message.customer >> nth=0 >> .text",
            ".person strong",
            ".composer textarea",
        ):
            assert await page.locator(selector).evaluate(DIRECTION) == "rtl", selector
        for selector in (".message.customer >> nth=1 >> .text", ".row .company", ".ticket-chips"):
            assert await page.locator(selector).evaluate(DIRECTION) == "ltr", selector


async def test_on_a_phone_the_main_step_stands_first_and_is_in_sight(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk, phone=True) as page, waiting_chat(desk) as (_, number, _):
        await take(page, number)
        first = page.locator(".steps button").first
        await expect(first).to_have_text("Resolve")
        await expect(first).to_have_class("primary")
        await expect(first).to_be_in_viewport(ratio=1)
        assert (await box(page, ".steps .primary"))["height"] >= 44


async def test_on_a_small_phone_a_file_with_a_long_name_stays_within_the_timeline(
    desk: ServedDesk, browser: Browser
) -> None:
    name = "a long name that goes on with-many-words_and_underscores_2026-11-28_final_v7 (3).pdf"
    async with console_page(browser, desk, phone=True) as page, waiting_chat(desk) as (_, number, _):
        await page.set_viewport_size({"width": 320, "height": 568})
        await take(page, number)
        await page.locator(".composer input[type=file]").set_input_files(
            {"name": name, "mimeType": "application/pdf", "buffer": b"%PDF"}
        )
        await expect(page.locator(".chip:not(.loading)")).to_be_visible()
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".message.agent:not(.pending) .file")).to_be_visible()
        assert await page.locator(".timeline").evaluate("list => list.scrollWidth <= list.clientWidth")


async def test_what_is_pressed_in_the_details_is_tall_enough_for_a_finger(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (_, number, _):
        await open_ticket(page, number)
        pressed = page.locator(".details :is(.card p > a, summary)")
        await expect(pressed).to_have_count(4)
        assert await pressed.evaluate_all("all => all.every((each) => each.offsetHeight >= 24)")


async def test_a_transcript_fits_a_small_phone_however_long_an_address_is(
    desk: ServedDesk, browser: Browser
) -> None:
    answers = {"email": f"{'maximiliana.theodora' * 3}@contoso.example", "name": "M" * 60, "issue": "W" * 90}
    async with console_page(browser, desk) as page, waiting_chat(desk, **answers) as (_, number, _):
        await page.set_viewport_size({"width": 320, "height": 568})
        await page.goto(f"{desk.base}/console/api/tickets/{number}/transcript?format=html&internal=1")
        await expect(page.locator("body")).to_contain_text("INTERNAL VERSION")
        root = page.locator("html")
        assert await root.evaluate("root => root.scrollWidth <= root.clientWidth")
