"""Telephone numbers as people write them, in a real browser: a press dials the number and no other."""

from __future__ import annotations

from base64 import b64encode
from importlib.resources import files

import pytest
from playwright.async_api import Browser, expect

from tests.console_browser import console_page, open_ticket
from tests.console_client import waiting_chat
from tests.running_desk import serving

pytestmark = pytest.mark.browser

WRITTEN = {
    "555-0134": [("555-0134", "5550134")],
    "555-0134, 555-0135": [("555-0134", "5550134"), ("555-0135", "5550135")],
    "555-0134; 555-0135 / 555-0136": [
        ("555-0134", "5550134"),
        ("555-0135", "5550135"),
        ("555-0136", "5550136"),
    ],
    "555-0134 or (555) 555-0135": [("555-0134", "5550134"), ("(555) 555-0135", "5555550135")],
    "555-0134 x12": [("555-0134", "5550134")],
    "555-0134x12": [("555-0134", "5550134")],
    "555-0134 ext. 12345, fax 555 0135": [("555-0134", "5550134"), ("555 0135", "5550135")],
    "555-0134 extension 7 (2nd floor)": [("555-0134", "5550134")],
    "555-0134 #9": [("555-0134", "5550134")],
    "+1 (555) 555-0134": [("+1 (555) 555-0134", "+15555550134")],
    "+44 (0)20 7946 0018": [("+44 (0)20 7946 0018", "+442079460018")],
    "ask at the desk": [],
}
SHOWN = """async (written) => {
    const { withPhones } = await import("/console/static/phones.js");
    return written.map((text) => {
        const place = document.createElement("p");
        place.append(...withPhones(text));
        const links = [...place.querySelectorAll("a")];
        return [place.textContent, links.map((link) => [link.textContent, link.href])];
    });
}"""


async def test_each_telephone_number_is_a_link_of_its_own_without_its_extension(browser: Browser) -> None:
    async with (
        serving() as desk,
        console_page(browser, desk) as page,
        waiting_chat(desk, phone="555-0134, 555-0135 x12") as (_, number, _),
    ):
        shown = await page.evaluate(SHOWN, list(WRITTEN))
        expected = [[text, [[words, f"tel:{to}"] for words, to in links]] for text, links in WRITTEN.items()]
        assert shown == expected
        await open_ticket(page, number)
        links = page.locator('.card a[href^="tel:"]')
        await expect(links).to_have_text(["555-0134", "555-0135"])


@pytest.mark.parametrize(
    ("phone", "dialled"),
    [("555-0100", "5550100"), ("+1 (555) 555-0100 x12", "+15555550100"), ("555-0100 / 0101", "5550100")],
)
async def test_the_desks_number_in_the_chat_is_dialled_without_its_extension(
    browser: Browser, phone: str, dialled: str
) -> None:
    source = files("adapters.web").joinpath("static", "widget-dom.js").read_bytes()
    module = f"data:text/javascript;base64,{b64encode(source).decode()}"
    page = await browser.new_page()
    shown = await page.evaluate(
        """async ([module, phone]) => {
            const link = (await import(module)).call(phone);
            return [link.textContent, link.href];
        }""",
        [module, phone],
    )
    assert shown == [phone, f"tel:{dialled}"]
    await page.close()
