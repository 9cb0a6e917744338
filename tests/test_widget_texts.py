"""What the chat says in a real browser: promises, numbers that dial, texts too long or left out."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from playwright.async_api import Browser, expect

from chatdesk.bootstrap import now
from chatdesk.conversation import ConversationId
from chatdesk.events import TimerFired
from tests.running_desk import ServedDesk, serving
from tests.test_widget_browser import PIXEL, answer, take
from tests.widget_page import WidgetPage, customer_page

pytestmark = pytest.mark.browser

CHAT = "document.querySelector('chat-desk').chat"
LONG = "Please shorten this to {:,} characters; it has {:,}."


async def leave_alone(desk: ServedDesk, dana: WidgetPage) -> None:
    """Let the time be over in which somebody should have taken the chat."""
    identity = ConversationId(await dana.conversation())
    until = datetime.fromisoformat(await dana.page.evaluate(f"{CHAT}.dialogue.state.until"))
    event = TimerFired(
        at=now(),
        channel="timer",
        external_id="nobody came",
        conversation=identity,
        name="no_answer",
        due=until,
    )
    await desk.running.desk.receive(event)


async def end(dana: WidgetPage) -> None:
    """End the chat as solved."""
    await dana.window.get_by_label("More").click()
    await dana.window.get_by_role("button", name="End chat").click()
    await dana.window.get_by_role("button", name="Yes, solved").click()
    await expect(dana.status).to_contain_text("How was this chat?")


async def test_a_text_that_is_too_long_is_kept_whole_and_the_page_says_so(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        await dana.fill_in(name="N" * 201, issue="Ä" * 4_001)
        await dana.window.get_by_role("button", name="Start chat").click()
        name, issue = (dana.window.locator(f"[name={field}]") for field in ("name", "issue"))
        await expect(name).to_be_focused()
        await expect(name).to_have_accessible_description(LONG.format(200, 201))
        await expect(issue).to_have_accessible_description(LONG.format(4_000, 4_001))
        await dana.fill_in()
        await dana.window.get_by_role("button", name="Start chat").click()
        await expect(dana.log).to_contain_text("Your ticket is HD-")
        await dana.write("x" * 20_001)
        await expect(dana.banner).to_have_text(LONG.format(20_000, 20_001))
        await expect(dana.window.get_by_label("Your message")).to_have_value("x" * 20_001)


async def test_every_text_is_set_in_its_own_direction(browser: Browser) -> None:
    left_to_right = "all => all.filter(one => one.dir !== 'auto').map(one => one.outerHTML)"
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        fields = dana.window.locator("input:not([type=radio]), textarea")
        assert await fields.evaluate_all(left_to_right) == []
        await dana.fill_in(issue="המדפסת לא עובדת.")
        await dana.window.get_by_role("button", name="Start chat").click()
        await expect(dana.log).to_contain_text("Your ticket is HD-")
        texts = dana.window.locator(".text, textarea")
        assert await texts.evaluate_all(left_to_right) == []
        own = dana.log.locator(".customer .text")
        assert await own.evaluate("text => getComputedStyle(text).direction") == "rtl"


async def test_the_desks_number_dials_in_its_messages_and_where_the_line_is_lost(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start(phone="1 555-0100")
        await dana.window.get_by_role("button", name="Leave with a ticket").click()
        await expect(dana.log).to_contain_text("contact you at 1 555-0100")
        links = dana.log.get_by_role("link")
        await expect(links).to_have_count(1)
        await expect(links).to_have_attribute("href", "tel:5550100")
        await dana.page.evaluate(f"{CHAT}.lineChanged(false)")
        await expect(dana.banner).to_contain_text(
            "Connection lost. Reconnecting… You can also call 555-0100."
        )
        await expect(dana.banner.get_by_role("link")).to_have_attribute("href", "tel:5550100")


async def test_the_bar_says_before_when_and_that_one_waits_until_somebody_has_answered(
    browser: Browser,
) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        await leave_alone(desk, dana)
        await expect(dana.status).to_contain_text(
            re.compile(r"HD-1001\. Next contact: \w+, \w+ \d+(, \d+)?, before \d+:\d\d [AP]M E[DS]T\.")
        )
        await dana.window.get_by_role("button", name="Keep waiting").click()
        await expect(dana.status).to_contain_text(
            re.compile(r"You are still waiting here\. Otherwise we contact you on \w+, .*, before ")
        )
        await dana.page.evaluate(f"{CHAT}.dialogue.state.promised = '2026-01-01T00:00:00Z'; {CHAT}.redraw()")
        await expect(dana.status).to_contain_text("Otherwise we contact you as soon as possible.")
        await answer(desk, dana, "We have looked into it.")
        await expect(dana.log).to_contain_text("We have looked into it.")
        await expect(dana.status).to_be_hidden()
        await expect(dana.window.locator(".head p")).to_have_text("HD-1001")


async def test_a_file_that_could_not_be_sent_goes_with_the_next_message(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        files = [
            {"name": "p.png", "mimeType": "image/png", "buffer": PIXEL},
            {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""},
        ]
        await dana.window.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
        listed = dana.window.get_by_label("Files to send")
        await expect(listed).to_contain_text(f"{len(PIXEL)} B")
        await expect(listed).to_contain_text("This file is empty.")
        await expect(dana.window.get_by_label("Send", exact=True)).to_be_enabled()
        await dana.write("Here it is")
        await expect(dana.log.get_by_role("img", name="p.png")).to_be_visible()
        await expect(listed).to_be_empty()


async def test_after_the_end_the_focus_goes_to_the_stars_and_never_to_the_field(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await take(desk, await dana.start())
        message = dana.window.get_by_label("Your message")
        await message.evaluate("field => { field.onfocus = () => (window.typing = true); }")
        await end(dana)
        await expect(dana.window.get_by_label("1 of 5 stars")).to_be_focused()
        await dana.window.get_by_label("4 of 5 stars").click()
        await expect(dana.window.get_by_label("4 of 5 stars")).to_be_focused()
        assert await dana.page.evaluate("window.typing") is None


async def test_a_chat_that_goes_on_is_rated_anew(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        ticket = await dana.start()
        await take(desk, ticket)
        await end(dana)
        await dana.window.get_by_label("4 of 5 stars").click()
        await dana.window.get_by_label("Comment on the chat").fill("Quick help")
        await dana.window.get_by_role("button", name="Send rating").click()
        await expect(dana.status).to_contain_text("You gave 4 of 5 stars.")
        await dana.write("It is back.")
        await expect(dana.log).to_contain_text("HD-1001 is open again.")
        await end(dana)
        await expect(dana.status.locator("[aria-pressed=true]")).to_have_count(0)
        await dana.window.get_by_label("2 of 5 stars").click()
        await expect(dana.window.get_by_label("Comment on the chat")).to_have_value("")


async def test_a_deletion_that_is_not_confirmed_is_called_off(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        await dana.page.clock.install()
        own = dana.log.locator(".customer").last
        delete, sure = (own.get_by_role("button", name=name) for name in ("Delete", "Delete for good?"))
        await delete.click()
        await expect(sure).to_be_visible()
        await dana.window.get_by_label("Your message").focus()
        await expect(sure).to_have_count(0)
        await delete.click()
        await expect(sure).to_be_visible()
        await dana.page.clock.fast_forward(5_000)
        await expect(sure).to_have_count(0)


async def test_while_another_matter_is_asked_about_the_head_names_no_ticket(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        await dana.window.get_by_role("button", name="Leave with a ticket").click()
        await dana.window.get_by_role("button", name="New request").click()
        await expect(dana.window.locator(".head p")).to_have_text("Open around the clock")
        await dana.window.get_by_role("button", name="Back to HD-1001").click()
        await expect(dana.window.locator(".head p")).to_contain_text("HD-1001")


async def test_a_desk_that_offers_no_way_in_has_no_heading_for_them(browser: Browser) -> None:
    text = '[desk]\nname = "Northwind IT"\ntimezone = "America/New_York"\n[channels]\nportal = {}\n'
    async with serving(text) as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        await expect(dana.window).to_contain_text("This desk has no live chat.")
        await expect(dana.window).not_to_contain_text("Ways to reach us")


async def test_where_earlier_messages_are_left_out_a_line_says_so(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        await dana.page.evaluate(
            "({ chat }) => chat.took({ t: 'ready', conversation: chat.dialogue.id, seq: 900, omitted: true,"
            " state: chat.dialogue.state, messages: ["
            "{ seq: 899, from: 'agent', name: 'Marcus Bell', text: 'one', at: new Date().toISOString() },"
            "{ seq: 900, from: 'agent', name: 'Marcus Bell', text: 'two', at: new Date().toISOString() }] })",
            await dana.page.evaluate_handle("document.querySelector('chat-desk')"),
        )
        line = dana.log.get_by_text("Earlier messages are left out here. The transcript has all of them.")
        await expect(line).to_have_count(1)
        assert await line.evaluate("line => line.nextSibling.querySelector('.text').textContent") == "one"
        assert await line.evaluate("line => line.previousSibling.className") == "message desk"


async def test_in_a_low_window_the_chat_has_its_whole_height(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo", width=640, height=400) as dana:
        await dana.open()
        box = await dana.window.bounding_box()
        assert box is not None and (box["y"], box["height"]) == (0, 400)
        await expect(dana.launcher).to_be_hidden()
