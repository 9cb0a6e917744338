"""The chat in a real browser, from the customer's side: survey, conversation, end, return."""

from __future__ import annotations

import base64
import itertools
import re

import pytest
from playwright.async_api import Browser, expect

from chatdesk.bootstrap import now
from chatdesk.conversation import Agent, ConversationId
from chatdesk.events import AgentMessaged, TicketTaken
from chatdesk.hub import Typing
from chatdesk.ticket import TicketNumber
from tests.running_desk import ServedDesk, serving
from tests.widget_page import WidgetPage, customer_page

pytestmark = pytest.mark.browser

MARCUS = Agent("marcus", "Marcus Bell")
PIXEL_TEXT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PIXEL = base64.b64decode(PIXEL_TEXT)
DROP_OR_PASTE = """(field, [way, data]) => {
    const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], "image.png", { type: "image/png" }));
    const how = { bubbles: true, cancelable: true };
    const event = way === "paste"
        ? new ClipboardEvent("paste", { clipboardData: transfer, ...how })
        : new DragEvent("drop", { dataTransfer: transfer, ...how });
    field.dispatchEvent(event);
}"""
XSS = (
    "<script>window.hurt = 1</script>",
    "<img src=x onerror='window.hurt = 1'>",
    "<svg/onload=window.hurt=1>",
    "javascript:window.hurt=1",
    "[x](javascript:window.hurt=1)",
    'https://example.com/"onmouseover="window.hurt=1',
    "data:text/html,<script>window.hurt=1</script>",
    "vbscript:msgbox(1)",
    "&lt;script&gt;window.hurt=1&lt;/script&gt;",
    "{{constructor.constructor('window.hurt=1')()}}",
    "${window.hurt=1}",
    "<iframe srcdoc='<script>parent.hurt=1</script>'></iframe>",
)


async def take(desk: ServedDesk, ticket: str) -> None:
    """Let Marcus take the ticket."""
    number = TicketNumber(int(ticket.removeprefix("HD-")))
    event = TicketTaken(at=now(), channel="test", external_id=f"take-{number}", ticket=number, agent=MARCUS)
    await desk.running.desk.receive(event)


async def answer(desk: ServedDesk, dana: WidgetPage, text: str) -> None:
    """Let Marcus write to the customer."""
    identity = ConversationId(await dana.conversation())
    event = AgentMessaged(
        at=now(), channel="test", external_id=text, conversation=identity, agent=MARCUS, text=text
    )
    await desk.running.desk.receive(event)


