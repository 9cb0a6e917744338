"""A ticket's assignee in a real browser, when its customer waits in the chat: they answer with one press."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from playwright.async_api import Browser, Page, expect

from chatdesk.bootstrap import now
from chatdesk.conversation import ConversationId
from chatdesk.events import TimerFired
from tests.console_browser import answer_dialog, console_page, open_ticket, say, take
from tests.console_client import console, waiting_chat
from tests.running_desk import ServedDesk, serving

pytestmark = pytest.mark.browser


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


async def main_buttons(page: Page) -> list[str]:
    """Return what the primary buttons above the timeline say."""
    return await page.locator(".steps .primary").all_inner_texts()


async def test_who_was_assigned_a_waiting_chat_takes_it_and_answers(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (customer, number, _):
        async with console(desk, "Priya Nair") as priya, console(desk) as marcus:
            await priya.does(f"/tickets/{number}/assign", agent=marcus.agent)
        await open_ticket(page, number)
        await expect(page.locator(".assignee")).to_have_text("yours")
        assert await main_buttons(page) == ["Take chat"]
        await page.get_by_role("button", name="Take chat").click()
        await expect(page.locator(".ticket-chips .chat-live")).to_have_text("Live")
        assert await main_buttons(page) == ["Resolve"]
        await say(page, "Hello Dana")
        heard = ""
        while "Hello Dana" not in heard:
            heard += await customer.socket.receive_str()


async def test_who_had_resolved_it_takes_the_chat_of_the_customer_who_came_back_with_a_key(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (customer, number, _):
        await take(page, number)
        await page.get_by_role("button", name="Resolve").click()
        await answer_dialog(page, "Resolve", How_was_it_solved="Restarted it.")
        await expect(page.locator(".status")).to_have_text("closed")
        await customer.send(t="message", id="again", text="It is back.")
        await expect(page.get_by_role("button", name="Take chat")).to_be_visible()
        await expect(page.locator(".composer textarea")).to_be_disabled()
        await page.keyboard.press("t")
        await expect(page.locator(".ticket-chips .chat-live")).to_have_text("Live")
        await say(page, "Which one is it?")


async def test_a_customer_who_waits_on_after_the_call_back_promise_is_joined_by_the_assignee(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (_, number, conversation):
        async with console(desk, "Priya Nair") as priya, console(desk) as marcus:
            await priya.does(f"/tickets/{number}/assign", agent=marcus.agent)
            (chat,) = (await marcus.ticket(number))["conversations"]
        until = datetime.fromisoformat(chat["state"]["until"])
        await desk.running.desk.receive(
            TimerFired(
                at=now(),
                channel="timer",
                external_id="nobody came",
                conversation=ConversationId(conversation),
                name="no_answer",
                due=until,
            )
        )
        await open_ticket(page, number)
        await page.get_by_role("button", name="Take chat").click()
        await expect(page.locator(".ticket-chips .chat-live")).to_have_text("Live")


async def test_a_ticket_that_waits_has_one_main_step(desk: ServedDesk, browser: Browser) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (_, number, _):
        await take(page, number)
        await page.get_by_role("button", name="Wait").click()
        await answer_dialog(page, "Wait", Question_to_the_customer="Which disk is it?")
        await expect(page.get_by_role("button", name="Resume")).to_be_visible()
        assert await main_buttons(page) == ["Resume"]
