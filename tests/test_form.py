"""The plain web form: works without a script, keeps what was typed, opens one ticket [R2] [R27]."""

from __future__ import annotations

import re

import aiohttp
import pytest

from tests.running_desk import ANSWERS, serving

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
    assert "Your ticket is HD-1001" in page
    assert "we will contact you at 555-0134" in page


async def test_outside_hours_the_form_says_so_before_and_promises_a_day_afterwards() -> None:
    async with serving(CLOSED, demo=False) as desk:
        async with aiohttp.ClientSession() as session, session.get(f"{desk.base}/form?key=desk") as answer:
            assert "We are closed now." in await answer.text()
        status, page = await fetch(desk.base, **ANSWERS)
    assert status == 200
    assert re.search(r"A technician will contact you on \w+, \w+ \d+, from 8:30 AM", page)


SITE = """
[companies.contoso]
name = "Contoso"
widget = "contoso"
origins = ["https://www.contoso.example"]
calendar = "always"
"""


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
    file = CLOSED.replace("form = ", "phone = ") + SITE
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
