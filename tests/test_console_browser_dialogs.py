"""The console's dialogs in a real browser: nothing typed is lost, a merge is looked at first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from chatdesk.bootstrap import now
from tests.axe import violations
from tests.console_browser import answer_dialog, console_page, open_ticket, take
from tests.console_client import console, waiting_chat
from tests.running_desk import ServedDesk, serving

pytestmark = pytest.mark.browser
TOMORROW = (now() + timedelta(days=1)).isoformat()


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


async def test_a_merge_with_another_companys_ticket_shows_it_and_has_to_be_confirmed(
    desk: ServedDesk, browser: Browser
) -> None:
    async with (
        console_page(browser, desk) as page,
        waiting_chat(desk) as (_, one, _),
        waiting_chat(desk, company="Fabrikam", name="Sam Okafor", issue="Paper jam") as (_, two, _),
    ):
        await open_ticket(page, one)
        await page.get_by_text("More", exact=True).click()
        await page.get_by_role("button", name="Merge into another…").click()
        await answer_dialog(page, "Continue", Number_of_the_ticket_that_stays=two)
        await expect(page.locator("dialog .quoted")).to_contain_text(f"{two} Paper jamSam Okafor, Fabrikam")
        await expect(page.locator("dialog .warn")).to_have_text(
            f"Another company: {one} is a ticket of Contoso."
        )
        assert await violations(page) == []
        await answer_dialog(page, "Merge")
        await expect(page.locator("dialog .problem:visible")).to_have_text(
            "Confirm that the tickets of two companies belong together."
        )
        await page.get_by_label("They belong together although the companies differ").check()
        await answer_dialog(page, "Merge")
        await expect(page.locator(".ticket-chips .number")).to_have_text(two)


async def test_what_was_typed_into_a_dialog_is_there_again_after_escape_and_gone_after_cancel(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page:
        log = page.get_by_role("button", name="Log a call or request")
        name = page.get_by_label("Your full name")
        await log.click()
        await page.get_by_label("What is it about?").select_option("Printing")
        await name.fill("Sam Okafor")
        await page.get_by_label("Which printer?").fill("NW-2F-COLOR")
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)
        await log.click()
        await expect(name).to_have_value("Sam Okafor")
        await expect(page.get_by_label("Which printer?")).to_have_value("NW-2F-COLOR")
        restored = page.locator("dialog .restored")
        await expect(restored).to_contain_text("What you typed last time is here again.")
        assert await violations(page) == []
        await page.get_by_role("button", name="Start afresh").click()
        await expect(name).to_have_value("")
        await expect(page.get_by_label("Which printer?")).to_be_hidden()
        await name.fill("Lee Chan")
        await page.get_by_role("button", name="Cancel").click()
        await log.click()
        await expect(name).to_have_value("")
        await expect(restored).to_have_count(0)


async def test_a_dialogs_draft_belongs_to_its_ticket_and_is_over_when_it_was_sent(
    desk: ServedDesk, browser: Browser
) -> None:
    async with (
        console_page(browser, desk) as page,
        waiting_chat(desk) as (_, one, _),
        waiting_chat(desk, issue="Another") as (_, two, _),
    ):
        answer = page.get_by_label("How was it solved?")
        await take(page, one)
        await page.keyboard.press("e")
        await answer.fill("Replaced the disk.")
        await page.keyboard.press("Escape")
        await take(page, two)
        await page.keyboard.press("e")
        await expect(answer).to_have_value("")
        await page.keyboard.press("Escape")
        await open_ticket(page, one)
        await page.keyboard.press("e")
        await expect(answer).to_have_value("Replaced the disk.")
        await answer_dialog(page, "Resolve")
        await expect(page.locator(".status")).to_have_text("closed")
        kept = await page.evaluate("Object.keys(sessionStorage)")
        assert [key for key in kept if key.startswith("dialog")] == []


async def test_an_edit_changes_what_was_changed_in_it_and_not_what_a_colleague_wrote_meanwhile(
    desk: ServedDesk, browser: Browser
) -> None:
    async with (
        console(desk, "Priya Nair") as priya,
        console_page(browser, desk) as page,
        waiting_chat(desk) as (_, number, _),
    ):
        await priya.does(f"/tickets/{number}/edit", needed_by=TOMORROW)
        await open_ticket(page, number)
        await page.get_by_text("More", exact=True).click()
        await page.get_by_role("button", name="Edit subject, type, workaround…").click()
        await expect(page.get_by_label("Needed by")).not_to_have_value("")
        await page.get_by_label("Needed by").fill("")
        await page.get_by_label("Type").select_option("question")
        await priya.does(f"/tickets/{number}/edit", subject="Slow laptop", workaround="Use the spare one")
        await answer_dialog(page, "Save")
        await expect(page.locator("dialog")).to_have_count(0)
        after = (await priya.ticket(number))["ticket"]
        assert (after["type"], after["needed_by"]) == ("question", None)
        assert (after["subject"], after["workaround"]) == ("Slow laptop", "Use the spare one")
