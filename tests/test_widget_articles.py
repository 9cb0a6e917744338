"""Common questions in the chat's window: offered before the survey, answered in place [R47]."""

from __future__ import annotations

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from tests.axe import violations
from tests.running_desk import serving
from tests.widget_page import customer_page

DESK = '[desk]\nname = "Northwind IT"\nphone = "555-0100"\n'
ARTICLES = """
[[articles]]
title = "How do I open a ticket?"
text = '''
Open the chat and press *Start chat*, or:

1. write to <help@northwind.example>;
2. read [the guide](https://www.example.com/guide).

<img src=x onerror="document.title = 'broken'">'''

[[articles]]
title = "<b>VPN</b>"
url = "https://www.example.com/vpn"
"""


async def test_the_widget_is_told_of_all_articles_with_their_answers_as_pieces() -> None:
    text = (
        DESK
        + '[[articles]]\ntitle = "A"\ntext = "Do *this*."\n[[articles]]\ntitle = "B"\nurl = "https://b.example"\n'
    )
    async with serving(text) as desk, aiohttp.ClientSession() as session:
        for _ in ("made", "kept"):
            async with session.get(
                f"{desk.base}/widget/config?key=desk", headers={"Origin": desk.base}
            ) as answer:
                assert (await answer.json())["articles"] == [
                    {"title": "A", "text": [["p", "Do ", ["em", "this"], "."], "\n"]},
                    {"title": "B", "url": "https://b.example"},
                ]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("width", "colours"), [(1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")]
)
async def test_a_question_opens_its_answer_in_place(browser: Browser, width: int, colours: str) -> None:
    async with (
        serving(DESK + ARTICLES) as desk,
        customer_page(browser, f"{desk.base}/demo", width=width, height=740, colours=colours) as dana,
    ):
        await dana.open()
        answer = dana.window.get_by_text("Open the chat and press")
        await expect(answer).to_be_hidden()
        await expect(dana.window.get_by_label("Your full name")).to_be_focused()
        await dana.window.get_by_text("How do I open a ticket?").click()
        await expect(answer).to_be_visible()
        await expect(dana.window.get_by_role("listitem").filter(has_text="read the guide")).to_be_visible()
        assert await violations(dana.page) == []


@pytest.mark.browser
async def test_answers_and_titles_are_text_and_links_open_elsewhere(browser: Browser) -> None:
    async with serving(DESK + ARTICLES) as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        await dana.window.get_by_text("How do I open a ticket?").click()
        await expect(dana.window.locator(".articles")).to_contain_text("<img src=x onerror=")
        await expect(dana.window.locator(".articles img")).to_have_count(0)
        for name, address in (("<b>VPN</b>", "vpn"), ("the guide", "guide")):
            link = dana.window.get_by_role("link", name=name)
            await expect(link).to_have_attribute("href", f"https://www.example.com/{address}")
            await expect(link).to_have_attribute("target", "_blank")
            await expect(link).to_have_attribute("rel", "noopener noreferrer")
        assert await dana.page.title() != "broken"


@pytest.mark.browser
async def test_questions_are_opened_and_closed_with_the_keyboard(browser: Browser) -> None:
    async with serving(DESK + ARTICLES) as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        keyboard = dana.page.keyboard
        answer = dana.window.get_by_text("Open the chat and press")
        await expect(dana.window.get_by_label("Your full name")).to_be_focused()
        await keyboard.press("Shift+Tab")
        await expect(dana.window.get_by_role("link", name="<b>VPN</b>")).to_be_focused()
        await keyboard.press("Shift+Tab")
        await keyboard.press("Enter")
        await expect(answer).to_be_visible()
        await keyboard.press("Enter")
        await expect(answer).to_be_hidden()
        await keyboard.press("Escape")
        await expect(dana.window).to_be_hidden()


@pytest.mark.browser
async def test_they_are_gone_once_the_customer_waits(browser: Browser) -> None:
    async with serving(DESK + ARTICLES) as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        await expect(dana.window.locator(".articles")).to_have_count(0)


@pytest.mark.browser
async def test_many_questions_are_folded_so_that_the_survey_stays_in_sight(browser: Browser) -> None:
    many = "".join(f'[[articles]]\ntitle = "Question {n}"\ntext = "Answer {n}."\n' for n in range(20))
    async with (
        serving(DESK + many) as desk,
        customer_page(browser, f"{desk.base}/demo", width=375, height=740) as dana,
    ):
        await dana.open()
        await expect(dana.window.get_by_label("Your full name")).to_be_in_viewport()
        await expect(dana.window.get_by_text("Question 7")).to_be_hidden()
        await dana.window.get_by_text("Common questions").click()
        await dana.window.get_by_text("Question 7").click()
        await expect(dana.window.get_by_text("Answer 7.")).to_be_visible()
        assert await violations(dana.page) == []


@pytest.mark.browser
async def test_where_no_chat_can_be_begun_the_questions_are_offered_all_the_same(browser: Browser) -> None:
    text = DESK + "[channels]\nphone = {}\n" + ARTICLES
    async with serving(text) as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        await expect(dana.window).to_contain_text("This desk has no live chat.")
        await dana.window.get_by_text("How do I open a ticket?").click()
        await expect(dana.window.get_by_text("Open the chat and press")).to_be_visible()


@pytest.mark.browser
async def test_without_articles_nothing_is_offered(browser: Browser) -> None:
    async with serving(DESK) as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        await expect(dana.window.get_by_label("Your full name")).to_be_focused()
        await expect(dana.window.get_by_text("Common questions")).to_have_count(0)
