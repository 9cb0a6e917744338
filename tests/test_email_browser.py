"""The desk's mails as a reader sees them, in Chromium: nothing cut off or fetched, readable in the dark."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from adapters.email.render import render_mail
from adapters.email.source import MailFacts
from chatdesk.bootstrap import now
from chatdesk.config import parse_config
from chatdesk.effects import MailKind
from storage.inbox import TortoiseDeliveries
from tests.desk_builders import SAMPLE_DESK
from tests.mail_builders import MAIL_DESK, all_sent, mail, sent_mail, take_in
from tests.running_desk import ServedDesk, serving
from tests.transcript_builders import MARCUS, a_conversation, a_ticket, at, said, the_printer_chat

NEWS = {
    MailKind.OPENED: "Thank you. Your ticket is HD-1024. A technician will contact you today.",
    MailKind.STATUS: "HD-1024 is resolved: " + "https://help.example.com/" + "a-very-long-address/" * 12,
    MailKind.COMMENT: "Please restart it.\n\nThen print a test page: " + "W" * 300,
    MailKind.TRANSCRIPT: "HD-1024 is closed. Not solved? Reply here or to our e-mail and it re-opens.",
}


def html_of(kind: MailKind) -> str:
    """Return the HTML part of a mail about the printer chat."""
    record = the_printer_chat()
    facts = MailFacts(
        a_ticket(subject="Printer offline on floor 2 since this morning"),
        a_conversation(),
        [*record.messages, said(20, "It is back.", MARCUS)],
        record.revisions,
        record.history,
    )
    stop = "https://desk.example.com/mail/stop/dana@contoso.example/1024-abcdefghijklmnop"
    return render_mail(kind, NEWS[kind], facts, parse_config(SAMPLE_DESK, "x"), at("15:00"), stop).html


@pytest.mark.browser
@pytest.mark.parametrize("kind", list(NEWS))
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_mail_fits_its_window_and_fetches_nothing(
    browser: Browser, tmp_path: Path, kind: MailKind, width: int, scheme: str
) -> None:
    file = tmp_path / "mail.html"
    file.write_text(html_of(kind), encoding="utf-8")
    context = await browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
        java_script_enabled=True,
    )
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _ = await page.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.get_by_role("heading", level=1).is_visible()
    dark = await page.evaluate(DARKNESS)
    assert dark == (scheme == "dark")
    assert await page.evaluate(CONTRAST) >= 4.5
    await context.close()


LUMINANCE = """
    const light = (colour) => {
      const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((value) => value / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const card = document.querySelector(".card");
    const paper = light(getComputedStyle(card).backgroundColor);
"""
DARKNESS = f"(() => {{ {LUMINANCE} return paper < 0.2; }})()"
CONTRAST = f"""(() => {{ {LUMINANCE}
    const all = [...card.querySelectorAll("h1, p, .text, .quiet")];
    const places = all.filter((each) => !each.closest(".next"));
    return Math.min(...places.map((each) => {{
      const ink = light(getComputedStyle(each).color);
      return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    }}));
}})()"""
"""The lowest contrast of any text with the card it stands on (WCAG 2, 1.4.3)."""


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving(MAIL_DESK, demo=False) as served:
        yield served


@pytest.mark.browser
async def test_a_mail_that_came_back_shows_on_its_ticket_with_a_button(
    desk: ServedDesk, browser: Browser
) -> None:
    came = await take_in(desk, mail())
    sent = await sent_mail(desk)
    _ = await all_sent(desk)
    _ = await TortoiseDeliveries(desk.running.database).bounced(sent.message_id, "550 no such user", now())
    context = await browser.new_context()
    cookies = [{"name": n, "value": v, "url": desk.base} for n, v in (await desk.sign_in()).items()]
    await context.add_cookies(cookies)  # type: ignore[arg-type]
    page = await context.new_page()
    _ = await page.goto(f"{desk.base}/console/tickets/HD-{came.ticket}")
    await page.get_by_text("550 no such user").wait_for()
    await page.get_by_role("button", name="Send again").click()
    await page.get_by_text("It is sent again.").wait_for()
    await page.get_by_role("link", name="Original mails").click()
    await page.get_by_role("link", name="Printer offline").click()
    await page.get_by_text("The printer on floor 2 is offline.").wait_for()
    _ = await all_sent(desk)
    await context.close()
