"""Consoles of technicians in a real browser, each with cookies of its own, and what is done in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.running_desk import ServedDesk

WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 375, "height": 740}


@asynccontextmanager
async def console_page(
    browser: Browser, desk: ServedDesk, name: str = "Marcus Bell", *, phone: bool = False, dark: bool = False
) -> AsyncIterator[Page]:
    """Open the console as a technician; the test fails if the page throws or breaks its own policy."""
    context = await browser.new_context(
        viewport=PHONE if phone else WIDE, color_scheme="dark" if dark else "light", has_touch=phone
    )
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: _note(faults, message.type, message.text))
    page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    await sign_in(page, await desk.sign_in_link(name))
    await expect(page.locator(".list")).to_be_visible()
    yield page
    await context.close()
    assert faults == []


async def sign_in(page: Page, link: str) -> None:
    """Open a sign-in link and press its button; the page is the console's then."""
    await page.goto(link)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/console")


def _note(faults: list[str], kind: str, text: str) -> None:
    # What the network refuses while the desk is down, or as a technician's fault, is not the page's.
    if kind == "error" and "Failed to load resource" not in text and "WebSocket connection" not in text:
        faults.append(text)


async def open_ticket(page: Page, number: str) -> None:
    """Open a ticket from the list."""
    await page.locator(f'.row[data-number="{number}"]').click()
    await expect(page.locator(".ticket-chips .number")).to_have_text(number)


async def take(page: Page, number: str) -> None:
    """Open a waiting chat and take it."""
    await open_ticket(page, number)
    await page.get_by_role("button", name="Take chat").click()
    await expect(page.locator(".message.desk").last).to_contain_text("has joined")


async def say(page: Page, text: str) -> None:
    """Write a reply and send it with Enter; returns when the desk has it."""
    await page.locator(".reply-tab").click()
    await page.locator(".composer textarea").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.agent:not(.pending)", has_text=text)).to_have_count(1)


async def note(page: Page, text: str) -> None:
    """Write an internal note; returns when the desk has it."""
    await page.locator(".note-tab").click()
    await page.locator(".composer textarea").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.note:not(.pending)", has_text=text)).to_have_count(1)


async def answer_dialog(page: Page, action: str, **fields: str) -> None:
    """Fill a dialog's fields by label and press its button."""
    dialog = page.locator("dialog[open]")
    for label, value in fields.items():
        await dialog.get_by_label(label.replace("_", " ")).fill(value)
    await dialog.get_by_role("button", name=action, exact=True).click()
