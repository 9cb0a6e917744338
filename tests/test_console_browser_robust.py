"""The console in a real browser when things go wrong: reloads, a restarted desk, hostile text, no mouse."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from chatdesk.bootstrap import now
from tests.axe import violations
from tests.console_browser import console_page, note, open_ticket, say, take
from tests.console_client import waiting_chat
from tests.running_desk import ANSWERS, ServerProcess, customer, serving

pytestmark = pytest.mark.browser

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "data:text/html,<script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "</textarea><script>alert(1)</script>",
    'https://ok.example/"onmouseover="alert(1)',
    "vbscript:msgbox(1) java\tscript:alert(1)",
    "exe.png <!-- ]]> &lt;b&gt;",
]


async def test_hostile_text_is_shown_as_text_everywhere(browser: Browser) -> None:
    async with serving() as desk, console_page(browser, desk) as page:
        evil = "<img src=x onerror=alert(1)> javascript:alert(1)"
        async with waiting_chat(
            desk, name=evil, company=evil, issue=evil, category="Printing", printer=evil
        ) as chat:
            line, number, _ = chat
            await expect(page.locator(".row .requester")).to_have_text(evil)
            await take(page, number)
            for place, text in enumerate(HOSTILE):
                await line.send(t="message", id=f"x{place}", text=text)
                await line.next("ack")
            await expect(page.locator(".message.customer")).to_have_count(len(HOSTILE) + 1)
            shown = await page.locator(".message.customer .text").all_inner_texts()
            assert [text.replace("\xa0", " ") for text in shown[1:]] == HOSTILE
            for place in await page.locator("a").evaluate_all("all => all.map(a => a.protocol)"):
                assert place in {"http:", "https:", "mailto:", "tel:"}
            assert await page.locator(".app script, .app svg[onload], .app img").count() == 0
            assert await page.locator(".ticket-subject").inner_text() == evil


LINKED = """async (text) => {
    const { linked } = await import("/console/static/dom.js");
    return linked(text).map((node) => [node.href || "", node.textContent]).filter(([, shown]) => shown);
}"""


@pytest.mark.parametrize(
    ("text", "address", "rest"),
    [
        ("https://x.example/a).", "https://x.example/a", ")."),
        ("http://a" + "." * 20_000 + "x", "http://a" + "." * 20_000 + "x", ""),
        ("http://a" + ".?!" * 10_000, "http://a", ".?!" * 10_000),
    ],
    ids=["a sentence's end", "dots within", "marks at the end"],
)
async def test_a_link_ends_before_the_marks_around_it_however_many_there_are(
    browser: Browser, text: str, address: str, rest: str
) -> None:
    async with serving() as desk, console_page(browser, desk) as page, asyncio.timeout(20):
        link, *after = await page.evaluate(LINKED, text)
    assert link[1] == address
    assert "".join(shown for _, shown in after) == rest


async def test_a_reload_shows_the_same_once_and_keeps_the_draft(browser: Browser) -> None:
    async with (
        serving() as desk,
        console_page(browser, desk) as page,
        waiting_chat(desk) as (line, number, _),
    ):
        await take(page, number)
        for place in range(3):
            await say(page, f"ours {place}")
            await line.send(t="message", id=f"t{place}", text=f"theirs {place}")
            await expect(page.locator(".message.customer").last).to_contain_text(f"theirs {place}")
        await note(page, "A note")
        before = await page.locator(".message .text").all_inner_texts()
        await page.locator(".reply-tab").click()
        await page.locator(".composer textarea").fill("Half a sentence")
        await page.reload()
        await expect(page.locator(".ticket-chips .number")).to_have_text(number)
        await expect(page.locator(".message .text")).to_have_count(len(before))
        assert await page.locator(".message .text").all_inner_texts() == before
        await expect(page.locator(".composer textarea")).to_have_value("Half a sentence")


async def test_a_desk_killed_in_mid_chat_comes_back_and_what_was_sent_meanwhile_goes_out_once(
    browser: Browser, tmp_path: Path
) -> None:
    async with ServerProcess(tmp_path, CHATDESK_PORT=str(free_port())) as server:
        cookies = await server.sign_in()
        context = await browser.new_context()
        await context.add_cookies(
            [
                {"name": name, "value": value, "url": f"{server.base}/console"}
                for name, value in cookies.items()
            ]
        )
        page = await context.new_page()
        visitor = "v" * 40
        async with customer(server.base, visitor) as line:
            await line.next("ready")
            await line.send(t="start", id="1", answers=ANSWERS)
            number = str((await line.next("ready"))["state"]["ticket"])
            await page.goto(f"{server.base}/console")
            await take(page, number)
            await say(page, "Before the crash")
            await server.kill()
        await expect(page.locator("#banner")).to_contain_text("Not connected")
        await page.locator(".composer textarea").fill("While it was down")
        await page.keyboard.press("Enter")
        await expect(page.locator(".pending .receipt")).to_have_text("Sending…")
        await server.start()
        await expect(page.locator("#banner")).to_be_hidden(timeout=20_000)
        await expect(page.locator(".pending")).to_have_count(0)
        ours = page.locator(".message.agent .text")
        await expect(ours).to_have_text(["Before the crash", "While it was down"])
        async with customer(server.base, visitor) as line:
            again = await line.next("ready")
            texts = [each["text"] for each in again["messages"] if each["from"] == "agent"]
            assert texts == ["Before the crash", "While it was down"]
            await line.send(t="message", id="2", text="I am back too")
            await expect(page.locator(".message.customer").last).to_contain_text("I am back too")
        await page.reload()
        await expect(ours).to_have_text(["Before the crash", "While it was down"])
        await context.close()


async def test_a_disabled_technician_is_led_to_the_sign_in_page(browser: Browser) -> None:
    async with serving() as desk, console_page(browser, desk, "Lena Ortiz") as page:
        await desk.running.staff.disable("lena@northwind.example", now())
        await expect(page.get_by_role("heading", name="Sign in to the console")).to_be_visible()


async def test_a_whole_chat_with_the_keyboard_alone(browser: Browser) -> None:
    async with serving() as desk, console_page(browser, desk) as page, waiting_chat(desk) as (_, number, _):
        await expect(page.locator(".row.waits")).to_be_visible()
        await page.keyboard.press("?")
        await expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page.locator(".ticket-chips .number")).to_have_text(number)
        await page.keyboard.press("t")
        await expect(page.locator(".status")).to_have_text("assigned")
        await page.keyboard.press("r")
        await page.keyboard.type("t e n j: letters are text here")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("second line")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message.agent:not(.pending) .text")).to_have_text(
            "t e n j: letters are text here\nsecond line"
        )
        await page.keyboard.press("Escape")
        await page.keyboard.press("n")
        await page.keyboard.type("By keyboard")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message.note:not(.pending)")).to_have_count(1)
        await page.keyboard.press("Escape")
        await page.keyboard.press("e")
        await page.keyboard.type("Solved by keyboard.")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator(".status")).to_have_text("closed")
        # The news may be faster than the answer that closes the form.
        await expect(page.locator("dialog")).to_have_count(0)
        await page.keyboard.press("/")
        await page.keyboard.type("dana")
        await expect(page.locator(".row")).to_have_count(1)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_every_view_keeps_the_rules_of_accessibility(browser: Browser, phone: bool, dark: bool) -> None:
    async with (
        serving() as desk,
        console_page(browser, desk, phone=phone, dark=dark) as page,
        waiting_chat(desk, impact="Everyone", urgency="No") as (_, number, _),
    ):
        await expect(page.locator(".row.waits")).to_be_visible()
        assert await violations(page) == []
        await take(page, number)
        await say(page, "Hello, see https://status.example.com")
        await note(page, "A note")
        assert await violations(page) == []
        if phone:
            await page.get_by_role("button", name="Details").click()
            assert await violations(page) == []
            await page.get_by_role("button", name="Close details").click()
        await page.get_by_role("button", name="Resolve").click()
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await assert_fits(page)


async def test_the_sign_in_page_keeps_the_rules_of_accessibility(browser: Browser) -> None:
    async with serving() as desk:
        for scheme in ("light", "dark"):
            page = await browser.new_page(color_scheme=scheme)
            await page.goto(f"{desk.base}/console")
            await page.get_by_label("E-mail address").fill("nobody@northwind.example")
            await page.get_by_label("Password").fill("guess")
            await page.get_by_role("button", name="Sign in").click()
            await expect(page.get_by_role("alert")).to_contain_text("do not belong together")
            await expect(page.get_by_label("E-mail address")).to_have_value("nobody@northwind.example")
            assert await violations(page) == []
            await page.close()


async def test_on_a_phone_list_ticket_and_details_are_views_with_a_way_back(browser: Browser) -> None:
    async with (
        serving() as desk,
        console_page(browser, desk, phone=True) as page,
        waiting_chat(desk) as (_, number, _),
    ):
        await open_ticket(page, number)
        await expect(page.locator(".list")).to_be_hidden()
        await page.get_by_role("button", name="Details").click()
        await expect(page.get_by_role("heading", name="Customer")).to_be_visible()
        await page.get_by_role("button", name="Close details").click()
        await expect(page.locator(".composer")).to_be_visible()
        await assert_fits(page)
        await page.get_by_role("button", name="Back to the list").click()
        await expect(page.locator(".list")).to_be_visible()
        await page.go_back()
        await expect(page.locator(".ticket-chips .number")).to_have_text(number)


async def assert_fits(page: Page) -> None:
    """Nothing sticks out sideways."""
    widths = await page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
