"""Two browsers talking: the customer in the widget, the technician in the console."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from chatdesk.bootstrap import now
from chatdesk.changes import SetAside
from chatdesk.events import TicketTaken
from chatdesk.ticket import TicketNumber
from storage.store import TortoiseStore
from tests.console_browser import answer_dialog, console_page, note, open_ticket, say, take
from tests.console_client import console
from tests.desk_builders import MARCUS
from tests.mail_builders import all_sent
from tests.running_desk import ANSWERS, ServedDesk, serving
from tests.widget_page import WidgetPage, customer_page

pytestmark = pytest.mark.browser

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PICTURE: FilePayload = {"name": "screen shot.png", "mimeType": "image/png", "buffer": PIXEL}
INSIDE: FilePayload = {"name": "inside.png", "mimeType": "image/png", "buffer": PIXEL}
PASTE = """async (data) => {
    const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], "image.png", { type: "image/png" }));
    const event = new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true });
    document.querySelector(".composer textarea").dispatchEvent(event);
}"""

LISTEN = """() => {
    window.sounds = 0;
    window.told = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) {
        window.sounds += 1;
        return start.apply(this, when);
    };
    window.Notification = class {
        static permission = "granted";
        constructor(title, { body }) { window.told.push([title, body]); }
        close() {}
    };
}"""

HIDE = "Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })"


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


@pytest.fixture
async def marcus(desk: ServedDesk, browser: Browser) -> AsyncIterator[Page]:
    async with console_page(browser, desk) as page:
        yield page


@pytest.fixture
async def dana(desk: ServedDesk, browser: Browser) -> AsyncIterator[WidgetPage]:
    async with customer_page(browser, f"{desk.base}/demo") as page:
        yield page


async def test_a_waiting_chat_is_told_by_sound_and_outside_the_page(
    desk: ServedDesk, browser: Browser, dana: WidgetPage
) -> None:
    """Each only where it was asked for: the sound by a switch, the notification by the browser itself."""
    async with console_page(browser, desk) as page:
        await page.evaluate(LISTEN)
        await page.evaluate(HIDE)
        await page.locator(".app-menu summary").click()
        await page.get_by_role("button", name="Sound is off").click()
        await expect(page.locator(".app-menu").get_by_text("Sound is on")).to_have_count(1)
        assert await page.evaluate("window.sounds") == 1
        number = await dana.start()
        await page.wait_for_function("window.told.length > 0 && window.sounds > 1")
        assert await page.evaluate("window.told[0]") == ["A chat is waiting", number]


async def test_they_talk_correct_themselves_and_come_to_an_end(marcus: Page, dana: WidgetPage) -> None:
    number = await dana.start()
    await take(marcus, number)
    await expect(dana.log).to_contain_text("Marcus Bell from the help desk has joined.")
    await note(marcus, "NOTE: they always print on both sides")
    await marcus.locator(".reply-tab").click()
    await marcus.locator(".composer textarea").press_sequentially("Helo")
    await expect(dana.window).to_contain_text("Marcus Bell is typing…")
    await say(marcus, "Helo Dana")
    await expect(dana.log).to_contain_text("Helo Dana")
    await expect(marcus.locator(".receipt")).to_have_text("Seen")
    message = marcus.locator(".message.agent")
    await message.hover()
    await message.get_by_role("button", name="Edit message").click()
    await answer_dialog(marcus, "Save", Text="Hello Dana")
    await expect(dana.log).to_contain_text("Hello Dana")
    await expect(dana.log).not_to_contain_text("Helo")
    await dana.window.get_by_label("Your message").press_sequentially("It is")
    await expect(marcus.locator(".typing")).to_have_text("Dana Reyes is typing…")
    await dana.write("It is the one upstairs.")
    await expect(marcus.locator(".message.customer").last).to_contain_text("It is the one upstairs.")
    await marcus.get_by_role("button", name="Resolve").click()
    await answer_dialog(marcus, "Resolve", How_was_it_solved="Cleaned the head.")
    await expect(dana.log).to_contain_text("Cleaned the head.")
    assert "NOTE" not in await dana.page.content()
    assert not any("NOTE" in text for text in await dana.said())


async def test_files_are_attached_pasted_and_seen_and_those_of_notes_stay_inside(
    marcus: Page, dana: WidgetPage
) -> None:
    number = await dana.start()
    await take(marcus, number)
    await marcus.locator(".composer input[type=file]").set_input_files([PICTURE])
    await expect(marcus.locator(".chip:not(.loading)")).to_contain_text("screen shot.png")
    await marcus.evaluate(PASTE, base64.b64encode(PIXEL).decode())
    await expect(marcus.locator(".chip:not(.loading)")).to_have_count(2)
    await say(marcus, "Two pictures")
    pictures = marcus.locator(".message.agent:not(.pending) .picture img")
    await expect(pictures).to_have_count(2)
    await marcus.wait_for_function(
        "() => [...document.querySelectorAll('.picture img')].every((each) => each.naturalWidth > 0)"
    )
    await expect(dana.log.locator(".files li, .files a, .files img, img").first).to_be_visible()
    await marcus.locator(".note-tab").click()
    await marcus.locator(".composer input[type=file]").set_input_files([INSIDE])
    await expect(marcus.locator(".chip:not(.loading)")).to_contain_text("inside.png")
    await note(marcus, "For us")
    await say(marcus, "And on")
    await expect(dana.log).to_contain_text("And on")
    assert "inside.png" not in await dana.page.evaluate(
        "document.querySelector('chat-desk').shadowRoot.innerHTML"
    )


async def test_a_customer_who_leaves_the_page_is_shown_as_gone_and_comes_back_to_the_same_chat(
    marcus: Page, dana: WidgetPage
) -> None:
    number = await dana.start()
    await take(marcus, number)
    await expect(marcus.locator(".online")).to_have_text("online")
    address = dana.page.url
    await dana.page.goto("about:blank")
    await expect(marcus.locator(".online")).to_have_text("not in the chat")
    await say(marcus, "Are you there?")
    await dana.page.goto(address)
    await expect(marcus.locator(".online")).to_have_text("online")


async def test_what_could_not_be_delivered_or_worked_on_is_shown(desk: ServedDesk, marcus: Page) -> None:
    async with console(desk, "Priya Nair") as priya:
        for _ in range(7):
            await priya.does("/tickets", way="phone", answers=ANSWERS)
        # Two are one mail too many for a recipient: which two depends on which of the mails leave first.
        failed: list[dict[str, str]] = []
        async with asyncio.timeout(30):
            while not any("one more mail to them" in each["error"] for each in failed):
                failed = (await priya.get("/problems")).body["deliveries"]
        files = [await priya.ticket(f"HD-{number}") for number in range(1001, 1008)]
    (other,) = (
        file["ticket"]["number"]
        for file in files
        for each in file["deliveries"]
        if each["status"] == "failed" and each["id"] != failed[0]["id"]
    )
    event = TicketTaken(at=now(), channel="web", external_id="odd", ticket=TicketNumber(1), agent=MARCUS)
    store = TortoiseStore(desk.running.database, 1001)
    await store.set_aside(SetAside(event, "ValueError: <b>odd</b>", now()))
    await marcus.reload()
    await marcus.locator(".problems-link").click()
    await expect(marcus.locator(".problem-list").first).to_contain_text("failed and is not tried again")
    await expect(marcus.locator(".problem-list").last).to_contain_text("ValueError: <b>odd</b>")
    await marcus.get_by_role("button", name="Send again").first.click()
    await expect(marcus.locator(".toast")).to_have_text("It is sent again.")
    await marcus.goto(f"{desk.base}/console/tickets/{other}")
    await expect(marcus.locator(".delivery.bad")).to_contain_text("by e-mail to dana@contoso.example: failed")


async def test_a_mail_that_was_done_with_and_not_sent_is_not_shown_as_sent(
    desk: ServedDesk, marcus: Page, dana: WidgetPage
) -> None:
    number = await dana.start()
    _ = await all_sent(desk)
    await desk.running.database.writer.execute_query(
        "UPDATE delivery SET external_id = 'not sent: the recipient wants no updates' WHERE kind = 'mail'"
    )
    await take(marcus, number)
    line = marcus.locator(".line.delivery").first
    await expect(line).to_contain_text("dana@contoso.example: not sent: the recipient wants no updates")
    await expect(line.get_by_role("button")).to_have_count(0)


async def test_transcripts_are_one_press_away(marcus: Page, dana: WidgetPage) -> None:
    number = await dana.start()
    await take(marcus, number)
    await note(marcus, "NOTE inside")
    await marcus.get_by_text("Transcript", exact=True).click()
    for name, holds in (("For the customer, as text", False), ("Internal, as text", True)):
        address = await marcus.get_by_role("link", name=name).get_attribute("href")
        answer = await marcus.request.get(f"{marcus.url.split('/console')[0]}{address}")
        assert answer.status == 200
        assert ("NOTE inside" in await answer.text()) is holds


async def test_a_chat_is_opened_by_its_address_and_a_wrong_one_says_so(
    marcus: Page, dana: WidgetPage
) -> None:
    number = await dana.start()
    base = marcus.url.split("/console")[0]
    await marcus.goto(f"{base}/console/tickets/{number.lower()}")
    await expect(marcus.locator(".ticket-chips .number")).to_have_text(number)
    await marcus.goto(f"{base}/console/tickets/HD-4711")
    await expect(marcus.get_by_role("heading", name="HD-4711 was not found")).to_be_visible()
    await marcus.get_by_role("button", name="Back to the list").click()
    await open_ticket(marcus, number)
