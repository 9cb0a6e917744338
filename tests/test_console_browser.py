"""The console in a real browser: a chat from the queue to its end, with the customer on the other side."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.axe import violations
from tests.console_browser import answer_dialog, console_page, note, open_ticket, say, take
from tests.console_client import waiting_chat
from tests.running_desk import ServedDesk, serving

pytestmark = pytest.mark.browser


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


async def test_a_chat_appears_is_taken_talked_in_and_resolved_without_reloading(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page:
        await expect(page.locator(".empty")).to_contain_text("Nothing waits")
        async with waiting_chat(desk) as (customer, number, _):
            row = page.locator(".row.waits")
            await expect(row).to_contain_text("Dana Reyes")
            await expect(row.locator(".timer")).to_have_text("0:02")
            await expect(page).to_have_title("(1) Northwind IT – chatdesk")
            await take(page, number)
            await say(page, "Hello Dana, I am looking at it.")
            assert (await customer.next("news"))["t"] == "news"
            await expect(page.locator(".receipt")).to_have_text("Sent")
            await customer.send(t="receipt", delivered=99, seen=0)
            await expect(page.locator(".receipt")).to_have_text("Delivered")
            await customer.send(t="receipt", delivered=99, seen=99)
            await expect(page.locator(".receipt")).to_have_text("Seen")
            await customer.send(t="typing", on=True)
            await expect(page.locator(".typing")).to_have_text("Dana Reyes is typing…")
            await customer.send(t="message", id="2", text="It beeps.")
            await expect(page.locator(".message.customer").last).to_contain_text("It beeps.")
            await expect(page.locator(".typing")).to_be_empty()
            await page.get_by_role("button", name="Resolve").click()
            await answer_dialog(page, "Resolve")
            await expect(page.locator("dialog .problem:visible")).to_have_text("Say how it was resolved.")
            await answer_dialog(page, "Resolve", How_was_it_solved="Replaced the disk.")
            await expect(page.locator(".status")).to_have_text("closed")
            await expect(page.locator(".row")).to_have_count(0)
            await expect(page).to_have_title(f"{number} It is slow – Northwind IT")


async def test_notes_look_different_and_never_reach_the_customer(desk: ServedDesk, browser: Browser) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (customer, number, _):
        await open_ticket(page, number)
        await expect(page.locator(".composer textarea")).to_be_disabled()
        await note(page, "NOTE: third time this month")
        await expect(page.locator(".message.note")).to_contain_text("Internal note")
        await expect(page.locator(".composer-hint")).to_have_text("Never shown to the customer.")
        await page.get_by_role("button", name="Take chat").click()
        await say(page, "A public word")
        heard = ""
        while "A public word" not in heard:
            heard += await customer.socket.receive_str()
        assert "NOTE" not in heard


async def test_of_two_technicians_one_takes_the_chat_and_the_other_is_told(
    desk: ServedDesk, browser: Browser
) -> None:
    async with (
        console_page(browser, desk, "Marcus Bell") as marcus,
        console_page(browser, desk, "Priya Nair") as priya,
        waiting_chat(desk) as (_, number, _),
    ):
        for page in (marcus, priya):
            await open_ticket(page, number)
        await expect(marcus.locator(".here")).to_have_text("Priya Nair")
        # Both press before either page can have heard of the other.
        await priya.route("**/take", lambda route: route.continue_())
        await marcus.get_by_role("button", name="Take chat").click(no_wait_after=True)
        await priya.evaluate("() => document.querySelector('[data-step=take]')?.click()")
        await expect(marcus.locator(".status")).to_have_text("assigned")
        await expect(priya.locator(".status")).to_have_text("assigned")
        takers = [await page.locator(".assignee").text_content() for page in (marcus, priya)]
        assert takers.count("yours") == 1


async def test_a_chat_that_was_taken_meanwhile_is_refused_with_the_reason(
    desk: ServedDesk, browser: Browser
) -> None:
    async with (
        console_page(browser, desk, "Marcus Bell") as marcus,
        console_page(browser, desk, "Priya Nair") as priya,
        waiting_chat(desk) as (_, number, _),
    ):
        await open_ticket(priya, number)
        await priya.get_by_role("button", name="Take chat").wait_for()
        # Priya's page is held back, as by a slow line, and shows the chat as free.
        await priya.route("**/console/api/tickets/*/take", lambda route: held.append(route))
        held: list[object] = []
        await priya.get_by_role("button", name="Take chat").click()
        await take(marcus, number)
        await priya.wait_for_function("() => true")
        for route in held:
            await route.continue_()  # type: ignore[attr-defined]
        await expect(priya.locator(".toast.bad")).to_contain_text(f"{number} has been taken already")
        await expect(priya.get_by_role("button", name="Take over")).to_be_visible()


async def test_a_chat_is_handed_over(desk: ServedDesk, browser: Browser) -> None:
    async with (
        console_page(browser, desk, "Marcus Bell") as marcus,
        console_page(browser, desk, "Priya Nair") as priya,
        waiting_chat(desk) as (customer, number, _),
    ):
        await take(marcus, number)
        await marcus.get_by_role("button", name="Hand over").click()
        await answer_dialog(marcus, "Priya Nair 0 open", **{"Why,_for_the_history": "Knows disks"})
        await expect(marcus.locator(".assignee")).to_have_text("Priya Nair")
        await priya.get_by_role("button", name="Mine").click()
        await open_ticket(priya, number)
        await say(priya, "Priya here.")
        heard = ""
        while "Priya here." not in heard:
            heard += await customer.socket.receive_str()
        assert "Knows disks" not in heard


async def test_a_ticket_waits_for_the_customer_and_goes_on_with_the_answer(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (customer, number, _):
        await take(page, number)
        await page.get_by_role("button", name="Wait").click()
        await answer_dialog(page, "Wait")
        await expect(page.locator("dialog .problem:visible")).to_have_text(
            "Write the question to the customer."
        )
        await answer_dialog(page, "Wait", Question_to_the_customer="Which disk is it?")
        await expect(page.locator(".status")).to_have_text("waiting on customer")
        await expect(page.locator(".because").first).to_have_text(
            "The clock stands still while the ticket waits."
        )
        await customer.send(t="message", id="2", text="The first one")
        await expect(page.locator(".status")).to_have_text("in progress")


async def test_a_resolved_ticket_opens_again_when_the_customer_writes(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (customer, number, _):
        await take(page, number)
        await page.get_by_role("button", name="Resolve").click()
        await answer_dialog(page, "Resolve", How_was_it_solved="Restarted it.")
        await expect(page.locator(".status")).to_have_text("closed")
        await customer.send(t="message", id="again", text="It is back.")
        await expect(page.locator(".status")).to_have_text("assigned")
        await expect(page.locator(".message.customer").last).to_contain_text("It is back.")


async def test_tickets_are_merged_and_split(desk: ServedDesk, browser: Browser) -> None:
    async with (
        console_page(browser, desk) as page,
        waiting_chat(desk) as (_, one, _),
        waiting_chat(desk, issue="The same again") as (_, two, _),
    ):
        await take(page, one)
        await take(page, two)
        await page.get_by_text("More", exact=True).click()
        await page.get_by_role("button", name="Merge into another…").click()
        await answer_dialog(page, "Continue", Number_of_the_ticket_that_stays="HD-9999")
        await expect(page.locator("dialog .problem:visible")).to_have_text("There is no ticket HD-9999.")
        await answer_dialog(page, "Continue", Number_of_the_ticket_that_stays=one.removeprefix("HD-"))
        await expect(page.locator("dialog .quoted")).to_contain_text(f"{one} It is slowDana Reyes, Contoso")
        await expect(page.locator("dialog .warn")).to_have_count(0)
        await answer_dialog(page, "Merge")
        await expect(page.locator(".ticket-chips .number")).to_have_text(one)
        await expect(page.locator(".message.customer")).to_have_count(2)
        await page.get_by_text("More", exact=True).click()
        await page.get_by_role("button", name="Split off a new ticket…").click()
        await answer_dialog(page, "Split")
        await expect(page.locator("dialog .problem:visible")).to_have_text(
            ["Write a subject.", "Choose the messages that belong to the new ticket."]
        )
        await expect(page.locator("dialog .required")).to_have_count(2)
        await page.locator("dialog .choice").first.click()
        await answer_dialog(page, "Split", Subject_of_the_new_ticket="A matter of its own")
        split = page.locator(".history .why", has_text="A matter of its own").get_by_role("link")
        await split.first.click()
        await expect(page.locator(".ticket-subject")).to_have_text("A matter of its own")


async def test_own_messages_are_edited_and_deleted_and_the_record_keeps_what_they_said(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (customer, number, _):
        await take(page, number)
        await say(page, "First wrods")
        message = page.locator(".message.agent")
        await message.hover()
        await message.get_by_role("button", name="Edit message").click()
        await answer_dialog(page, "Save", Text="First words")
        await expect(message.locator("> .text")).to_have_text("First words")
        await expect(message.locator(".edited")).to_have_text("edited")
        await message.get_by_text("What was there before").click()
        await expect(message.locator(".before .text")).to_have_text("First wrods")
        await customer.send(t="message", id="2", text="Mine")
        await expect(page.locator(".message.customer").last).to_contain_text("Mine")
        await expect(page.locator(".message.customer .tools")).to_have_count(0)
        await message.hover()
        await message.get_by_role("button", name="Delete message").click()
        await answer_dialog(page, "Delete")
        await expect(message.locator(".gone")).to_have_text("Message deleted")


async def test_a_call_is_logged_with_dependent_questions_and_errors_beside_their_fields(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page:
        await page.get_by_role("button", name="Log a call or request").click()
        dialog = page.locator("dialog")
        await expect(dialog.get_by_label("Which printer?")).to_be_hidden()
        await dialog.get_by_label("What is it about?").select_option("Printing")
        await expect(dialog.get_by_label("Which printer?")).to_be_visible()
        await dialog.get_by_label("Your full name").fill("Sam Okafor")
        await dialog.get_by_label("E-mail address").fill("nowhere")
        await answer_dialog(page, "Open ticket")
        field = dialog.locator(".field", has=page.get_by_label("E-mail address"))
        await expect(field.locator(".problem")).to_contain_text("such as dana@example.com")
        await expect(dialog.get_by_label("Your full name")).to_have_value("Sam Okafor")
        await dialog.get_by_label("Company").fill("Fabrikam")
        await dialog.get_by_label("E-mail address").fill("sam@fabrikam.example")
        await dialog.get_by_label("Call-back number(s)").fill("555-0177")
        await dialog.get_by_label("Which printer?").fill("NW-2F-COLOR")
        await dialog.get_by_label("What is happening?").fill("Paper jam")
        await answer_dialog(page, "Open ticket")
        await expect(page.locator(".ticket-subject")).to_have_text("Paper jam")
        await expect(page.locator(".answers")).to_contain_text("NW-2F-COLOR")


async def test_priority_is_confirmed_and_changed(desk: ServedDesk, browser: Browser) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (_, number, _):
        await open_ticket(page, number)
        await expect(page.locator(".right")).to_contain_text(
            "Proposed by the survey: low. Confirm or change it."
        )
        await page.get_by_role("button", name="Confirm").click()
        await expect(page.locator(".right")).to_contain_text("Confirmed by staff.")
        await page.get_by_label("Priority", exact=True).select_option("critical")
        await expect(page.locator(".ticket-chips .priority")).to_have_text("critical")


async def test_canned_replies_are_found_by_a_slash_and_filled_in(desk: ServedDesk, browser: Browser) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (_, number, _):
        await take(page, number)
        text = page.locator(".composer textarea")
        await text.press_sequentially("/solved")
        option = page.locator(".menu [role=option]")
        await expect(option).to_have_count(1)
        canned = page.get_by_role("button", name="Canned replies")
        await expect(canned).to_have_attribute("aria-expanded", "true")
        assert await text.get_attribute("aria-controls") == await page.locator(".menu").get_attribute("id")
        assert await text.get_attribute("aria-activedescendant") == await option.get_attribute("id")
        assert await violations(page) == []
        await text.press("Enter")
        await expect(text).to_have_value(
            "This should work again now. Please try it and tell me. "
            "If it comes back later, reply here and your ticket re-opens."
        )
        await expect(canned).to_have_attribute("aria-expanded", "false")
        assert await text.get_attribute("aria-activedescendant") is None
        await expect(page.locator(".message.agent")).to_have_count(0)


async def test_a_search_finds_old_tickets(desk: ServedDesk, browser: Browser) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (_, number, _):
        await page.locator(".row").wait_for()
        search = page.get_by_label("Search tickets")
        await search.fill("zzz")
        await expect(page.locator(".empty")).to_have_text("No ticket matches.")
        await search.fill("contoso")
        await expect(page.locator(".row .number")).to_have_text(number)


async def test_a_search_says_when_it_looked_at_the_newest_matches_only(
    desk: ServedDesk, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (customer, number, _):
        for nth in range(2):
            await customer.send(t="message", id=f"m{nth}", text="The paper tray is empty")
            await customer.next("ack")
        search = page.get_by_label("Search tickets")
        await search.fill("paper")
        await expect(page.locator(".row .number")).to_have_text(number)
        await expect(page.locator(".cut")).to_be_hidden()
        monkeypatch.setattr("storage.search.CANDIDATES", 1)
        await search.fill("paper tray")
        await expect(page.locator(".cut")).to_contain_text("Only the newest matches were looked at.")
        assert await violations(page) == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("phone", [False, True])
async def test_a_search_shows_the_words_it_found_marked_and_hostile_text_as_text(
    desk: ServedDesk, browser: Browser, phone: bool, dark: bool
) -> None:
    async with (
        console_page(browser, desk, phone=phone, dark=dark) as page,
        waiting_chat(desk) as (customer, number, _),
    ):
        evil = "The paper <img src=x onerror=alert(1)> <mark>tray</mark> is &lt;b&gt; empty"
        await customer.send(t="message", id="evil", text=evil)
        await customer.next("ack")
        search = page.get_by_label("Search tickets")
        await search.fill("paper tra")
        excerpt = page.locator(f'.row[data-number="{number}"] .found')
        await expect(excerpt).to_have_text(evil)
        assert await excerpt.locator("mark").all_inner_texts() == ["paper", "tray"]
        assert await page.locator(".row img").count() == 0
        assert await violations(page) == []
        await search.fill("slow")
        await expect(page.locator(".row .subject mark")).to_have_text("slow")
        await expect(excerpt).to_have_count(0)


async def test_a_search_says_that_words_were_found_in_an_internal_note(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (_, number, _):
        await take(page, number)
        await note(page, "The warranty has ended.")
        await page.get_by_label("Search tickets").fill("warranty")
        await expect(page.locator(".row .found")).to_have_text("Internal note: The warranty has ended.")
        await expect(page.locator(".row .found mark")).to_have_text("warranty")
