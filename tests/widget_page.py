"""A customer at the demonstration website: what a person does in the chat window, for browser tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser, Locator, Page, expect

DANA = {
    "Your full name": "Dana Reyes",
    "Company": "Contoso",
    "E-mail address": "dana@contoso.example",
    "Call-back number(s)": "555-0134",
    "What is happening?": "The printer prints blank pages.",
}


@dataclass(frozen=True, slots=True)
class WidgetPage:
    """One page with the widget; errors the page threw are in ``problems``."""

    page: Page
    problems: list[str]

    @property
    def launcher(self) -> Locator:
        return self.page.locator("chat-desk .launcher")

    @property
    def window(self) -> Locator:
        return self.page.locator("chat-desk .panel")

    @property
    def log(self) -> Locator:
        return self.window.get_by_role("log")

    @property
    def status(self) -> Locator:
        """Where things stand: the place in the queue, the promise, the end."""
        return self.window.locator(".bar")

    @property
    def banner(self) -> Locator:
        return self.window.locator(".banner")

    async def open(self) -> None:
        """Open the window by its launcher."""
        await self.launcher.click()
        await expect(self.window).to_be_visible()

    async def fill_in(self, **answers: str) -> None:
        """Answer the survey as Dana; ``answers`` by the field's id replace or add to hers."""
        for label, answer in DANA.items():
            await self.window.get_by_label(label).fill(answer)
        for field, answer in answers.items():
            await self.window.locator(f"[name={field}]").fill(answer)

    async def start(self, **answers: str) -> str:
        """Open the chat, answer the survey and start; return the ticket's number as shown."""
        await self.open()
        await self.fill_in(**answers)
        await self.window.get_by_role("button", name="Start chat").click()
        await expect(self.log).to_contain_text("Your ticket is HD-")
        return await self.ticket()

    async def ticket(self) -> str:
        """Return the ticket's number from the head of the window."""
        return (await self.window.locator(".head p").inner_text()).split(" ")[0]

    async def write(self, text: str) -> None:
        """Write a message and send it with Enter."""
        await self.window.get_by_label("Your message").fill(text)
        await self.page.keyboard.press("Enter")

    async def said(self) -> list[str]:
        """Return the texts of the messages shown, in order."""
        return await self.log.locator(".text").all_inner_texts()

    async def conversation(self) -> str:
        """Return the id of the conversation shown."""
        found: str = await self.page.evaluate("document.querySelector('chat-desk').chat.dialogue.id")
        return found


@asynccontextmanager
async def customer_page(
    browser: Browser, address: str, *, width: int = 1280, height: int = 800, colours: str = "light"
) -> AsyncIterator[WidgetPage]:
    """Open ``address`` in a fresh browser profile; the page must throw no error."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if colours == "dark" else "light",
        reduced_motion="reduce",
        locale="en-US",
        timezone_id="America/New_York",
    )
    found = await new_page(await context.new_page(), address)
    yield found
    assert found.problems == []
    await context.close()


async def new_page(page: Page, address: str) -> WidgetPage:
    """Watch a page for errors and go to ``address``."""
    found = WidgetPage(page, [])
    page.on("pageerror", lambda error: found.problems.append(str(error)))
    await page.goto(address)
    return found
