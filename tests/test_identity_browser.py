"""Who is signed in at their company's own site is not asked for their name, in a real browser [threat 2]."""

from __future__ import annotations

import html
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, expect

from adapters.web import identity_token
from adapters.web.visitor_identity import OVER, UNKNOWN
from chatdesk.site_identity import identified_by
from chatdesk.ticket import Ticket, TicketNumber
from tests.axe import violations
from tests.console_browser import console_page, open_ticket
from tests.running_desk import ServedDesk, serving
from tests.site_tokens import DESK, IDENTITIES, STRICT, WIDGET, claims, part, token
from tests.widget_page import WidgetPage, new_page

pytestmark = pytest.mark.browser

DANA = "Dana Reyes, Contoso · dana@contoso.example · 555-0134"
ISSUE = "What is happening?"


@dataclass(frozen=True, slots=True)
class Site:
    """Contoso's intranet, on a server of its own; ``pages`` are what it serves, by their places."""

    base: str
    pages: list[str]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    pages: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        return web.Response(content_type="text/html", text=pages[int(request.match_info["place"])])

    application = web.Application()
    application.router.add_get(r"/{place:\d+}", answer)
    async with TestServer(application) as server:
        yield Site(str(server.make_url("")).rstrip("/"), pages)


@pytest.fixture
async def desk(site: Site) -> AsyncIterator[ServedDesk]:
    """A desk whose companies' widgets may be on that site."""
    listed = DESK.replace("widget =", f'origins = ["{site.base}"]\nwidget =')
    async with serving(listed, identities=IDENTITIES, demo=False) as served:
        yield served


def good(**other: Any) -> str:
    return token(claims(time.time(), **other))


async def intranet(
    context: BrowserContext, site: Site, desk: ServedDesk, identity: str = "", widget: str = WIDGET
) -> WidgetPage:
    """Open a page of the intranet, whose server wrote the token into the chat's tag."""
    said = f' data-identity="{html.escape(identity)}"' if identity else ""
    site.pages.append(
        '<!DOCTYPE html><html lang="en"><title>Intranet</title><main><h1>Intranet</h1></main>'
        f'<script src="{desk.base}/widget.js" data-desk="{widget}"{said} async></script>'
    )
    return await new_page(await context.new_page(), f"{site.base}/{len(site.pages) - 1}")


@asynccontextmanager
async def profile(browser: Browser, **more: Any) -> AsyncIterator[BrowserContext]:
    """A browser of its own."""
    context = await browser.new_context(reduced_motion="reduce", **more)
    yield context
    await context.close()


async def begin(page: WidgetPage, issue: str = "The printer prints blank pages.") -> str:
    """Say what is happening, and nothing else; return the ticket's number."""
    await page.open()
    await page.window.get_by_label(ISSUE).fill(issue)
    await page.window.get_by_role("button", name="Start chat").click()
    await expect(page.log).to_contain_text("Your ticket is HD-")
    return await page.ticket()


async def opened_by(desk: ServedDesk, number: str) -> Ticket:
    found = await desk.running.services.staff_reads.ticket(TicketNumber(int(number.removeprefix("HD-"))))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("width", "height", "colours"), [(1280, 800, "light"), (375, 740, "light"), (375, 740, "dark")]
)
async def test_whoever_is_signed_in_there_says_only_what_is_happening(
    browser: Browser, site: Site, desk: ServedDesk, width: int, height: int, colours: str
) -> None:
    size: dict[str, Any] = {"viewport": {"width": width, "height": height}, "color_scheme": colours}
    async with profile(browser, **size) as context:
        page = await intranet(context, site, desk, good())
        await page.open()
        await expect(page.window.locator(".known")).to_have_text(DANA)
        await expect(page.window.get_by_role("button", name="Change")).to_have_count(0)
        for label in ("Your full name", "Company", "E-mail address", "Call-back number(s)"):
            await expect(page.window.get_by_label(label)).to_be_hidden()
        assert await violations(page.page) == []
        await page.page.keyboard.press("Escape")
        number = await begin(page)
        assert page.problems == []
    assert identified_by(await opened_by(desk, number)) == "Contoso's site"
    async with console_page(browser, desk, phone=width < 400, dark=colours == "dark") as console:
        await open_ticket(console, number)
        await expect(console.locator("body")).to_contain_text("Identified by")
        await expect(console.locator("body")).to_contain_text("Contoso's site")


