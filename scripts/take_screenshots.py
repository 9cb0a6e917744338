"""Takes the README's pictures from the running program: make screenshots."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from tests.conftest import CHROMIUM_FLAGS, CHROMIUM_PATH_FILE
from tests.console_browser import sign_in
from tests.running_desk import serving

IMAGES = Path("docs/images")
ANSWERS = {
    "Your full name": "Dana Reyes",
    "Company": "Contoso",
    "E-mail address": "dana@contoso.example",
    "Call-back number(s)": "555-0134",
    "What is happening?": "The printer upstairs is offline.\nIt says paper jam, but there is none.",
}
CHOICES = ("Printing", "Only me", "With difficulty")


async def main() -> None:
    """Play one chat in two browsers and keep a picture of each side."""
    executable = CHROMIUM_PATH_FILE.read_text().strip()
    with tempfile.TemporaryDirectory() as data:
        async with serving(data=Path(data)) as desk, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
            customer = await _page(browser)
            await _start_chat(customer, f"{desk.base}/demo")
            technician = await _page(browser)
            await sign_in(technician, await desk.sign_in_link())
            await _talk(customer, technician)
            await technician.screenshot(path=IMAGES / "console.png")
            await customer.screenshot(path=IMAGES / "widget.png")
            await browser.close()


async def _page(browser: Browser) -> Page:
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, timezone_id="America/New_York", locale="en-US"
    )
    return await context.new_page()


async def _start_chat(page: Page, address: str) -> None:
    await page.goto(address)
    await page.get_by_text("Chat with a technician").click()
    for label, answer in ANSWERS.items():
        await page.get_by_label(label).fill(answer)
    for choice in CHOICES:
        await page.get_by_label(choice, exact=True).check(force=True)
    await page.get_by_label("Which printer?").fill("Second floor")
    await page.get_by_role("button", name="Start chat").click()
    await page.get_by_text("You are number 1 in the queue").first.wait_for()


async def _talk(customer: Page, technician: Page) -> None:
    await technician.get_by_text("Dana Reyes").first.click()
    await technician.get_by_role("button", name="Take chat").click()
    reply = technician.get_by_placeholder("Write to Dana Reyes…")
    await reply.fill("Hello Dana, I am looking at the printer now. Is its paper tray closed?")
    await reply.press("Enter")
    await customer.get_by_text("Is its paper tray closed?").wait_for()
    message = customer.get_by_placeholder("Write a message")
    await message.fill("Yes, I closed it twice.")
    await message.press("Enter")
    await technician.get_by_text("Yes, I closed it twice.").first.wait_for()
    await customer.get_by_text("Seen").last.wait_for()
    # The list is read again a moment later.
    await technician.get_by_label("Tickets").get_by_text("Live").wait_for()
    await technician.get_by_role("button", name="Mine 1").wait_for()


if __name__ == "__main__":
    asyncio.run(main())
