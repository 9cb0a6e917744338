"""The message extension, the survey's conditions and hours, and the small parts messages are made of."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from adapters.teams.card_parts import MAX_CARD, card, line, size
from adapters.teams.connector_pipeline import retry_after
from adapters.teams.incoming import read_incoming
from adapters.teams.message_text import MAX_BYTES, pieces
from chatdesk.config import parse_config
from chatdesk.conversation import Visibility
from chatdesk.ticket import TicketNumber
from tests.desk_builders import ANSWERS
from tests.fake_connector.connector import Json
from tests.fake_connector.running import DANA, MARCUS, TEAMS_DESK, Person, TeamsDesk, teams_desk
from tests.test_teams_desk import card_of, chat_on_the_web, fill_in, messages, said, shows


async def invoke(desk: TeamsDesk, person: Person, name: str, **value: object) -> Json:
    activity = desk.activity(person, type="invoke", name=f"composeExtension/{name}", value=value)
    status, body = await desk.call(activity)
    assert status == 200
    return body


def message_payload(html: str) -> Json:
    return {"id": "1", "body": {"contentType": "html", "content": html}}


async def test_technicians_search_tickets_and_others_are_told_that_they_cannot() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        await chat_on_the_web(desk)
        query = {"commandId": "searchTickets", "parameters": [{"name": "text", "value": "Outlook"}]}
        found = (await invoke(desk, MARCUS, "query", **query))["composeExtension"]
        (result,) = found["attachments"]
        assert result["preview"]["content"]["title"] == "HD-1001"
        assert "Dana Reyes" in json.dumps(result["content"])
        other = (await invoke(desk, DANA, "query", **query))["composeExtension"]
        assert other["type"] == "message"
        assert "Dana Reyes" not in json.dumps(other)


async def test_a_message_is_logged_as_a_ticket() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        html = "<div>The printer is <b>jammed</b></div>"
        begun = await invoke(
            desk, MARCUS, "fetchTask", commandId="logTicket", messagePayload=message_payload(html)
        )
        shown = begun["task"]["value"]["card"]["content"]
        assert "The printer is jammed" in json.dumps(shown)
        assert shown["actions"][0]["type"] == "Action.Submit"
        fields = {f"answer_{name}": text for name, text in ANSWERS.items()}
        bad = {**fields, "answer_phone": "none"}
        again = await invoke(desk, MARCUS, "submitAction", commandId="logTicket", data=bad)
        assert "Please enter a phone number" in json.dumps(again)
        done = await invoke(desk, MARCUS, "submitAction", commandId="logTicket", data=fields)
        assert "HD-1001" in json.dumps(done)
        assert await desk.running.services.staff_reads.ticket(TicketNumber(1001)) is not None


async def test_a_message_is_added_to_a_ticket_as_a_note() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        await chat_on_the_web(desk)
        wrong = await invoke(
            desk, MARCUS, "submitAction", commandId="addToTicket", data={"number": "7", "text": "x"}
        )
        assert "Write a number such as HD-1024" in json.dumps(wrong)
        data = {"number": "HD-1001", "text": "Seen at another desk too."}
        done = await invoke(desk, MARCUS, "submitAction", commandId="addToTicket", data=data)
        assert "HD-1001" in json.dumps(done)
        assert (await said(desk, "Seen at another desk too.")).visibility is Visibility.INTERNAL


async def test_nobody_but_technicians_logs_or_adds() -> None:
    async with teams_desk() as desk:
        await chat_on_the_web(desk)
        before = len(await messages(desk))
        for command in ("logTicket", "addToTicket"):
            data = {
                "number": "HD-1001",
                "text": "x",
                **{f"answer_{name}": text for name, text in ANSWERS.items()},
            }
            for name in ("fetchTask", "submitAction"):
                assert "Only technicians" in json.dumps(
                    await invoke(desk, DANA, name, commandId=command, data=data)
                )
        assert len(await messages(desk)) == before
        assert await desk.running.services.staff_reads.ticket(TicketNumber(1002)) is None


async def test_out_of_hours_a_customer_gets_a_ticket_and_a_promise() -> None:
    closed = TEAMS_DESK.replace('teams = { calendar = "always" }', 'teams = { calendar = "never" }')
    assert closed != TEAMS_DESK
    async with teams_desk(parse_config(closed, "chatdesk.toml")) as desk:
        assert "HD-1001" in card_of(await fill_in(desk, DANA))
        told = await desk.last_text(DANA.chat, "HD-1001")
        assert "number 1 in the queue" not in told
        await desk.say(DANA, "status")
        await desk.connector.until(lambda: shows(desk, DANA, "Your tickets"))


async def test_a_question_that_depends_on_another_is_asked_once_that_is_answered() -> None:
    extra = '{ id = "device", ask = "Which computer?", when = { impact = ["Only me"] }, required = true },\n'
    text = TEAMS_DESK.replace('  { id = "issue"', extra + '  { id = "issue"')
    async with teams_desk(parse_config(text, "chatdesk.toml")) as desk:
        asked = card_of(await fill_in(desk, DANA))
        assert "Which computer?" in asked
        assert "HD-1001" not in asked
        fields = {f"answer_{name}": text for name, text in ANSWERS.items()}
        shown = [*ANSWERS, "device"]
        empty = await desk.press(DANA, "customer_survey", shown=shown, **fields)
        assert "Please fill in this field." in card_of(empty)
        sent = await desk.press(DANA, "customer_survey", shown=shown, **fields, answer_device="PC-7")
        assert "HD-1001" in card_of(sent)


async def test_one_customer_sees_nothing_of_another() -> None:
    other = Person("29:eve", "aad-eve", "Eve Stone", DANA.tenant)
    async with teams_desk() as desk:
        await fill_in(desk, DANA)
        await desk.last_text(DANA.chat, "HD-1001")
        await desk.say(other, "status")
        await desk.connector.until(lambda: shows(desk, other, "You have no tickets yet"))
        await desk.say(other, "HD-1001")
        await desk.connector.until(lambda: shows(desk, other, "Call-back number"))
        assert not shows(desk, other, "dana@contoso.example")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), (" 30 ", 30.0), ("", None), ("soon", None), ("-1", None), ("\u00b2", None)],
)
def test_retry_after_is_read_as_seconds(header: str, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_retry_after_is_read_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < (retry_after(later) or 0) <= 60


@pytest.mark.parametrize(
    "text", ["", "short", "word " * 20_000, "x" * 50_000, "\U0001f600" * 9_000, "a\n" * 30_000]
)
def test_pieces_hold_the_whole_text_and_each_fits(text: str) -> None:
    found = pieces(text)
    assert "".join(found) == text
    assert all(len(json.dumps(piece)) <= MAX_BYTES + 2 for piece in found)


def test_a_card_that_would_be_too_large_loses_parts_from_its_end() -> None:
    made = card([line(f"{number} " + "x" * 1000) for number in range(60)])
    assert size(made) <= MAX_CARD
    assert '"0 x' in json.dumps(made)


@pytest.mark.parametrize(
    ("text", "mention", "plain"),
    [
        ("<at>Desk</at> hello", "<at>Desk</at>", "hello"),
        ("hello <at>Desk</at>", "<at>Desk</at>", "hello"),
        ("<at>Marcus</at> hello&nbsp;you", "<at>Desk</at>", "Marcus hello you"),
        ("1 < 2 > 0", "<at>Desk</at>", "1 < 2 > 0"),
    ],
)
def test_the_mention_of_the_bot_is_no_part_of_the_text(text: str, mention: str, plain: str) -> None:
    entity = {"type": "mention", "text": mention, "mentioned": {"id": "28:bot"}}
    incoming = read_incoming(
        {"type": "message", "text": text, "recipient": {"id": "28:bot"}, "entities": [entity]}
    )
    assert incoming.text == plain
    assert incoming.mentions_bot


def test_microsofts_libraries_are_not_imported_before_a_desk_with_teams_starts() -> None:
    check = (
        "import sys, chatdesk.bootstrap\n"
        "sys.exit(any(name.startswith(('botbuilder', 'msrest')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