async def test_a_number_that_the_site_does_not_tell_is_asked_and_can_be_changed_next_time(
    browser: Browser, site: Site, desk: ServedDesk
) -> None:
    async with profile(browser) as context:
        page = await intranet(context, site, desk, good(phone=""))
        await page.open()
        await expect(page.window.locator(".known")).to_have_text("Dana Reyes, Contoso · dana@contoso.example")
        await page.window.get_by_label("Call-back number(s)").fill("555-0177")
        await page.page.keyboard.press("Escape")
        await begin(page)
        await page.window.get_by_label("More").click()
        await page.window.get_by_role("button", name="End chat").click()
        await page.window.get_by_role("button", name="Yes, solved").click()
        await page.window.get_by_role("button", name="New request").first.click()
        card = page.window.locator(".known")
        await expect(card).to_contain_text("dana@contoso.example · 555-0177")
        await card.get_by_role("button", name="Change").click()
        await expect(page.window.get_by_label("Call-back number(s)")).to_be_focused()
        await expect(card).to_have_text("Dana Reyes, Contoso · dana@contoso.example")
        await expect(page.window.get_by_label("Your full name")).to_be_hidden()
        assert page.problems == []


async def test_whose_token_is_old_is_told_and_asked_as_anybody(
    browser: Browser, site: Site, desk: ServedDesk
) -> None:
    async with profile(browser) as context:
        page = await intranet(context, site, desk, token(claims(time.time() - 7_200)))
        await page.open()
        await expect(page.window.locator(".survey .notice").first).to_have_text(UNKNOWN)
        await page.page.keyboard.press("Escape")
        number = await page.start()
        assert identified_by(await opened_by(desk, number)) == ""


