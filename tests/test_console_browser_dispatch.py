"""The dispatcher's console in a real browser: filters, a technician in two clicks, several at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, Request, expect

from tests.axe import violations
from tests.console_browser import answer_dialog, console_page, open_ticket
from tests.console_client import ConsoleClient, console
from tests.running_desk import ServedDesk, serving
from tests.test_console_dispatch import log_call

pytestmark = pytest.mark.browser


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


@pytest.fixture
async def priya(desk: ServedDesk) -> AsyncIterator[ConsoleClient]:
    async with console(desk, "Priya Nair") as client:
        yield client


async def select(page: Page, *numbers: str) -> None:
    """Select tickets in the list."""
    if await page.locator(".selection").is_hidden():
        await page.get_by_role("button", name="Select tickets").click()
    for number in numbers:
        await page.get_by_label(f"Select {number}").check()


async def press(page: Page, step: str) -> None:
    """Press a button of the bar for all that are selected."""
    await page.locator(".selection").get_by_role("button", name=step, exact=True).click()
    await page.locator("dialog[open]").wait_for()


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_the_queue_is_narrowed_and_says_so(
    desk: ServedDesk, browser: Browser, priya: ConsoleClient, *, phone: bool
) -> None:
    _, two = await log_call(priya), await log_call(priya, company="Fabrikam")
    await priya.does(f"/tickets/{two}/take")
    async with console_page(browser, desk, phone=phone) as page:
        await expect(page.locator(".row")).to_have_count(2)
        await page.get_by_role("button", name="Filter").click()
        await page.get_by_label("Company").select_option("Fabrikam")
        await expect(page.locator(".row .number")).to_have_text([two])
        await expect(page.locator(".filtered span")).to_have_text("Only: Fabrikam")
        assert await violations(page) == []
        await page.get_by_label("Assignee").select_option("Nobody yet")
        await expect(page.locator(".empty")).to_have_text("No tickets match. Clear filters")
        await page.get_by_role("button", name="Clear filters").click()
        await expect(page.locator(".row")).to_have_count(2)
        await page.get_by_label("Assignee").select_option("Priya Nair: 1 open")
        await expect(page.locator(".row .number")).to_have_text([two])


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_the_filter_stays_with_every_list_and_the_search_and_is_taken_off_where_it_leaves_none(
    desk: ServedDesk, browser: Browser, priya: ConsoleClient, *, phone: bool
) -> None:
    one, two = await log_call(priya), await log_call(priya, company="Fabrikam")
    await priya.does(f"/tickets/{two}/take")
    await priya.does(f"/tickets/{two}/resolve", resolution="Done.")
    async with console_page(browser, desk, phone=phone) as page:
        numbers, said = page.locator(".row .number"), page.locator(".filtered span")
        await page.get_by_role("button", name="Filter").click()
        await expect(page.get_by_label("Company").locator("option")).to_have_count(3)
        await page.get_by_label("Company").select_option("Fabrikam")
        await page.get_by_label("Assignee").select_option("Priya Nair: 0 open")
        await expect(page.locator(".empty")).to_have_text("No tickets match. Clear filters")
        await page.get_by_role("button", name="All", exact=True).click()
        await expect(numbers).to_have_text([two])
        await expect(said).to_have_text("Only: Fabrikam, Priya Nair")
        await page.get_by_label("Search tickets").fill("slow")
        await page.wait_for_url("**text=slow*")
        await expect(numbers).to_have_text([two])
        await page.reload()
        await expect(numbers).to_have_text([two])
        await expect(said).to_have_text("Only: Fabrikam, Priya Nair")
        await expect(page.get_by_label("Search tickets")).to_have_value("slow")
        await open_ticket(page, two)
        await page.go_back()
        await page.get_by_role("button", name="Mine", exact=True).click()
        await expect(said).to_have_text("Only: Fabrikam")
        await expect(page.locator(".empty")).to_have_text("No tickets match. Clear filters")
        assert await violations(page) == []
        await page.get_by_role("button", name="Clear filters").click()
        await expect(page.locator(".empty")).to_have_text("You have no open tickets.")
        await page.get_by_role("button", name="All", exact=True).click()
        await expect(numbers).to_have_text([two, one])


async def test_a_filter_that_fits_none_of_the_newest_tickets_offers_to_look_at_older_ones(
    desk: ServedDesk, browser: Browser, priya: ConsoleClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await log_call(priya), await log_call(priya)
    await priya.does(f"/tickets/{one}/take")
    monkeypatch.setattr("storage.ticket_lists.LOOKED_AT", 1)
    async with console_page(browser, desk) as page:
        await expect(page.locator(".row .number")).to_have_text([one, two])
        await page.get_by_role("button", name="All", exact=True).click()
        await page.get_by_role("button", name="Filter").click()
        await page.get_by_label("Company").select_option("Contoso")
        await page.get_by_label("Assignee").select_option("Priya Nair: 1 open")
        await expect(page.locator(".empty")).to_have_text(
            "None of the newest tickets match. Show more to look at older ones. Clear filters"
        )
        await page.get_by_role("button", name="Show more").click()
        await expect(page.locator(".row .number")).to_have_text([one])


async def test_a_new_ticket_is_given_to_whom_has_the_fewest_in_two_clicks(
    desk: ServedDesk, browser: Browser, priya: ConsoleClient
) -> None:
    one, two = await log_call(priya), await log_call(priya)
    async with console_page(browser, desk) as page:
        await priya.does(f"/tickets/{two}/take")
        await open_ticket(page, one)
        await page.get_by_role("button", name="Assign").click()
        people = page.locator("dialog .person-choice")
        await expect(people).to_have_text(["Marcus Bell (you)0 open", "Priya Nair1 open"])
        await expect(people.first).to_be_focused()
        assert await violations(page) == []
        await people.nth(1).click()
        await expect(page.locator(".ticket-chips .assignee")).to_have_text("Priya Nair")


async def test_several_tickets_are_assigned_and_what_is_refused_is_told(
    desk: ServedDesk, browser: Browser, priya: ConsoleClient
) -> None:
    one, two, three = [await log_call(priya) for _ in range(3)]
    async with console_page(browser, desk) as page:
        await select(page, one, two, three)
        await expect(page.locator(".selection [role=status]")).to_have_text("3 selected")
        assert await violations(page) == []
        await priya.does(f"/tickets/{two}/resolve", resolution="Done.")
        await press(page, "Assign")
        await page.get_by_role("button", name="Priya Nair").click()
        told = page.locator("dialog[open]")
        await expect(told.locator("h2")).to_have_text("2 of 3 tickets assigned")
        await expect(told.locator("li")).to_have_text([f"{two} A ticket that is closed cannot be assigned."])
        await expect(told.get_by_role("button", name="Close")).to_be_focused()
        assert await violations(page) == []
        await told.get_by_role("button", name="Close").click()
        for number in (one, three):
            row = page.locator(f'.row[data-number="{number}"]')
            await expect(row.locator(".state")).to_have_text("assigned · Priya")
        await expect(page.locator(".selection [role=status]")).to_have_text("1 selected")


async def test_duplicates_from_the_list_are_merged_and_two_companies_need_a_word(
    desk: ServedDesk, browser: Browser, priya: ConsoleClient
) -> None:
    one, two, three = await log_call(priya), await log_call(priya), await log_call(priya, company="Fabrikam")
    async with console_page(browser, desk) as page:
        await select(page, one)
        await expect(page.locator(".selection").get_by_role("button", name="Merge")).to_be_disabled()
        await select(page, two, three)
        await press(page, "Merge")
        await expect(page.locator("dialog .quoted li")).to_have_count(3)
        await answer_dialog(page, "Merge")
        await expect(page.locator("dialog .problem:visible")).to_have_text(
            "Confirm that the tickets of several companies belong together."
        )
        await page.get_by_label("They belong together").check()
        await page.get_by_label("The ticket that stays").select_option(two)
        await answer_dialog(page, "Merge")
        await expect(page.locator(".ticket-chips .number")).to_have_text(two)
        await expect(page.locator(".row .number")).to_have_text([two])
        await expect(page.locator(".toast")).to_have_text(f"2 tickets merged into {two}.")
        await expect(page.locator(".selection")).to_be_hidden()


async def test_several_tickets_are_cancelled_and_get_another_priority(
    desk: ServedDesk, browser: Browser, priya: ConsoleClient
) -> None:
    one, two = await log_call(priya), await log_call(priya)
    async with console_page(browser, desk, phone=True) as page:
        await select(page, one, two)
        await press(page, "Priority")
        await page.locator("dialog").get_by_label("Priority").select_option("critical")
        await answer_dialog(page, "Change")
        await expect(page.locator(".row .priority.critical")).to_have_count(2)
        await select(page, one, two)
        await press(page, "Cancel tickets")
        await answer_dialog(page, "Cancel the tickets")
        await expect(page.locator("dialog .problem:visible")).to_have_text("Say why they are cancelled.")
        await answer_dialog(page, "Cancel the tickets", Why="Spam")
        await expect(page.locator(".empty")).to_be_visible()


async def test_tickets_are_selected_with_the_keys_and_the_focus_stays(
    desk: ServedDesk, browser: Browser, priya: ConsoleClient
) -> None:
    one, two = await log_call(priya), await log_call(priya)
    async with console_page(browser, desk) as page:
        await expect(page.locator(".row")).to_have_count(2)
        for key in ("j", "x", "ArrowDown", "x"):
            await page.keyboard.press(key)
        await expect(page.locator(".selection [role=status]")).to_have_text("2 selected")
        await expect(page.locator(f'.row[data-number="{two}"]')).to_be_focused()
        await page.get_by_label(f"Select {one}").focus()
        await priya.does(f"/tickets/{one}/take")
        await expect(page.locator(f'.row[data-number="{one}"] .state')).to_have_text("assigned · Priya")
        await expect(page.get_by_label(f"Select {one}")).to_be_focused()
        await expect(page.get_by_label(f"Select {one}")).to_be_checked()
        await page.keyboard.press("Space")
        await expect(page.locator(".selection [role=status]")).to_have_text("1 selected")
        await page.get_by_role("button", name="Stop selecting").press("Enter")
        await expect(page.get_by_role("button", name="Select tickets")).to_be_focused()


async def test_a_priority_chosen_with_the_arrows_is_set_by_enter_alone(
    desk: ServedDesk, browser: Browser, priya: ConsoleClient
) -> None:
    number = await log_call(priya)
    async with console_page(browser, desk) as page:
        await open_ticket(page, number)
        edits: list[Request] = []
        page.on("request", lambda request: edits.append(request) if request.url.endswith("/edit") else None)
        choice = page.get_by_label("Priority", exact=True)
        await expect(choice).to_have_value("low")
        await choice.focus()
        for _ in range(3):
            await page.keyboard.press("ArrowUp")
        await expect(choice).to_have_value("critical")
        assert edits == []
        await page.keyboard.press("Enter")
        await expect(page.locator(".ticket-chips .priority")).to_have_text("critical")
        await expect(page.get_by_label("Priority", exact=True)).to_be_focused()
        assert len(edits) == 1
