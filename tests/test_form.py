"""The plain web form: works without a script, keeps what was typed, opens one ticket [R2] [R27]."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from adapters.web.phone_links import dialled, pieces
from chatdesk.ticket import TicketNumber
from tests.maintenance_toml import coming, going_on, maintenance
from tests.running_desk import ANSWERS, serving

PERSON = {"Accept": "text/html"}
CLOSED = """
[desk]
name = "Northwind IT"
timezone = "America/New_York"
phone = "555-0100"
[channels]
form = { calendar = "never" }
web = { calendar = "never" }
[calendars.desk]
mon-fri = "08:30-17:00"
"""


async def shown(base: str) -> str:
    """Return the empty form."""
    async with aiohttp.ClientSession() as session, session.get(f"{base}/form?key=desk") as answer:
        return await answer.text()


async def fetch(base: str, **fields: str) -> tuple[int, str]:
    """Load the form, post ``fields`` with its token and return the status and the page."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{base}/form?key=desk") as answer:
            token = re.findall(r'name="token" value="(\w+)"', await answer.text())[0]
        return await post(base, token=token, **fields)


async def post(base: str, **fields: str) -> tuple[int, str]:
    address = f"{base}/form?key=desk"
    async with aiohttp.ClientSession() as session, session.post(address, data=fields) as answer:
        return answer.status, await answer.text()


async def test_the_form_opens_a_ticket_and_shows_its_number_and_the_promise() -> None:
    async with serving(CLOSED.replace("never", "always"), demo=False) as desk:
        status, page = await fetch(desk.base, **ANSWERS)
    assert status == 200
    assert 'Your ticket is <span class="whole">HD-1001</span>' in page
    assert '<a href="tel:5550100">555-0100</a> now' in page
    assert "we will contact you at 555-0134" in page


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("HD-1001: call 555-0100.", ["", "HD-1001", ": call ", "555-0100", "."]),
        ("We call you at 1 555-0100.", ["We call you at 1 555-0100."]),
        ("We call you at (212) 555-0100.", ["We call you at (212) 555-0100."]),
        ("We call you at 555-01009.", ["We call you at 555-01009."]),
    ],
)
def test_the_desks_number_is_a_piece_of_its_own_but_not_within_a_longer_one(
    text: str, found: list[str]
) -> None:
    assert pieces(text, "555-0100", "HD-1001") == found
    assert pieces(text, "") == [text]


def test_an_extension_is_not_dialled() -> None:
    assert dialled("+1 (555) 555-0100 x12") == "tel:+15555550100"


async def test_what_is_typed_into_the_form_is_set_in_its_own_direction() -> None:
    async with serving() as desk:
        page = await shown(desk.base)
    assert re.findall(r"<(?:input|textarea) id=\"f-(?![^>]*dir=\"auto\")[^>]*>", page) == []


async def test_outside_hours_the_form_says_so_before_and_promises_a_day_afterwards() -> None:
    async with serving(CLOSED, demo=False) as desk:
        async with aiohttp.ClientSession() as session, session.get(f"{desk.base}/form?key=desk") as answer:
            assert "We are closed now." in await answer.text()
        status, page = await fetch(desk.base, **ANSWERS)
    assert status == 200
    assert re.search(r"A technician will contact you on \w+, \w+ \d+, from 8:30 AM", page)


async def test_the_form_names_the_moment_at_which_the_desk_opens() -> None:
    today = datetime.now(UTC).date()
    days = [(today + timedelta(days=ahead)).isoformat() for ahead in (-1, 0, 1)]
    closed = f'[calendars.away]\nmon-sun = "08:30-17:00"\nholidays = {days}\n'.replace("'", '"')
    text = CLOSED.replace('form = { calendar = "never"', 'form = { calendar = "away"') + closed
    async with serving(text, demo=False) as desk:
        page = await shown(desk.base)
    assert re.search(r"We open on \w+, \w+ \d+(, \d+)?, at 8:30 AM E[DS]T\.", page)


@pytest.mark.parametrize(
    ("window", "said"),
    [
        (coming, "Maintenance: Windows patching, "),
        (going_on, "Maintenance now: Windows patching, until "),
    ],
)
async def test_maintenance_is_said_on_the_form_before_it_and_while_it_goes_on(
    window: Callable[[], str], said: str
) -> None:
    async with serving('[desk]\nname = "Northwind IT"\n' + window(), demo=False) as desk:
        page = await shown(desk.base)
    assert f'<p class="notice">{said}' in page


async def test_a_form_says_nothing_of_maintenance_that_is_far_off_and_shows_its_name_as_text() -> None:
    days = datetime.now(UTC) + timedelta(days=3)
    far = maintenance(days, timedelta(hours=1))
    hostile = going_on().replace("Windows patching", "<b>Patching</b>")
    async with serving('[desk]\nname = "Northwind IT"\n' + far + hostile, demo=False) as desk:
        page = await shown(desk.base)
    assert "Windows patching" not in page
    assert "Maintenance now: &lt;b&gt;Patching&lt;/b&gt;, until" in page


ARTICLES = """
[[articles]]
title = "<b>How</b> do I open a ticket?"
text = "Write *to us*. <script>alert(1)</script>"
[[articles]]
title = "VPN"
url = "https://www.example.com/vpn?a=1&b=2"
"""


