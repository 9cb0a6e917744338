"""The portal in a real browser, at phone and desktop width, in light and dark, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect

from tests.axe import violations
from tests.console_browser import answer_dialog, console_page, open_ticket
from tests.fake_openid import FakeOpenId
from tests.portal_people import PORTAL_DESK, customer_of, person, portal_desk
from tests.running_desk import ServedDesk
from tests.web_people import signed_in

pytestmark = pytest.mark.browser
PHONE, DESKTOP = (390, 800), (1200, 800)


@pytest.fixture
async def served() -> AsyncIterator[tuple[ServedDesk, FakeOpenId]]:
    async with portal_desk(PORTAL_DESK, "microsoft", "google") as both:
        both[1].person = person("dana@contoso.example", "Dana Reyes")
        yield both


@asynccontextmanager
async def portal_page(
    browser: Browser, size: tuple[int, int] = DESKTOP, scheme: str = "light", *, script: bool = True
) -> AsyncIterator[Page]:
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=script,
    )
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def check(page: Page) -> None:
    """Say what on the page breaks a rule of accessibility, or sticks out of it."""
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_whole_way_without_a_script(
    served: tuple[ServedDesk, FakeOpenId], browser: Browser
) -> None:
    desk, _ = served
    async with portal_page(browser, script=False) as page, signed_in(desk) as marcus:
        await page.goto(f"{desk.base}/portal")
        await page.get_by_role("link", name="Sign in with Google").click()
        await expect(page.get_by_role("heading", name="Your tickets")).to_be_visible()
        await page.locator("main").get_by_role("link", name="New ticket").click()
        await page.get_by_role("button", name="Send request").click()
        await expect(page.get_by_role("alert")).to_contain_text("Please check the marked fields.")
        await page.get_by_label("Call-back number(s)").fill("555-0134")
        await page.get_by_label("What is happening?").fill("The scanner is jammed")
        await page.get_by_role("button", name="Send request").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("HD-1001 The scanner is jammed")
        await expect(page.get_by_role("status")).to_have_text("Thank you. We have your request.")
        await marcus.take("HD-1001")
        async with await marcus.get("/console/api/tickets/HD-1001") as answer:
            (chat,) = (await answer.json())["conversations"]
        await marcus.say(chat["id"], "Please turn it off and on, Dana.")
        await page.reload()
        await expect(page.locator(".messages .by-agent")).to_contain_text("Please turn it off and on, Dana.")
        await page.get_by_label("Add a comment").fill("That did it")
        await page.get_by_role("button", name="Send comment").click()
        await expect(page.locator(".messages .by-customer").last).to_contain_text("That did it")
        await page.get_by_label("Priority").select_option("low")
        await page.get_by_role("button", name="Change priority").click()
        await expect(page.locator(".facts")).to_contain_text("Low")
        await page.get_by_role("button", name="Close the ticket").click()
        await expect(page.locator(".facts")).to_contain_text("Closed")
        await page.get_by_label("Not solved?").fill("It is jammed again")
        await page.get_by_role("button", name="Re-open").click()
        await expect(page.locator(".facts")).to_contain_text("Assigned to a technician")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("status")).to_have_text("You are signed out.")
        await page.go_back()
        await page.reload()
        await expect(page.get_by_role("link", name="Sign in with Google")).to_be_visible()


async def test_a_ticket_is_found_by_what_was_said_in_it_without_a_script(
    served: tuple[ServedDesk, FakeOpenId], browser: Browser
) -> None:
    desk, openid = served
    async with customer_of(desk, openid, "dana@contoso.example", "Dana Reyes") as dana:
        number = await dana.open_ticket("The scanner is jammed")
        await dana.form(f"/portal/tickets/{number}", do="comment", text="It says E-40 now")
        await dana.form(f"/portal/tickets/{number}", do="solved")
    async with portal_page(browser, script=False) as page:
        await page.goto(f"{desk.base}/portal/sign-in/google")
        await page.get_by_label("Search").fill("says")
        await page.keyboard.press("Enter")
        await expect(page.locator(".excerpt mark")).to_have_text("says")
        await expect(page.get_by_role("searchbox")).to_have_value("says")
        await page.locator(".tickets a").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text(number)
        await expect(page.locator("main")).to_contain_text("You said this is solved.")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_its_pages_can_be_read_by_everybody_at_any_width_and_in_both_schemes(
    served: tuple[ServedDesk, FakeOpenId], browser: Browser, size: tuple[int, int], scheme: str
) -> None:
    desk, openid = served
    async with portal_page(browser, size, scheme) as page:
        await page.goto(f"{desk.base}/portal")
        await check(page)
        await page.get_by_role("link", name="Sign in with Microsoft").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "You cannot sign in with this account"
        )
        await check(page)
        openid.person = person("lee@contoso.example", "Lee Park")
        await page.goto(f"{desk.base}/portal/sign-in/google")
        await check(page)
        await page.goto(f"{desk.base}/portal/new")
        await page.get_by_role("button", name="Send request").click()
        await check(page)
        await page.get_by_label("Call-back number(s)").fill("555-0134")
        await page.get_by_label("What is happening?").fill(f"See https://x.example/{'long' * 60} and more")
        await page.get_by_role("button", name="Send request").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("HD-1001")
        await check(page)
        await page.goto(f"{desk.base}/portal")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Tickets of Contoso")
        await check(page)
        for asked, said in (("more", "1 ticket found."), ("nothing", "No tickets match.")):
            await page.get_by_role("searchbox").fill(asked)
            await page.get_by_role("button", name="Search").click()
            await expect(page.get_by_role("status")).to_contain_text(said)
            await check(page)


async def test_the_keyboard_is_enough(served: tuple[ServedDesk, FakeOpenId], browser: Browser) -> None:
    desk, _ = served
    async with portal_page(browser) as page:
        await page.goto(f"{desk.base}/portal/sign-in/google")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Go to the content")).to_be_focused()
        await expect(page.get_by_role("link", name="Go to the content")).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await expect(page.locator("main").get_by_role("link", name="New ticket")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("/portal/new$"))
        await page.get_by_label("Call-back number(s)").focus()
        await page.keyboard.type("555-0134")
        for _ in ("who is affected", "can you keep working", "what is happening"):
            await page.keyboard.press("Tab")
        await page.keyboard.type("The scanner is jammed")
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("Files")).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("HD-1001")


async def test_a_link_to_a_ticket_leads_there_by_way_of_signing_in(
    served: tuple[ServedDesk, FakeOpenId], browser: Browser
) -> None:
    desk, _ = served
    async with portal_page(browser) as page:
        await page.goto(f"{desk.base}/portal/new")
        await page.get_by_role("link", name="Sign in with Google").click()
        await expect(page).to_have_url(f"{desk.base}/portal/new")


async def test_somebody_whom_a_technician_adds_to_a_ticket_finds_it_in_the_portal(
    served: tuple[ServedDesk, FakeOpenId], browser: Browser
) -> None:
    desk, openid = served
    async with customer_of(desk, openid, "dana@contoso.example") as dana:
        number = await dana.open_ticket("Mail is down")
    async with console_page(browser, desk) as console:
        await console.get_by_role("button", name="All", exact=True).click()
        await open_ticket(console, number)
        add = console.get_by_role("button", name="Add a person")
        await add.press("Enter")
        await answer_dialog(console, "Add", **{"Name": "Pat Lee", "E-mail address": "pat"})
        await expect(console.get_by_role("alert").locator("visible=true")).to_contain_text("e-mail address")
        await answer_dialog(console, "Add", **{"E-mail address": "pat@contoso.example"})
        await expect(console.locator(".affected li")).to_have_text(["Pat Leepat@contoso.example"])
        await expect(add).to_be_focused()
        assert await violations(console) == []
        openid.person = person("pat@contoso.example", "Pat Lee")
        async with portal_page(browser, PHONE, "dark") as page:
            await page.goto(f"{desk.base}/portal/sign-in/google")
            await expect(page.locator(".affects")).to_have_text("Affects you")
            await check(page)
            await page.get_by_role("link", name=number).click()
            await expect(page.locator("main")).to_contain_text("This ticket affects you.")
            await expect(page.locator("main")).not_to_contain_text("Dana")
            await check(page)
            await page.get_by_label("Add a comment").fill("On the third floor too")
            await page.get_by_role("button", name="Send comment").click()
            await expect(page.locator(".messages")).to_contain_text("On the third floor too")
            await expect(console.locator(".timeline")).to_contain_text("from Pat Lee, also affected")
            await console.get_by_role("button", name="Take Pat Lee off").click()
            await expect(console.locator(".affected li")).to_have_count(0)
            await expect(add).to_be_focused()
            await page.reload()
            await expect(page.locator("main")).not_to_contain_text("On the third floor too")
