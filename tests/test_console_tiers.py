"""Escalating a ticket to a tier in the console: the API, the dialog, the tier's list [R37]."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from chatdesk.conversation import Visibility
from tests.axe import violations
from tests.console_browser import answer_dialog, console_page, open_ticket, say, take
from tests.console_client import ConsoleClient, console, waiting_chat
from tests.desk_builders import TIERS
from tests.running_desk import Line, ServedDesk, serving, technician

DEMONSTRATION = files("chatdesk.settings").joinpath("demo_desk.toml").read_text(encoding="utf-8")
WHY = "The core switch flaps."


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving(DEMONSTRATION + TIERS) as served:
        yield served


@pytest.fixture
async def marcus(desk: ServedDesk) -> AsyncIterator[ConsoleClient]:
    async with console(desk) as client:
        yield client


async def listed(client: ConsoleClient, query: str) -> list[str]:
    """Return the numbers in a list, those whose customers wait first."""
    found = (await client.get(f"/tickets?view=queue{query}")).body
    return [line["number"] for line in (*found["waiting"], *found["lines"])]


async def heard(line: Line, text: str) -> None:
    """Read the customer's messages until one says that."""
    while True:
        news = await line.next("news")
        if any(message["text"] == text for message in news.get("messages", ())):
            return


async def test_an_escalated_ticket_is_told_of_its_tier_and_reason(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    async with waiting_chat(desk) as (line, number, _):
        await marcus.does(f"/tickets/{number}/take")
        before = await marcus.ticket(number)
        assert "escalate" in before["ticket"]["can"]
        assert before["ticket"]["tiers"] == ["second", "network"]
        await marcus.does(f"/tickets/{number}/escalate", tier="second", reason=WHY)
        await heard(line, f"{number} has been passed to our Second line.")
        after = await marcus.ticket(number)
        told = after["ticket"]
        assert (told["assignee"], told["tier"], told["tiers"]) == (None, "Second line", ["network"])
        assert (told["due_at"], told["status"]) == (before["ticket"]["due_at"], "assigned")
        newest = after["history"][-1]
        assert (newest["what"], newest["why"]) == ("escalated to Second line", WHY)
        file = await desk.running.services.staff_reads.ticket_file(int(number[3:]))  # type: ignore[arg-type]
        assert file is not None
        assert [m.visibility for m in file.messages if WHY in m.text] == [Visibility.INTERNAL]


async def test_all_staff_are_told_of_a_ticket_that_waits_for_a_tier(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    cookies = await desk.sign_in("Priya Nair")
    async with waiting_chat(desk) as (_, number, _), technician(desk.base, cookies) as priya:
        await priya.send(t="watch_desk")
        await priya.send(t="ping")
        await priya.next("pong")
        await marcus.does(f"/tickets/{number}/escalate", tier="second", reason=WHY)
        while (await priya.next("tickets"))["announced"].get(number) != "escalated to a tier":
            pass


async def test_the_queue_of_a_tier_has_its_tickets_alone(desk: ServedDesk, marcus: ConsoleClient) -> None:
    async with waiting_chat(desk) as (_, one, _), waiting_chat(desk) as (_, two, _):
        await marcus.does(f"/tickets/{one}/escalate", tier="second", reason=WHY)
        assert one in await listed(marcus, "&tier=second")
        assert two not in await listed(marcus, "&tier=second")
        assert {one, two} <= {*await listed(marcus, "")}
        assert await listed(marcus, "&tier=network") == await listed(marcus, "&tier=no%00such") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tier": "third", "reason": WHY}, "tier"),
        ({"tier": "second", "reason": " "}, "reason"),
        ({"tier": "second"}, "reason"),
    ],
)
async def test_what_cannot_be_escalated_names_the_field(
    desk: ServedDesk, marcus: ConsoleClient, body: dict[str, str], field: str
) -> None:
    async with waiting_chat(desk) as (_, number, _):
        refused = await marcus.post(f"/tickets/{number}/escalate", body)
        assert (refused.status, refused.body["field"]) == (422, field)


async def test_who_asks_finds_their_own_tiers_first(desk: ServedDesk, marcus: ConsoleClient) -> None:
    own = (await marcus.get("/me")).body["tiers"]
    assert own == [
        {"id": "network", "name": "Network team", "mine": True},
        {"id": "second", "name": "Second line", "mine": False},
    ]


