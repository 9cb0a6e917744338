"""The page of a managed computer's icon [R6]: the chat alone, what its address may say, what comes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from adapters.web.security_headers import HEADERS
from chatdesk.reading import TicketFilter, TicketView
from chatdesk.ticket import Ticket, TicketNumber
from tests.axe import violations
from tests.console_browser import console_page, open_ticket
from tests.running_desk import ANSWERS, Line, ServedDesk, customer, serving
from tests.test_widget_browser import answer, take
from tests.widget_page import DANA, WidgetPage, customer_page

PERSON = {"Accept": "text/html"}
ADDRESS = "/chat?key=desk&computer=PC-042"
DESK = """
[desk]
name = "Northwind IT"
phone = "555-0100"
logo = "https://www.northwind.example/logo.svg"
[channels]
desktop = {}
[companies.contoso]
name = "Contoso"
widget = "contoso-web"
colour = "#0b6e4f"
"""
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' data-desk='other",
    "javascript:alert(1)",
    "//evil.example", "https://evil.example/", "PC\r\nSet-Cookie: a=b", "PC\x00", "%COMPUTERNAME%",
    "x" * 65,
    "PC\u202e240", "Call 555-0199 now", "${HOSTNAME}", "a" * 7000,
)  # fmt: skip
SCREENS = [(1280, 800, "light"), (1280, 800, "dark"), (375, 740, "light"), (375, 740, "dark")]


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


async def shown(desk: ServedDesk, path: str) -> tuple[int, str, Mapping[str, str]]:
    """The status of a page, its text and its headers."""
    async with (
        aiohttp.ClientSession(headers=PERSON) as session,
        session.get(f"{desk.base}{path}", allow_redirects=False) as answer,
    ):
        return answer.status, await answer.text(), answer.headers


async def ticket(desk: ServedDesk) -> Ticket:
    """The only ticket."""
    found = await desk.running.services.staff_reads.ticket(TicketNumber(1001))
    assert found is not None
    return found


async def begin(line: Line, **more: object) -> None:
    await line.next("ready")
    await line.send(t="start", id="start", answers=ANSWERS, **more)
    await line.next("ack")


async def start(dana: WidgetPage) -> str:
    """Answer the survey of the open page, and start."""
    await dana.fill_in()
    await dana.window.get_by_role("button", name="Start chat").click()
    await expect(dana.log).to_contain_text("Your ticket is HD-")
    return await dana.ticket()


# What the page is


async def test_the_page_holds_the_widget_with_the_name_from_the_address(desk: ServedDesk) -> None:
    status, page, _ = await shown(desk, ADDRESS)
    assert status == 200
    assert 'data-desk="desk"' in page
    assert 'data-computer="PC-042"' in page
    assert 'href="tel:5550100"' in page


@pytest.mark.parametrize("path", ["/chat", "/chat?key=desk", "/chat?key=desk&computer="])
async def test_without_a_name_the_chat_opens_all_the_same(desk: ServedDesk, path: str) -> None:
    status, page, _ = await shown(desk, path)
    assert (status, 'data-computer=""' in page) == (200, True)


@pytest.mark.parametrize("computer", HOSTILE)
async def test_a_name_that_is_none_is_refused_and_comes_back_in_no_form(
    desk: ServedDesk, computer: str
) -> None:
    status, page, headers = await shown(
        desk, f"/chat?key=desk&computer={quote(computer)}&next=//evil.example"
    )
    assert status == 400
    assert "1 to 64 letters, digits, dots, hyphens and underscores" in page
    assert 'href="/chat?key=desk"' in page
    for part in (computer, "evil.example", "alert", "<script"):
        assert part not in page
    assert not {"Location", "Set-Cookie"} & set(headers)


async def test_of_two_names_the_first_counts(desk: ServedDesk) -> None:
    _, page, _ = await shown(desk, "/chat?key=desk&computer=PC-042&computer=<b>")
    assert 'data-computer="PC-042"' in page


async def test_where_the_icon_is_not_offered_there_is_a_page_that_says_so() -> None:
    text = DESK.replace("desktop = {}", "web = {}")
    async with serving(text, demo=False) as desk, customer(desk.base) as line:
        status, page, _ = await shown(desk, ADDRESS)
        assert status == 404
        assert "This desk has no desktop icon. Please reach it another way." in page
        assert "555-0100" in page
        await line.next("ready")
        await line.send(t="start", id="start", answers=ANSWERS, computer="PC-042")
        async for message in line.socket:
            told = message.json()
            assert (told["t"], told["code"]) == ("error", "not_offered")
            break
        assert await desk.running.services.staff_reads.ticket(TicketNumber(1001)) is None


async def test_a_widget_that_is_not_there_has_no_page(desk: ServedDesk) -> None:
    for key in ("other", "", "desk%22"):
        assert (await shown(desk, f"/chat?key={key}&computer=PC-042"))[0] == 404


async def test_the_page_keeps_the_headers_of_every_page_and_may_load_the_logo_besides() -> None:
    async with serving(DESK, demo=False) as desk:
        _, page, headers = await shown(desk, "/chat?key=contoso-web&computer=PC-042")
    assert 'data-colour="#0b6e4f"' in page
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy.pop("img-src") == "'self' blob: https://www.northwind.example"
    assert policy == dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    for name in set(HEADERS) - {"Content-Security-Policy"}:
        assert headers[name] == HEADERS[name]


# What comes of it


@pytest.mark.parametrize(
    ("more", "channel", "first"),
    [
        ({"computer": "PC-042"}, "desktop", ("Computer", "PC-042")),
        ({"computer": ""}, "desktop", ("name", "Dana Reyes")),
        ({"computer": None}, "web", ("name", "Dana Reyes")),
        ({}, "web", ("name", "Dana Reyes")),
    ],
)
async def test_the_ticket_says_by_which_way_and_from_which_computer(
    desk: ServedDesk, more: dict[str, object], channel: str, first: tuple[str, str]
) -> None:
    async with customer(desk.base) as line:
        await begin(line, **more)
    found = await ticket(desk)
    assert (found.channel, found.answers[0]) == (channel, first)


@pytest.mark.parametrize("computer", [*HOSTILE, 42, ["PC-042"]])
async def test_a_frame_with_another_name_opens_nothing(desk: ServedDesk, computer: object) -> None:
    async with customer(desk.base) as line:
        await line.next("ready")
        await line.send(t="start", id="start", answers=ANSWERS, computer=computer)
        told = await line.socket.receive_json()
        assert (told["t"], told["code"]) == ("error", "bad_frame")
        assert told["message"].startswith("computer: ")
        await line.send(t="ping")
        await line.next("pong")
    assert await desk.running.services.staff_reads.ticket(TicketNumber(1001)) is None


async def test_technicians_find_the_ticket_by_the_computers_name(desk: ServedDesk) -> None:
    async with customer(desk.base) as line:
        await begin(line, computer="PC-042")
    for words in ("PC-042", "computer pc-042"):
        filtered = TicketFilter(view=TicketView.ALL, text=words)
        page = await desk.running.services.staff_reads.tickets(filtered, "", 10)
        assert [found.ticket.number for found in page.lines] == [1001], words


async def test_a_survey_sent_twice_by_the_icon_opens_one_ticket(desk: ServedDesk) -> None:
    secret = "s" * 43
    for _ in range(2):
        async with customer(desk.base, secret) as line:
            await line.next("ready")
            await line.send(t="start", id="start", answers=ANSWERS, computer="PC-042")
            await line.next("ack")
    assert await desk.running.services.staff_reads.ticket(TicketNumber(1002)) is None


# In a browser


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height", "colours"), SCREENS)
async def test_the_chat_fills_the_page_and_breaks_no_rule_of_accessibility(
    browser: Browser, desk: ServedDesk, width: int, height: int, colours: str
) -> None:
    address = f"{desk.base}{ADDRESS}"
    async with customer_page(browser, address, width=width, height=height, colours=colours) as dana:
        await expect(dana.window.get_by_label("Your full name")).to_be_focused()
        assert await dana.window.bounding_box() == {"x": 0, "y": 0, "width": width, "height": height}
        await expect(dana.window.get_by_text("Computer: PC-042", exact=True)).to_be_visible()
        await expect(dana.launcher).to_be_hidden()
        assert await violations(dana.page) == []
        await start(dana)
        assert await violations(dana.page) == []
        sideways = "document.documentElement.scrollWidth > innerWidth"
        assert not await dana.page.evaluate(sideways)


@pytest.mark.browser
async def test_nothing_closes_the_chat_that_is_all_of_its_page(browser: Browser, desk: ServedDesk) -> None:
    async with customer_page(browser, f"{desk.base}{ADDRESS}") as dana:
        await expect(dana.window.get_by_label("Your full name")).to_be_focused()
        await expect(dana.window.get_by_label("Close chat")).to_have_count(0)
        await dana.page.keyboard.press("Escape")
        await expect(dana.window).to_be_visible()
        await dana.window.get_by_label("More").click()
        await dana.page.keyboard.press("Escape")
        await expect(dana.window.locator(".menu")).to_be_hidden()
        await expect(dana.window).to_be_visible()


@pytest.mark.browser
async def test_who_comes_back_by_the_icon_finds_their_chat_and_its_answers(
    browser: Browser, desk: ServedDesk
) -> None:
    async with customer_page(browser, f"{desk.base}{ADDRESS}") as dana:
        number = await start(dana)
        await take(desk, number)
        await answer(desk, dana, "Which printer is it?")
        await dana.page.goto(f"{desk.base}/chat?key=desk&computer=PC-043")
        await expect(dana.log).to_contain_text("Which printer is it?")
        await expect(dana.window.get_by_label("Your message")).to_be_focused()
        await dana.write("The one on the second floor.")
        await expect(dana.log.locator(".customer").last).to_contain_text("Sent")
    found = await ticket(desk)
    assert (found.channel, found.answers[0]) == ("desktop", ("Computer", "PC-042"))


@pytest.mark.browser
async def test_a_link_from_a_stranger_sends_nothing_by_itself(browser: Browser, desk: ServedDesk) -> None:
    async with customer_page(
        browser, f"{desk.base}/chat?key=desk&computer=OTHER&name=Mallory#chatdesk"
    ) as dana:
        await expect(dana.window.get_by_text("Computer: OTHER", exact=True)).to_be_visible()
        for label in DANA:
            await expect(dana.window.get_by_label(label)).to_have_value("")
    assert await desk.running.services.staff_reads.ticket(TicketNumber(1001)) is None


@pytest.mark.browser
async def test_technicians_see_the_way_and_the_computer_in_the_console(
    browser: Browser, desk: ServedDesk
) -> None:
    async with customer(desk.base) as line:
        await begin(line, computer="PC-042")
    async with console_page(browser, desk) as page:
        await open_ticket(page, "HD-1001")
        await expect(page.get_by_text("Desktop icon")).to_be_visible()
        await expect(page.locator("dl.answers dt").first).to_have_text("Computer")
        await expect(page.locator("dl.answers dd").first).to_have_text("PC-042")


@pytest.mark.browser
async def test_where_the_chat_cannot_be_loaded_the_page_names_other_ways(
    browser: Browser, desk: ServedDesk
) -> None:
    async with customer_page(browser, f"{desk.base}/chat?key=desk&computer=<b>") as dana:
        assert await violations(dana.page) == []
        await dana.page.route("**/widget/chat/*", lambda route: route.abort())
        await dana.page.get_by_role("link", name="Open the chat without the name").click()
        await expect(dana.page.get_by_text("The chat could not be loaded.")).to_be_visible()
        await expect(dana.page.get_by_role("link", name="555-0100")).to_be_visible()
        await dana.page.get_by_role("link", name="send a request").click()
        await expect(dana.page.get_by_role("heading", name="Open a ticket")).to_be_visible()