async def test_a_customer_fills_in_the_survey_and_talks_to_a_technician(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        ticket = await dana.start()
        assert ticket == "HD-1001"
        await expect(dana.status).to_contain_text("You are number 1 in the queue.")
        await take(desk, ticket)
        await expect(dana.log).to_contain_text("Marcus Bell from the help desk has joined.")
        identity = ConversationId(await dana.conversation())
        desk.running.hub.signal(Typing(identity, MARCUS.author, True))
        await expect(dana.window).to_contain_text("Marcus Bell is typing…")
        await answer(desk, dana, "Hello Dana, please look at https://example.com/help.")
        await expect(dana.window).not_to_contain_text("is typing")
        link = dana.log.get_by_role("link")
        await expect(link).to_have_attribute("href", "https://example.com/help")
        assert "noopener" in (await link.get_attribute("rel") or "")
        await dana.write("The one on the second floor.")
        own = dana.log.locator(".customer").last
        await expect(own).to_contain_text("The one on the second floor.")
        await expect(own).to_contain_text("Sent")


async def test_blanks_are_no_answer_and_errors_stand_beside_their_fields(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        await dana.fill_in(name="   ", email="nobody")
        start = dana.window.get_by_role("button", name="Start chat")
        await start.click()
        name = dana.window.get_by_label("Your full name")
        await expect(name).to_be_focused()
        await expect(name).to_have_accessible_description("Please fill in this field.")
        await name.fill("Dana Reyes")
        await start.click()
        email = dana.window.get_by_label("E-mail address")
        await expect(email).to_be_focused()
        await expect(email).to_have_accessible_description(re.compile("such as dana@example.com"))
        await expect(dana.window.get_by_label("Company")).to_have_value("Contoso")


async def test_what_was_typed_is_still_there_after_a_reload_and_a_closed_window(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        await dana.fill_in()
        await dana.window.get_by_label("Close chat").click()
        await dana.page.reload()
        await dana.open()
        await expect(dana.window.get_by_label("What is happening?")).to_have_value(
            "The printer prints blank pages."
        )
        await dana.window.get_by_role("button", name="Start chat").click()
        await expect(dana.log).to_contain_text("Your ticket is HD-1001")
        await dana.window.get_by_label("Your message").fill("not yet sent")
        await dana.page.reload()
        await dana.open()
        await expect(dana.window.get_by_label("Your message")).to_have_value("not yet sent")


async def test_a_question_that_depends_on_another_is_asked_only_then(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        printer = dana.window.get_by_label("Which printer?")
        await expect(printer).to_be_hidden()
        await dana.window.get_by_label("Printing").check()
        await expect(printer).to_be_visible()
        await dana.window.get_by_label("Computer").check()
        await expect(printer).to_be_hidden()


async def test_stopped_work_shows_the_phone_number_first(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        await dana.window.get_by_label("No", exact=True).check()
        await expect(dana.window.get_by_role("alert").filter(has_text="555-0100")).to_be_visible()


async def test_after_hours_the_same_survey_makes_the_ticket_and_promises_a_day(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo/after-hours") as dana:
        await dana.open()
        await expect(dana.window).to_contain_text("Our chat is closed now.")
        await expect(dana.window).to_contain_text(re.compile(r"contact you on \w+, \w+ \d+, from 8:30 AM"))
        await expect(dana.window.get_by_role("link", name="555-0100").first).to_be_visible()
        await dana.fill_in()
        await dana.window.get_by_role("button", name="Send request").click()
        await expect(dana.log).to_contain_text("Your request is ticket HD-1001")
        await expect(dana.status).to_contain_text(
            re.compile(r"HD-1001\. Next contact: \w+, \w+ \d+(, \d+)?, from 8:30")
        )


async def test_who_leaves_the_queue_keeps_the_ticket_with_a_promise(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        await dana.window.get_by_role("button", name="Leave with a ticket").click()
        await expect(dana.log).to_contain_text("You have left the queue: we will contact you at 555-0134")
        await expect(dana.status).to_contain_text("HD-1001. Next contact:")


async def test_the_end_asks_whether_it_was_solved_and_takes_a_rating(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await take(desk, await dana.start())
        await dana.window.get_by_label("More").click()
        await dana.window.get_by_role("button", name="End chat").click()
        await dana.window.get_by_role("button", name="Yes, solved").click()
        await expect(dana.log).to_contain_text("HD-1001 is closed.")
        await dana.window.get_by_label("4 of 5 stars").click()
        await dana.window.get_by_label("Comment on the chat").fill("Quick help")
        await dana.window.get_by_role("button", name="Send rating").click()
        await expect(dana.status).to_contain_text("You gave 4 of 5 stars.")
        await dana.window.get_by_label("More").click()
        async with dana.page.expect_download() as download:
            await dana.window.get_by_role("button", name="Save transcript (text)").click()
        assert (await download.value).suggested_filename == "HD-1001.txt"


async def test_a_returning_customer_reopens_the_ticket_or_starts_anew_without_old_questions(
    browser: Browser,
) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await take(desk, await dana.start())
        await dana.window.get_by_label("More").click()
        await dana.window.get_by_role("button", name="End chat").click()
        await dana.window.get_by_role("button", name="Yes, solved").click()
        await expect(dana.log).to_contain_text("HD-1001 is closed.")
        await dana.page.reload()
        await dana.open()
        message = dana.window.get_by_label("Your message")
        await expect(message).to_have_attribute("placeholder", "Write here to open HD-1001 again")
        await dana.write("It is back.")
        await expect(dana.log).to_contain_text("HD-1001 is open again.")
        await dana.window.get_by_role("button", name="Leave with a ticket").click()
        await dana.window.get_by_role("button", name="New request").click()
        await expect(dana.window).to_contain_text("Dana Reyes, Contoso")
        await expect(dana.window.get_by_label("Your full name")).to_be_hidden()
        await dana.window.get_by_label("What is happening?").fill("A new matter")
        await dana.window.get_by_role("button", name="Start chat").click()
        await expect(dana.log).to_contain_text("Your ticket is HD-1002")
        assert "It is back." not in await dana.said()


async def test_own_messages_can_be_changed_and_taken_back(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        await dana.write("Teh printer")
        own = dana.log.locator(".customer").last
        await expect(own).to_contain_text("Teh printer")
        await own.get_by_role("button", name="Edit").click()
        await dana.write("The printer")
        await expect(own).to_contain_text("The printer")
        await expect(own).to_contain_text("Edited")
        await own.get_by_role("button", name="Delete").click()
        await own.get_by_role("button", name="Delete for good?").click()
        await expect(own).to_contain_text("Message deleted")


async def test_what_comes_while_the_window_is_closed_shows_on_launcher_and_title(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await take(desk, await dana.start())
        await expect(dana.log).to_contain_text("has joined")
        await dana.page.keyboard.press("Escape")
        await expect(dana.window).to_be_hidden()
        await answer(desk, dana, "Are you there?")
        await expect(dana.page.locator("chat-desk .badge")).to_have_text("1")
        await expect(dana.page).to_have_title(re.compile(r"^\(1\) Northwind IT"))
        await dana.launcher.click()
        await expect(dana.page).to_have_title(re.compile(r"^Northwind IT"))


async def test_a_picture_is_sent_and_shown(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        files = [{"name": "screen.png", "mimeType": "image/png", "buffer": PIXEL}]
        await dana.window.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
        await expect(dana.window.get_by_label("Send", exact=True)).to_be_enabled()
        await dana.write("This is what I see")
        picture = dana.log.get_by_role("img", name="screen.png")
        await expect(picture).to_be_visible()
        assert (await picture.get_attribute("src") or "").startswith("blob:")


async def test_several_files_of_a_message_stand_apart(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        files = [{"name": f"{n}.txt", "mimeType": "text/plain", "buffer": b"log"} for n in range(3)]
        await dana.window.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
        await expect(dana.window.get_by_label("Send", exact=True)).to_be_enabled()
        await dana.write("The logs")
        shown = dana.log.locator(".file")
        await expect(shown).to_have_count(3)
        boxes = await shown.evaluate_all("all => all.map((one) => one.getBoundingClientRect().toJSON())")
        gaps = [below["top"] - above["bottom"] for above, below in itertools.pairwise(boxes)]
        assert min(gaps) >= 4


@pytest.mark.parametrize("way", ["drop", "paste"])
async def test_a_screen_shot_is_dropped_or_pasted_into_the_chat(browser: Browser, way: str) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.start()
        await dana.window.get_by_label("Your message").evaluate(DROP_OR_PASTE, [way, PIXEL_TEXT])
        await expect(dana.window.get_by_label("Send", exact=True)).to_be_enabled()
        await dana.write("This is what I see")
        await expect(dana.log.get_by_role("img", name="image.png")).to_be_visible()


async def test_hostile_text_is_shown_as_text(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await take(desk, await dana.start(name=XSS[1], issue=XSS[0]))
        for text in XSS:
            await answer(desk, dana, text)
        await dana.write(XSS[2])
        await expect(dana.log.locator(".customer").last).to_contain_text(XSS[2])
        said = await dana.said()
        assert [text for text in XSS if text not in said] == []
        assert await dana.page.evaluate("window.hurt") is None
        links = await dana.log.get_by_role("link").evaluate_all("links => links.map(link => link.protocol)")
        assert set(links) <= {"https:", "http:", "mailto:", "tel:"}


async def test_any_element_and_the_address_can_open_the_chat(browser: Browser) -> None:
    async with serving() as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.page.get_by_role("link", name="Chat with a technician").click()
        await expect(dana.window).to_be_visible()
        await dana.page.goto("about:blank")
        await dana.page.goto(f"{desk.base}/demo#chatdesk")
        await expect(dana.window).to_be_visible()


async def test_the_launcher_shifts_nothing_and_loads_one_file_only(browser: Browser) -> None:
    async with serving() as desk:
        context = await browser.new_context()
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url.removeprefix(desk.base)))
        await page.add_init_script(
            "window.shifts = []; window.long = [];"
            "new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((e) => e.value)))"
            ".observe({ type: 'layout-shift', buffered: true });"
            "new PerformanceObserver((list) => window.long.push(...list.getEntries().map((e) => e.name)))"
            ".observe({ type: 'longtask', buffered: true });"
        )
        await page.goto(f"{desk.base}/demo")
        await expect(page.locator("chat-desk .launcher")).to_be_visible()
        assert [path for path in asked if "widget" in path] == ["/widget.js"]
        assert await page.evaluate("window.shifts") == []
        await context.close()


async def test_where_the_desk_has_no_chat_the_window_says_so_and_shows_the_other_ways(
    browser: Browser,
) -> None:
    without = '[desk]\nname = "Northwind IT"\nphone = "555-0100"\n[channels]\nform = {}\nphone = {}\n'
    async with serving(without) as desk, customer_page(browser, f"{desk.base}/demo") as dana:
        await dana.open()
        await expect(dana.window).to_contain_text("This desk has no live chat. Please reach it another way.")
        await expect(dana.window.get_by_role("textbox")).to_have_count(0)
        await expect(dana.window.get_by_text("Phone 555-0100")).to_be_visible()
        await dana.window.get_by_role("link", name="Web form").click()
        await expect(dana.page.get_by_role("heading", name="Open a ticket")).to_be_visible()
