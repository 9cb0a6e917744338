"""Dates as the pages say them, in a real browser: those of another year with their year."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from playwright.async_api import Browser, Page

pytestmark = pytest.mark.browser

NOW = datetime(2026, 12, 30, 15, tzinfo=UTC)
CONSOLE = """async ([module, at]) => {
    const { day, due, short } = await import(module);
    return [day(at), short(at).replace(/, [^,]*$/, ""), due(at).text];
}"""


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page in New York on December 30, 2026."""
    context = await browser.new_context(locale="en-US", timezone_id="America/New_York")
    opened = await context.new_page()
    await opened.clock.set_fixed_time(NOW)
    yield opened
    await context.close()


def module(*parts: str) -> str:
    """Return an address from which a page imports one of the scripts."""
    source = files("adapters.web").joinpath("static", *parts).read_bytes()
    return f"data:text/javascript;base64,{b64encode(source).decode()}"


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-12-09T15:00:00Z", "Wed, Dec 9"),
        ("2027-01-09T15:00:00Z", "Sat, Jan 9, 2027"),
        ("2025-12-30T15:00:00Z", "Tue, Dec 30, 2025"),
    ],
)
async def test_the_console_says_the_year_of_another_year(page: Page, at: str, said: str) -> None:
    day, short, due = await page.evaluate(CONSOLE, [module("console", "time.js"), at])
    assert (day, short) == (said, said)
    assert due.startswith("overdue") or due == said


@pytest.mark.parametrize(
    ("at", "said"),
    [("2026-12-31T15:00:00Z", "Thursday, December 31"), ("2027-01-04T15:00:00Z", "Monday, January 4, 2027")],
)
async def test_the_chat_says_the_year_of_another_year(page: Page, at: str, said: str) -> None:
    script = "async ([module, at]) => (await import(module)).sayDay(at)"
    assert await page.evaluate(script, [module("widget-dom.js"), at]) == said
