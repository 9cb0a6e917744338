"""Going on with a ticket in another browser, as a customer does it in the chat's window [R19]."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.axe import violations
from tests.mail_builders import all_sent, read_back
from tests.running_desk import serving
from tests.widget_page import WidgetPage, customer_page

ON_ITS_WAY = "If this is the ticket's address, a code is on its way to it."


async def ask(page: WidgetPage, **typed: str) -> None:
    for label, text in typed.items():
        await page.window.locator(f"[name={label}]").fill(text)
    await page.window.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (360, 640)])
async def test_a_customer_goes_on_with_their_ticket_in_another_browser(
    browser: Browser, width: int, height: int
) -> None:
    async with serving() as desk:
        async with customer_page(browser, desk.base) as first:
            number = await first.start()
        async with customer_page(browser, desk.base, width=width, height=height) as other:
            await other.open()
            await other.window.get_by_role("button", name="I have a ticket already").click()
            await expect(other.window).to_contain_text("Which ticket is it?")
            await expect(other.window.get_by_label("Ticket number")).to_be_focused()
            assert await violations(other.page) == []
            await ask(other, ticket=number, email="dana@contoso.example")
            await expect(other.banner).to_have_text(ON_ITS_WAY)
            await expect(other.window.get_by_label("Code")).to_be_focused()
            mail = next(mail for mail in await all_sent(desk) if b"Your code" in mail.source)
            await ask(other, code="AAAA-AAAA")
            await expect(other.window.get_by_role("alert")).to_contain_text("This code does not fit")
            code = re.findall(r"\b[A-Z2-7]{4}-[A-Z2-7]{4}\b", read_back(mail).get_content())[0]
            await ask(other, code=code.lower())
            await expect(other.log).to_contain_text(f"This is {number}: The printer prints blank pages.")
            await expect(other.banner).to_have_text("")
            assert await other.ticket() == number
            await other.write("Any news?")
            await expect(other.log).to_contain_text("Any news?")
            await expect(other.status).to_contain_text("in the queue")


async def test_whoever_thinks_better_of_it_finds_the_questions_as_they_left_them(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, desk.base) as page:
        await page.open()
        await page.fill_in()
        await page.window.get_by_role("button", name="I have a ticket already").click()
        await page.window.get_by_role("button", name="Back").click()
        typed = page.window.get_by_label("What is happening?")
        await expect(typed).to_have_value("The printer prints blank pages.")
        await page.window.get_by_role("button", name="Start chat").click()
        await expect(page.log).to_contain_text("Your ticket is HD-1001")


async def test_what_is_missing_is_said_before_anything_is_sent(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, desk.base) as page:
        await page.open()
        await page.window.get_by_role("button", name="I have a ticket already").click()
        await ask(page, ticket="HD-1001")
        await expect(page.window.get_by_role("alert")).to_contain_text("Please check the marked fields.")
        await expect(page.window.get_by_label("E-mail address")).to_be_focused()
