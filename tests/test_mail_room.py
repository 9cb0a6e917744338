"""Held mail in the console: placed in one click, read safely, sent again; updates ended by their reader."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser

from chatdesk.bootstrap import now
from chatdesk.inbox import InboundMail, InboundStatus
from chatdesk.outbox import DeliveryStatus
from storage.inbox import TortoiseDeliveries
from tests.console_client import console
from tests.mail_builders import MAIL_DESK, all_sent, mail, read_back, sent_mail, take_in, ticket_file
from tests.running_desk import ServedDesk, serving

SAM = "Sam Field <sam@contoso-group.example>"
SAMPLES = Path(__file__).parent / "mails"


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving(MAIL_DESK, demo=False) as served:
        yield served


@asynccontextmanager
async def signed_in(desk: ServedDesk) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        base_url=desk.base, cookies=dict(await desk.sign_in()), headers={"Origin": desk.base}
    ) as session:
        yield session


async def page(session: aiohttp.ClientSession, path: str) -> str:
    async with session.get(path) as answer:
        assert answer.status == 200, path
        return unescape(await answer.text())


def fields_of(text: str, action: str) -> Mapping[str, str]:
    """Return the hidden fields of the form with that action."""
    form = re.search(rf'(?s)<form method="post" action="{re.escape(action)}">(.*?)</form>', text)
    assert form is not None, action
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[1]))


async def held(desk: ServedDesk, text: str = "This is Sam of Contoso. Help!") -> InboundMail:
    found = await take_in(desk, mail(text, sender=SAM, vouched=""))
    assert found.status is InboundStatus.HELD
    return found


async def test_a_held_mail_becomes_a_ticket_in_one_click(desk: ServedDesk) -> None:
    waiting = await held(desk)
    async with signed_in(desk) as session:
        text = await page(session, "/console/mail")
        assert "Is this Contoso?" in text
        action = f"/console/mail/{waiting.id}/place"
        async with session.post(action, data=fields_of(text, action), allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.headers["Location"] == "/console/tickets/HD-1001"
        assert "No mail is held." in await page(session, "/console/mail")
        async with session.post(action, data=fields_of(text, action)) as again:
            assert again.status == 409
    placed = await desk.running.mail.room.read(waiting.id)
    assert placed is not None
    file = await ticket_file(desk, placed.ticket)
    assert (file.ticket.company, file.ticket.requester_name) == ("Contoso", "Sam Field")
    assert (placed.status, placed.reason) == (InboundStatus.FILED, "Placed by Marcus Bell.")
    assert file.history[0].by.name == "Marcus Bell"
    first = read_back(await sent_mail(desk, lambda found: found.ticket == placed.ticket))
    assert str(first["Subject"]).startswith("[HD-1001]")


async def test_a_held_mail_that_is_added_to_a_merged_ticket_joins_what_that_is_part_of(
    desk: ServedDesk,
) -> None:
    into = await take_in(desk, mail())
    merged = await take_in(desk, mail(sender="Sam <sam@contoso.example>"))
    assert merged.ticket is not None
    one = await held(desk, "More.")
    async with console(desk) as marcus:
        await marcus.does(f"/tickets/HD-{merged.ticket}/merge", into=f"HD-{into.ticket}")
    (account, *_) = await desk.running.staff.accounts()
    assert await desk.running.mail.room.add_to(one.id, merged.ticket, account.agent) == into.ticket


async def test_a_held_mail_is_added_to_a_ticket_or_dismissed(desk: ServedDesk) -> None:
    came = await take_in(desk, mail())
    one, other = await held(desk, "More."), await held(desk, "Buy now")
    async with signed_in(desk) as session:
        text = await page(session, f"/console/mail/{one.id}")
        action = f"/console/mail/{one.id}/add"
        for written, said in (("9999", "There is no ticket HD-9999."), ("x", "Write a ticket's number")):
            async with session.post(action, data={**fields_of(text, action), "ticket": written}) as answer:
                assert answer.status == 409
                shown = unescape(await answer.text())
            assert f'role="alert">{said}' in shown
            assert re.search(rf'name="ticket" value="{written}".*aria-invalid="true".*autofocus', shown)
        right = {**fields_of(text, action), "ticket": f"HD-{came.ticket}"}
        async with session.post(action, data=right, allow_redirects=False) as answer:
            assert answer.status == 303
        action = f"/console/mail/{other.id}/dismiss"
        text = await page(session, f"/console/mail/{other.id}")
        async with session.post(action, data=fields_of(text, action), allow_redirects=False) as answer:
            assert answer.status == 303
    file = await ticket_file(desk, came.ticket)
    assert [message.text for message in file.messages if message.author.name == "Sam Field"] == ["More."]
    dismissed = await desk.running.mail.room.read(other.id)
    assert dismissed is not None
    assert dismissed.status is InboundStatus.DISMISSED


async def test_a_refusal_keeps_what_was_filled_in_and_stands_beside_its_field(desk: ServedDesk) -> None:
    waiting = await held(desk, "It is broken.")
    action = f"/console/mail/{waiting.id}/place"
    async with signed_in(desk) as session:
        text = await page(session, f"/console/mail/{waiting.id}")
        assert "aria-invalid" not in text
        filled = {"company": "", "other": " ", "name": 'Sam "S" Okafor', "phone": "555-0177"}
        async with session.post(action, data={**fields_of(text, action), **filled}) as answer:
            assert answer.status == 409
            shown = await answer.text()
    assert shown.count('role="alert"') == 1
    assert re.search(r'id="company" name="company" aria-invalid="true" .*autofocus>', shown)
    assert 'id="company-problem" role="alert">Choose the company, or write its name.' in shown
    assert 'name="name" value="Sam &#34;S&#34; Okafor"' in shown
    assert 'name="phone" value="555-0177"' in shown


async def test_only_the_consoles_own_pages_can_place_mail(desk: ServedDesk) -> None:
    waiting = await held(desk)
    action = f"/console/mail/{waiting.id}/place"
    async with signed_in(desk) as session:
        fields = fields_of(await page(session, "/console/mail"), action)
        for data, headers in (
            ({**fields, "csrf": "x"}, {}),
            (fields, {"Origin": "https://evil.example"}),
        ):
            async with session.post(action, data=data, headers=headers) as answer:
                assert answer.status == 403
    async with aiohttp.ClientSession(base_url=desk.base) as stranger:
        for path in ("/console/mail", f"/console/mail/{waiting.id}"):
            async with stranger.get(path, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, f"/console/sign-in?next={path}")
        for path in (f"/console/mail/{waiting.id}/html", f"/console/mail/{waiting.id}/source"):
            async with stranger.get(path) as answer:
                assert answer.status == 401


async def test_the_original_is_handed_out_as_it_came(desk: ServedDesk) -> None:
    source = mail("Look at this.", sender=SAM, vouched="")
    waiting = await take_in(desk, source)
    async with signed_in(desk) as session, session.get(f"/console/mail/{waiting.id}/source") as answer:
        assert await answer.read() == source
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Type"] == "application/octet-stream"


async def test_a_failed_mail_has_a_button_that_sends_it_again(desk: ServedDesk) -> None:
    came = await take_in(desk, mail())
    sent = await sent_mail(desk)
    _ = await all_sent(desk)
    _ = await TortoiseDeliveries(desk.running.database).bounced(sent.message_id, "550 no such user", now())
    assert came.ticket is not None
    note = (await ticket_file(desk, came.ticket)).deliveries[0]
    action = f"/console/mail/deliveries/{note.delivery.id}/retry"
    async with signed_in(desk) as session:
        text = await page(session, "/console/mail")
        assert "550 no such user" in text
        async with session.post(action, data=fields_of(text, action)) as answer:
            assert "on its way again" in await answer.text()
        _ = await all_sent(desk)
        async with session.post(action, data=fields_of(text, action)) as answer:
            assert "has arrived" in await answer.text()
    assert (await ticket_file(desk, came.ticket)).deliveries[0].status is DeliveryStatus.DONE


async def test_updates_end_with_one_click_and_come_back_with_another() -> None:
    text = MAIL_DESK.replace("[mail]", 'public_url = "https://desk.northwind.example"\n[mail]')
    async with serving(text, demo=False) as desk:
        came = await take_in(desk, mail())
        assert came.ticket is not None
        token = desk.running.mail.tokens.for_stop(came.ticket, "dana@contoso.example")
        path = f"/mail/stop/dana@contoso.example/{token}"
        updates = desk.running.mail.channel._updates
        assert updates is not None
        async with aiohttp.ClientSession(base_url=desk.base) as reader:
            assert "Stop these mails" in await page(reader, path)
            assert await updates.wanted(came.ticket, "dana@contoso.example")
            async with reader.post(path, data={"List-Unsubscribe": "One-Click"}) as answer:
                assert answer.status == 200
            assert not await updates.wanted(came.ticket, "dana@contoso.example")
            async with reader.post(path, data={"again": "yes"}) as answer:
                assert answer.status == 200
            assert await updates.wanted(came.ticket, "dana@contoso.example")
            async with reader.get(path.replace("dana@", "eve@")) as answer:
                assert answer.status == 404


@pytest.mark.browser
async def test_a_hostile_mail_runs_nothing_and_fetches_nothing(desk: ServedDesk, browser: Browser) -> None:
    source = (SAMPLES / "hostile-html.eml").read_bytes().replace(b"dana@contoso", b"dana@unknown")
    waiting = await take_in(desk, source)
    context = await browser.new_context()
    cookies = [{"name": n, "value": v, "url": desk.base} for n, v in (await desk.sign_in()).items()]
    await context.add_cookies(cookies)  # type: ignore[arg-type]
    shown = await context.new_page()
    asked: list[str] = []
    dialogs: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("dialog", lambda dialog: dialogs.append(dialog.message))
    _ = await shown.goto(f"{desk.base}/console/mail/{waiting.id}")
    await shown.get_by_text("As it was laid out").click()
    frame = shown.frame_locator("iframe.layout")
    await frame.get_by_text("Hello").wait_for()
    assert dialogs == []
    assert [url for url in asked if not url.startswith(desk.base)] == []
    assert await frame.locator("script, iframe, svg, [onclick]").count() == 0
    await context.close()