async def test_common_questions_are_answered_on_the_form_without_a_script_until_it_is_sent() -> None:
    async with serving('[desk]\nname = "Northwind IT"\n' + ARTICLES, demo=False) as desk:
        page = await shown(desk.base)
        _, again = await fetch(desk.base, **{**ANSWERS, "name": ""})
    assert "<summary>&lt;b&gt;How&lt;/b&gt; do I open a ticket?</summary>" in page
    assert "<p>Write <em>to us</em>. &lt;script&gt;alert(1)&lt;/script&gt;</p>" in page
    assert 'href="https://www.example.com/vpn?a=1&amp;b=2" target="_blank" rel="noopener noreferrer"' in page
    assert "Common questions" not in again


async def test_a_form_without_articles_offers_none() -> None:
    async with serving(CLOSED, demo=False) as desk:
        assert "Common questions" not in await shown(desk.base)


SITE = """
[companies.contoso]
name = "Contoso"
widget = "contoso"
origins = ["https://www.contoso.example"]
calendar = "always"
"""


async def test_the_demonstrations_form_leads_to_the_page_with_the_chat_on_whatever_port_it_has() -> None:
    async with (
        serving() as desk,
        aiohttp.ClientSession() as session,
        session.get(f"{desk.base}/form?key=desk") as answer,
    ):
        page = await answer.text()
    address = f"{desk.base}/demo"
    assert f'Our chat is open now: <a href="{address}">{address}</a>' in page


@pytest.mark.parametrize(
    ("key", "notice"),
    [
        ("desk", None),
        ("contoso", 'Our chat is open now: <a href="https://www.contoso.example">'),
    ],
)
async def test_the_form_of_a_widget_has_its_hours_and_leads_to_its_open_chat(
    key: str, notice: str | None
) -> None:
    file = CLOSED.replace('form = { calendar = "never" }', "form = {}") + SITE
    async with (
        serving(file, demo=False) as desk,
        aiohttp.ClientSession() as session,
        session.get(f"{desk.base}/form?key={key}") as answer,
    ):
        page = await answer.text()
    assert ("We are closed now." in page) is (notice is None)
    assert notice in page if notice else "Our chat is open" not in page


async def test_errors_stand_beside_their_fields_and_what_was_typed_is_kept() -> None:
    async with serving() as desk:
        status, page = await fetch(desk.base, **{**ANSWERS, "name": "   ", "email": "nobody"})
    assert status == 422
    assert '<p class="error" id="e-name">Please fill in this field.</p>' in page
    assert "Please enter an e-mail address" in page
    assert 'value="nobody"' in page
    assert "It is slow</textarea>" in page
    assert "HD-1001" not in page


async def test_sending_the_same_form_twice_opens_one_ticket() -> None:
    async with serving() as desk:
        first = await post(desk.base, token="a" * 32, **ANSWERS)
        second = await post(desk.base, token="a" * 32, **ANSWERS)
    assert first == second
    assert "HD-1001" in first[1]


async def test_a_program_that_fills_in_every_field_opens_no_ticket() -> None:
    async with serving() as desk:
        status, page = await fetch(desk.base, **ANSWERS, website="https://spam.example")
        assert status == 400
        assert "has to stay empty" in page
        assert "HD-1001" in (await fetch(desk.base, **ANSWERS))[1]


async def test_markup_typed_into_the_form_comes_back_as_text() -> None:
    hostile = {"name": '"><script>alert(1)</script>'}
    async with serving() as desk:
        _, page = await post(desk.base, **hostile)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("key", "origin", "status"), [("nothing", None, 404), ("desk", "https://evil.example", 403)]
)
async def test_unknown_widgets_and_foreign_pages_are_refused(
    key: str, origin: str | None, status: int
) -> None:
    async with serving() as desk, aiohttp.ClientSession() as session:
        headers = {"Origin": origin} if origin else {}
        async with session.post(f"{desk.base}/form?key={key}", data=ANSWERS, headers=headers) as answer:
            assert answer.status == status


async def test_where_the_form_is_not_offered_there_is_a_page_that_says_so_and_no_ticket() -> None:
    without = CLOSED.replace('form = { calendar = "never" }', "email = {}")
    async with serving(without, demo=False) as desk, aiohttp.ClientSession(headers=PERSON) as session:
        address = f"{desk.base}/form?key=desk"
        for answer in (await session.get(address), await session.post(address, data=ANSWERS)):
            assert (answer.status, answer.content_type) == (404, "text/html")
            assert "This desk has no web form. Please reach it another way." in await answer.text()
        assert await desk.running.services.staff_reads.ticket(TicketNumber(1001)) is None


@pytest.mark.parametrize("config", [None, '[desk]\nname = "Northwind IT"\n'])
async def test_a_desk_that_names_no_channels_and_the_demonstration_have_the_form(config: str | None) -> None:
    async with serving(config, demo=config is None) as desk:
        status, page = await fetch(desk.base, **{name: ANSWERS[name] for name in ANSWERS})
    assert (status, "HD-1001" in page) == (200, True), page


async def test_without_a_key_the_form_is_that_of_the_desks_own_widget() -> None:
    async with serving(CLOSED, demo=False) as desk, aiohttp.ClientSession() as session:
        async with session.get(f"{desk.base}/form") as answer:
            assert 'action="/form?key=desk"' in await answer.text()
        async with session.get(f"{desk.base}/form?key=") as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    ("config", "where"),
    [(None, "/demo"), (CLOSED, "/form"), (CLOSED.replace('form = { calendar = "never" }', ""), None)],
)
async def test_the_bare_address_leads_to_a_page_where_there_is_one(
    config: str | None, where: str | None
) -> None:
    async with serving(config, demo=config is None) as desk, aiohttp.ClientSession() as session:
        answer = await session.get(f"{desk.base}/", allow_redirects=False)
    assert (answer.status, answer.headers.get("Location")) == ((303, where) if where else (404, None))
