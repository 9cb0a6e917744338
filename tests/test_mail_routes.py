"""adapters.web.mail_routes: the demonstration's outgoing mail, read as a person would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from chatdesk.mailbox import StoredMail
from chatdesk.ticket import TicketNumber
from tests.axe import violations
from tests.running_desk import ServedDesk, serving
from tests.web_people import visitor

NOON = datetime(2026, 9, 15, 16, 12, tzinfo=UTC)
XSS = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def message(subject: str = "[HD-1001] Your request", html: str = "<p>Hello there</p>") -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Northwind IT <help@northwind.example>"
    mail["To"] = "dana@contoso.example"
    mail["Subject"] = subject
    mail["Date"] = NOON
    mail.set_content("Hello there, as text")
    if html:
        mail.add_alternative(f"<!doctype html><html><head></head><body>{html}</body></html>", subtype="html")
    return bytes(mail)


async def keep(
    desk: ServedDesk, number: int = 1, source: bytes | None = None, subject: str = "[HD-1001] Your request"
) -> str:
    identity = f"{number}@northwind.example"
    mail = StoredMail(
        message_id=f"<{identity}>",
        ticket=TicketNumber(1001),
        recipient="dana@contoso.example",
        subject=subject,
        source=message(subject) if source is None else source,
        at=NOON + timedelta(minutes=number),
    )
    _ = await desk.running.services.mailbox.keep(mail)
    return identity


async def test_the_mail_that_a_chat_sets_off_is_listed_and_can_be_read(
    desk: ServedDesk, http: aiohttp.ClientSession
) -> None:
    async with visitor(desk):
        async with asyncio.timeout(10):
            while not (kept := await desk.running.services.mailbox.newest(1)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    listed = await (await http.get(f"{desk.base}/demo/mail")).text()
    assert "dana@contoso.example" in listed
    assert "HD-1001" in listed
    path = f"/demo/mail/{kept[0].message_id.strip('<>')}"
    assert f'href="{path}"' in listed
    shown = await (await http.get(desk.base + path)).text()
    assert f'src="{path}/html"' in shown
    assert "Your ticket is HD-1001" in await (await http.get(f"{desk.base}{path}/html")).text()


async def test_the_newest_is_first_and_older_ones_are_on_further_pages(
    desk: ServedDesk, http: aiohttp.ClientSession
) -> None:
    for number in range(60):
        await keep(desk, number, subject=f"Mail number {number:02}")
    first = await (await http.get(f"{desk.base}/demo/mail")).text()
    assert first.index("number 59") < first.index("number 58") < first.index("number 10")
    assert "number 09" not in first

    assert 'href="/demo/mail?before=10%40northwind.example"' in first
    second = await (await http.get(f"{desk.base}/demo/mail?before=10%40northwind.example")).text()
    assert "number 09" in second
    assert "number 10" not in second
    assert "Older mails" not in second


async def test_a_mail_is_shown_with_its_headers_in_the_desks_time(
    desk: ServedDesk, http: aiohttp.ClientSession
) -> None:
    identity = await keep(desk)
    page = await (await http.get(f"{desk.base}/demo/mail/{identity}?part=text")).text()

    assert "Northwind IT &lt;help@northwind.example&gt;" in page
    assert "Tuesday, September 15, 12:13 PM EDT" in page
    assert "Hello there, as text" in page
    source = await (await http.get(f"{desk.base}/demo/mail/{identity}?part=source")).text()
    assert "Content-Type: multipart/alternative" in source


async def test_a_mails_html_can_run_nothing_and_fetch_nothing(
    desk: ServedDesk, http: aiohttp.ClientSession
) -> None:
    identity = await keep(desk, source=message(html=XSS))
    page = await http.get(f"{desk.base}/demo/mail/{identity}")
    part = await http.get(f"{desk.base}/demo/mail/{identity}/html")

    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in await page.text()
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    policy = part.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: x\nContent-Type: text/plain; charset=no-such\n\nhello",
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n",
        b"".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n".encode() for n in range(400)),
        b"To: " + b"(" * 20_000 + b"\n\nhello",
        b"Subject: =?utf-8?b?////?=\nFrom: \xe9\n\nhello",
        message(html=""),
    ],
)
async def test_a_mail_that_cannot_be_taken_apart_is_still_shown(
    desk: ServedDesk, http: aiohttp.ClientSession, source: bytes
) -> None:
    identity = await keep(desk, source=source)
    for path in ("", "/html", "?part=text", "?part=source", "?part=nonsense"):
        answer = await http.get(f"{desk.base}/demo/mail/{identity}{path}")
        assert answer.status == 200, path


async def test_what_a_mail_says_is_text_on_the_page(desk: ServedDesk, http: aiohttp.ClientSession) -> None:
    identity = await keep(desk, source=message(XSS), subject=XSS)
    for path in (f"/demo/mail/{identity}?part=text", "/demo/mail", f"/demo/mail/{identity}?part=source"):
        page = await (await http.get(desk.base + path)).text()
        assert "<img" not in page
        assert "<script>" not in page


@pytest.mark.parametrize("path", ["/nothing@example.com", "/nothing@example.com/html", "/static/demo.css"])
async def test_what_is_not_there_is_not_found(
    desk: ServedDesk, http: aiohttp.ClientSession, path: str
) -> None:
    assert (await http.get(f"{desk.base}/demo/mail{path}")).status == 404


async def test_the_list_says_when_nothing_changed(desk: ServedDesk, http: aiohttp.ClientSession) -> None:
    await keep(desk, 1)
    first = await http.get(f"{desk.base}/demo/mail/list")
    again = {"If-None-Match": first.headers["ETag"]}
    assert (await http.get(f"{desk.base}/demo/mail/list", headers=again)).status == 304

    await keep(desk, 2)
    assert (await http.get(f"{desk.base}/demo/mail/list", headers=again)).status == 200


@pytest.mark.browser
async def test_a_new_mail_appears_on_the_open_page_by_itself(desk: ServedDesk, browser: Browser) -> None:
    page = await browser.new_page()
    await page.goto(f"{desk.base}/demo/mail")
    await expect(page.get_by_text("No mail yet.")).to_be_visible()

    await keep(desk, subject="Fresh from the press")
    await expect(page.get_by_text("Fresh from the press")).to_be_visible(timeout=10_000)
    await page.get_by_text("Fresh from the press").click()
    await expect(page.frame_locator("iframe").get_by_text("Hello there")).to_be_visible()
    await page.get_by_role("link", name="Plain text").click()
    await expect(page.get_by_text("Hello there, as text")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 1280])
async def test_the_list_of_mails_breaks_no_rule_of_accessibility(
    desk: ServedDesk, browser: Browser, width: int
) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 740})
    await page.goto(f"{desk.base}/demo/mail")
    await expect(page.get_by_role("heading", name="Outgoing mail", level=1)).to_be_visible()
    assert await violations(page) == []
    await page.close()