async def test_whose_token_runs_out_before_they_have_written_is_told_to_reload_and_loses_nothing(
    browser: Browser, site: Site, desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with profile(browser) as context:
        page = await intranet(context, site, desk, good())
        await page.open()
        await page.window.get_by_label(ISSUE).fill("It is slow")
        with monkeypatch.context() as later:
            later.setattr(identity_token, "LEEWAY", timedelta(hours=-2))
            await page.window.get_by_role("button", name="Start chat").click()
            await expect(page.window.get_by_role("alert").last).to_have_text(OVER)
        await page.page.reload()
        await page.open()
        await expect(page.window.get_by_label(ISSUE)).to_have_value("It is slow")
        await page.window.get_by_role("button", name="Start chat").click()
        await expect(page.log).to_contain_text("Your ticket is HD-1001")


@pytest.mark.parametrize("identity", ["", "good for another widget"])
async def test_where_it_is_required_others_find_the_phone_number_and_no_survey(
    browser: Browser, site: Site, desk: ServedDesk, identity: str
) -> None:
    async with profile(browser) as context:
        page = await intranet(context, site, desk, identity and good(), STRICT)
        await page.open()
        await expect(page.window.locator(".survey")).to_contain_text("only for people who are signed in")
        call = page.window.locator(".survey p").get_by_role("link", name="555-0100")
        await expect(call).to_have_attribute("href", "tel:5550100")
        await expect(page.window.get_by_role("button", name="Start chat")).to_have_count(0)
        await expect(page.window.get_by_role("button", name="I have a ticket already")).to_have_count(0)
        assert await violations(page.page) == []


async def test_a_page_may_renew_the_token_in_its_place(
    browser: Browser, site: Site, desk: ServedDesk
) -> None:
    async with profile(browser) as context:
        page = await intranet(context, site, desk, token(claims(time.time() - 7_200)))
        await page.open()
        await expect(page.window.locator(".survey .notice").first).to_have_text(UNKNOWN)
        await page.page.evaluate(
            "(fresh) => { document.querySelector('[data-desk]').dataset.identity = fresh;"
            " document.querySelector('chat-desk').chat.link.connect(); }",
            good(),
        )
        await expect(page.window.locator(".known")).to_have_text(DANA)


async def test_somebody_else_who_signs_in_at_the_same_browser_begins_afresh(
    browser: Browser, site: Site, desk: ServedDesk
) -> None:
    async with profile(browser) as context:
        dana = await intranet(context, site, desk, good())
        await begin(dana, "A private matter")
        await dana.write("What I did not send to Lee")
        await dana.window.get_by_label("Your message").fill("And what I never sent")
        await dana.page.close()
        lee = await intranet(
            context, site, desk, good(email="lee@contoso.example", name="Lee Park", phone="")
        )
        await lee.open()
        await expect(lee.window.locator(".known")).to_contain_text("Lee Park, Contoso · lee@contoso.example")
        await lee.window.get_by_label("Call-back number(s)").fill("555-0177")
        await lee.page.keyboard.press("Escape")
        assert await begin(lee, "My own matter") == "HD-1002"
        await expect(lee.log).not_to_contain_text("private")
        await expect(lee.window.get_by_label("Your message")).to_have_value("")
        assert lee.problems == []
    first, second = [await opened_by(desk, number) for number in ("HD-1001", "HD-1002")]
    assert (first.requester_name, second.requester_name) == ("Dana Reyes", "Lee Park")


async def test_a_hostile_page_makes_nobody_of_its_visitor_and_runs_nothing_by_a_name(
    browser: Browser, site: Site, desk: ServedDesk
) -> None:
    head, _, signature = good().split(".")
    boss = claims(time.time(), email="boss@contoso.example", name="The Boss")
    forged = (f"{head}.{part(boss)}.{signature}", f"{part({'alg': 'none'})}.{part(boss)}.", "x" * 200_000)
    for identity in forged:
        async with profile(browser) as context:
            page = await intranet(context, site, desk, identity)
            await page.open()
            await expect(page.window.locator(".survey .notice").first).to_have_text(UNKNOWN)
            await expect(page.window.get_by_label("Your full name")).to_be_visible()
            # What a page tells the chat of its own accord is shown to its visitor, and believed by nobody.
            await page.page.evaluate(
                "() => { const { chat } = document.querySelector('chat-desk');"
                " chat.known = chat.who = { signed: { name: 'The Boss', email: 'boss@contoso.example' } };"
                " chat.link.post({ t: 'start', answers: { name: 'The Boss', email: 'boss@contoso.example',"
                " company: 'Contoso', phone: '555-0100', issue: 'Pay', 'Identified by': 'Contoso' } }); }"
            )
            await expect(page.log).to_contain_text("Your ticket is HD-")
            assert identified_by(await opened_by(desk, await page.ticket())) == ""
    async with profile(browser) as context:
        page = await intranet(context, site, desk, good(name="<img src=x onerror='window.hurt = 1'>"))
        await page.open()
        await expect(page.window.locator(".known")).to_contain_text("<img src=x onerror=")
        assert await page.page.evaluate("window.hurt") is None
        assert page.problems == []


async def test_a_page_of_a_site_that_is_not_listed_gets_nothing_for_a_good_token(
    browser: Browser, site: Site
) -> None:
    async with serving(DESK, identities=IDENTITIES, demo=False) as desk, profile(browser) as context:
        page = await intranet(context, site, desk, good())
        await page.launcher.click()
        await expect(page.page.get_by_role("alert")).to_contain_text("could not be loaded")
