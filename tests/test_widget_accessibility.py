"""The chat by keyboard alone, for screen readers, on small screens and in both colour schemes."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from tests.axe import violations
from tests.running_desk import serving
from tests.test_widget_browser import answer, take
from tests.widget_page import DANA, customer_page

pytestmark = pytest.mark.browser

SCREENS = [(1280, 800, "light"), (1280, 800, "dark"), (375, 740, "light"), (375, 740, "dark")]


@pytest.mark.parametrize(("width", "height", "colours"), SCREENS)
async def test_no_rule_of_accessibility_is_broken_at_any_step(
    browser: Browser, width: int, height: int, colours: str
) -> None:
    async with (
        serving() as desk,
        customer_page(browser, f"{desk.base}/demo", width=width, height=height, colours=colours) as dana,
    ):
        assert await violations(dana.page) == []
        await dana.open()
        assert await violations(dana.page) == []
        await dana.window.get_by_label("No", exact=True).check()
        await dana.window.get_by_role("button", name="Start chat").click()
        await expect(dana.window).to_contain_text("Please fill in this field.")
        assert await violations(dana.page) == []
        await dana.fill_in()
        await dana.window.get_by_role("button", name="Start chat").click()
        await expect(dana.log).to_contain_text("Your ticket is")
        assert await violations(dana.page) == []
        await take(desk, await dana.ticket())
        await answer(desk, dana, "Please look at https://example.com/help.")
        await dana.write("Thank you")
        await expect(dana.log.locator(".customer").last).to_contain_text("Thank you")
        await dana.window.get_by_label("More").click()
        assert await violations(dana.page) == []
        await dana.window.get_by_role("button", name="End chat").click()
        await dana.window.get_by_role("button", name="Yes, solved").click()
        await dana.window.get_by_label("5 of 5 stars").click()
        assert await violations(dana.page) == []


async def test_the_whole_dialogue_works_with_the_keyboard(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        keyboard = dana.page.keyboard
        await dana.launcher.focus()
        await keyboard.press("Enter")
        await expect(dana.window.get_by_label("Your full name")).to_be_focused()
        for label, text in DANA.items():
            field = dana.window.get_by_label(label)
            for _ in range(20):
                if await field.evaluate("field => field === field.getRootNode().activeElement"):
                    break
                await keyboard.press("Tab")
            await keyboard.type(text)
        await keyboard.press("Tab")
        await keyboard.press("Enter")
        message = dana.window.get_by_label("Your message")
        await expect(message).to_be_focused()
        await keyboard.type("Written without a mouse")
        await keyboard.press("Enter")
        await expect(dana.log).to_contain_text("Written without a mouse")
        await keyboard.press("Escape")
        await expect(dana.window).to_be_hidden()
        await expect(dana.launcher).to_be_focused()


FOCUS_IS_INSIDE = "document.querySelector('chat-desk').shadowRoot.activeElement?.closest('.panel') != null"


async def test_the_focus_stays_in_the_open_window(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        for key in ("Tab", "Shift+Tab"):
            for _ in range(30):
                await dana.page.keyboard.press(key)
                assert await dana.page.evaluate(FOCUS_IS_INSIDE)


async def test_the_focus_is_never_outside_while_the_window_connects(browser: Browser) -> None:
    """What connects is replaced by the survey: a focus inside must not fall out."""
    answers = asyncio.Event()

    async def late(socket: WebSocketRoute) -> None:
        await answers.wait()
        socket.connect_to_server()

    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.page.route_web_socket("**/widget/socket**", late)
        await dana.page.reload()
        await dana.open()
        await dana.window.locator(".body a").focus()
        await dana.page.evaluate(
            f"new MutationObserver(() => (window.inside ??= {FOCUS_IS_INSIDE})).observe("
            "document.querySelector('chat-desk').shadowRoot.querySelector('.body'), { childList: true })"
        )
        answers.set()
        await expect(dana.window.get_by_label("Your full name")).to_be_focused()
        assert await dana.page.evaluate("window.inside") is True


async def test_the_focus_returns_to_what_opened_the_window(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        link = dana.page.get_by_role("link", name="Chat with a technician")
        await link.focus()
        await dana.page.keyboard.press("Enter")
        await expect(dana.window.get_by_label("Your full name")).to_be_focused()
        await dana.page.keyboard.press("Escape")
        await expect(link).to_be_focused()


async def test_new_messages_are_announced_and_old_ones_are_not(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await take(desk, await dana.start())
        await expect(dana.log).to_have_attribute("aria-live", "polite")
        await expect(dana.log).to_have_attribute("aria-relevant", "additions")
        await dana.page.evaluate(
            "new MutationObserver((changes) => { window.added = (window.added || 0)"
            " + changes.flatMap((change) => [...change.addedNodes]).length })"
            ".observe(document.querySelector('chat-desk').shadowRoot.querySelector('[role=log]'),"
            " { childList: true })"
        )
        await answer(desk, dana, "Only this is new")
        await expect(dana.log).to_contain_text("Only this is new")
        assert await dana.page.evaluate("window.added") == 1


@pytest.mark.parametrize(("width", "height"), [(375, 740), (320, 568)])
async def test_on_a_phone_the_chat_fills_the_screen_and_nothing_sticks_out(
    browser: Browser, width: int, height: int
) -> None:
    async with (
        serving() as desk,
        customer_page(browser, f"{desk.base}/demo", width=width, height=height) as dana,
    ):
        await dana.start(issue="W" * 200)
        box = await dana.window.bounding_box()
        assert box == {"x": 0, "y": 0, "width": width, "height": height}
        assert await dana.window.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
        assert await dana.log.evaluate("log => log.scrollWidth <= log.clientWidth")
        field = await dana.window.get_by_label("Your message").bounding_box()
        assert field is not None and field["y"] + field["height"] <= height


TOO_LOW = """panel => [...panel.querySelectorAll("a, button, summary")]
    .filter(each => each.offsetHeight && each.offsetHeight < (each.matches(".primary") ? 44 : 24))
    .map(each => `${each.textContent} ${each.offsetHeight}`)"""


async def test_what_is_pressed_is_tall_enough_for_a_finger(browser: Browser) -> None:
    """A target takes at least 24 pixels (WCAG 2.2, 2.5.8), a main button 44."""
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo", width=375, height=740) as dana:
        await dana.open()
        assert await dana.window.evaluate(TOO_LOW) == []
        await dana.fill_in()
        await dana.window.get_by_role("button", name="Start chat").click()
        await expect(dana.log).to_contain_text("Your ticket is")
        await dana.window.get_by_label("More").click()
        await dana.window.get_by_role("button", name="End chat").click()
        assert await dana.window.evaluate(TOO_LOW) == []


async def test_the_number_is_tall_enough_for_a_finger_while_the_chat_connects(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo", width=375, height=740) as dana:
        await dana.page.route_web_socket("**/widget/socket**", lambda socket: None)
        await dana.open()
        await expect(dana.window.get_by_text("Connecting…")).to_be_visible()
        await expect(dana.window.get_by_role("link", name="555-0100").first).to_be_visible()
        assert await dana.window.evaluate(TOO_LOW) == []


async def test_on_a_desktop_the_window_has_its_size(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        box = await dana.window.bounding_box()
        assert box is not None and (box["width"], box["height"]) == (380, 640)
