"""The console's reports: who gets them, what the address asks for, and the file for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
from yarl import URL

from chatdesk.bootstrap import now
from tests.console_client import ConsoleClient, console, waiting_chat
from tests.running_desk import ServedDesk, serving

PAGE, FILE = "/console/reports", "/console/reports.csv"


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


@pytest.fixture
async def marcus(desk: ServedDesk) -> AsyncIterator[ConsoleClient]:
    async with console(desk) as client:
        yield client


async def text_of(client: ConsoleClient, path: str, status: int = 200) -> str:
    async with client.session.get(client.base + path) as answer:
        assert answer.status == status, path
        return await answer.text()


@pytest.mark.parametrize("path", [PAGE, FILE])
async def test_who_is_not_signed_in_is_led_to_the_sign_in(desk: ServedDesk, path: str) -> None:
    async with (
        aiohttp.ClientSession() as nobody,
        nobody.get(desk.base + path, allow_redirects=False) as answer,
    ):
        assert answer.status == 303
        assert URL(answer.headers["Location"]).query["next"] == PAGE


async def test_a_desk_that_has_just_begun_says_that_nothing_happened(marcus: ConsoleClient) -> None:
    shown = await text_of(marcus, PAGE)
    assert "Nothing happened on these days" in shown
    assert "<table" not in shown
    assert 'aria-current="true">Last month</a>' in shown


async def test_this_month_has_a_chat_that_waits_and_names_nothing_but_figures(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    async with waiting_chat(desk, company="<b>Bold</b> & Sons", issue="a secret"):
        shown = await text_of(marcus, f"{PAGE}?period=this-month")
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; Sons" in shown
    assert "<b>Bold" not in shown
    assert "a secret" not in shown
    assert "dana@contoso.example" not in shown


async def test_links_to_other_periods_keep_the_company(marcus: ConsoleClient) -> None:
    shown = await text_of(marcus, f"{PAGE}?period=last-7-days&company=fabrikam")
    assert f"{PAGE}?period=last-month&amp;company=fabrikam" in shown
    assert '<option value="fabrikam" selected>' in shown
    assert "Fabrikam: " in shown


@pytest.mark.parametrize(
    ("query", "says", "field"),
    [
        ("from=soon&to=2026-10-01", "is not a day", "from"),
        ("from=2026-10-02&to=2026-10-01", "is before the first", "to"),
        ("company=nobody", "Choose a company of the list.", "company"),
        ("from=2026-10-02&to=%00%3Cscript%3E", "is not a day", "to"),
    ],
)
async def test_what_is_no_period_is_shown_with_the_reason_at_its_field(
    marcus: ConsoleClient, query: str, says: str, field: str
) -> None:
    shown = await text_of(marcus, f"{PAGE}?{query}", 400)
    assert says in shown
    wrong = next(line for line in shown.splitlines() if 'aria-invalid="true"' in line)
    assert f'name="{field}"' in wrong
    assert "<script>" not in shown
    assert says in await text_of(marcus, f"{FILE}?{query}", 400)


async def test_the_file_is_for_spreadsheets_and_nothing_in_it_is_a_formula(
    desk: ServedDesk, marcus: ConsoleClient
) -> None:
    today = now().date()
    query = f"from={today - timedelta(days=2)}&to={today + timedelta(days=1)}"
    async with (
        waiting_chat(desk, company="=cmd|'/c calc'!A1"),
        marcus.session.get(f"{marcus.base}{FILE}?{query}") as answer,
    ):
        content = await answer.read()
        assert answer.content_type == "text/csv"
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="report-')
        assert answer.headers["Cache-Control"] == "no-store"
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert ["By company", "'=cmd|'/c calc'!A1", "Opened", "1", ""] in rows
    assert ["Live chat", "Waiting now", "Chats", "1", ""] in rows