async def test_a_tier_that_was_taken_out_of_the_file_is_shown_by_its_id(tmp_path: Path) -> None:
    async with (
        serving(DEMONSTRATION + TIERS, data=tmp_path) as desk,
        console(desk) as marcus,
        waiting_chat(desk) as (_, number, _),
    ):
        await marcus.does(f"/tickets/{number}/escalate", tier="second", reason=WHY)
    renamed = (DEMONSTRATION + TIERS).replace("[tiers.second]", "[tiers.other]")
    async with serving(renamed, data=tmp_path) as desk, console(desk) as marcus:
        found = await marcus.ticket(number)
        assert (found["ticket"]["tier"], found["ticket"]["tiers"]) == ("second", ["other", "network"])
        assert number in await listed(marcus, "&tier=second")


async def test_a_desk_without_tiers_offers_none() -> None:
    async with serving() as desk, console(desk) as marcus, waiting_chat(desk) as (_, number, _):
        assert (await marcus.get("/me")).body["tiers"] == []
        assert "escalate" not in (await marcus.ticket(number))["ticket"]["can"]
        refused = await marcus.post(f"/tickets/{number}/escalate", {"tier": "second", "reason": WHY})
        assert (refused.status, refused.body["field"]) == (422, "tier")


async def escalate(page: Page) -> None:
    """Escalate the open ticket to the second line by the dialog."""
    await page.get_by_role("button", name="Escalate", exact=True).click()
    dialog = page.locator("dialog[open]")
    await dialog.get_by_label("To").select_option("Second line")
    await answer_dialog(page, "Escalate", Why=WHY)
    await expect(dialog).to_have_count(0)


@pytest.mark.browser
async def test_a_technician_escalates_a_live_chat_and_goes_on_in_it(
    desk: ServedDesk, browser: Browser
) -> None:
    async with console_page(browser, desk) as page, waiting_chat(desk) as (line, number, _):
        await take(page, number)
        await page.get_by_role("button", name="Escalate", exact=True).click()
        await answer_dialog(page, "Escalate")
        problems = page.locator("dialog .problem:visible")
        await expect(problems).to_have_text(["Choose a tier.", "Say why it is escalated."])
        assert await violations(page) == []
        await page.get_by_role("button", name="Cancel").click()
        await escalate(page)
        await expect(page.locator(".ticket-chips .tier")).to_have_text("Second line")
        await expect(page.locator(".history .words").last).to_contain_text(
            f"Marcus Bell · escalated to Second line: {WHY}"
        )
        await expect(page.locator(".ticket-chips .assignee")).to_have_count(0)
        await say(page, "A colleague is on the way.")
        await heard(line, "A colleague is on the way.")


@pytest.mark.browser
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_who_is_in_a_tier_finds_its_tickets_first_and_takes_one(
    desk: ServedDesk, browser: Browser, marcus: ConsoleClient, *, phone: bool
) -> None:
    async with (
        waiting_chat(desk) as (_, number, _),
        waiting_chat(desk) as (_, other, _),
        console_page(browser, desk, "Priya Nair", phone=phone) as page,
    ):
        await marcus.does(f"/tickets/{number}/escalate", tier="second", reason=WHY)
        choice = page.get_by_label("Tier")
        assert await choice.locator("option").all_text_contents() == [
            "All tiers",
            "Second line (your tier)",
            "Network team (your tier)",
        ]
        await expect(page.locator(f'.row[data-number="{other}"]')).to_be_visible()
        await choice.select_option("Second line (your tier)")
        await expect(page.locator(f'.row[data-number="{other}"]')).to_have_count(0)
        await expect(page.locator(f'.row[data-number="{number}"] .of-tier')).to_have_text("Second line")
        assert await violations(page) == []
        await open_ticket(page, number)
        await page.get_by_role("button", name="Take chat").click()
        await expect(page.locator(".ticket-chips .assignee")).to_have_text("yours")
        await expect(page.locator(".ticket-chips .tier")).to_have_text("Second line")


@pytest.mark.browser
async def test_without_tiers_the_console_shows_nothing_of_them(browser: Browser) -> None:
    async with serving() as desk, console_page(browser, desk) as page, waiting_chat(desk) as (_, number, _):
        await take(page, number)
        await expect(page.get_by_role("button", name="Hand over")).to_be_visible()
        await expect(page.get_by_role("button", name="Escalate")).to_have_count(0)
        await expect(page.locator(".tier-choice")).to_be_hidden()
