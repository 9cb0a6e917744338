"""The open form and its mail: strangers cannot be written to through it [threats 35, 37, 45]."""

from __future__ import annotations

import asyncio
import email.policy
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from adapters.web import limits
from chatdesk.bootstrap import RunningDesk, now, running_desk
from chatdesk.business_hours import Calendar
from chatdesk.channels import LABELS, VOUCHED_CHANNELS
from chatdesk.config import Config, Environment, load_config
from chatdesk.conversation import ConversationId
from chatdesk.errors import EventRefused
from chatdesk.events import SurveySubmitted
from chatdesk.mailbox import StoredMail
from chatdesk.outbox import MAIL_TARGET, DeliveryStatus
from chatdesk.ticket import TicketNumber
from flows.intake import is_plain_name
from tests.console_client import console
from tests.mail_builders import kept_mails
from tests.running_desk import ANSWERS, ServedDesk, customer, database_url, serving

VICTIM = "victim@elsewhere.example"
SPAM = "https://evil.example/pills"
CODE = "Your verification code is 493817"
NUMBER = "1.tt/493817"
"""Taken as a call-back number, and a link in many mail programs."""


def survey(number: int, recipient: str = VICTIM) -> SurveySubmitted:
    answers = {**ANSWERS, "email": recipient, "issue": f"{CODE} {SPAM}"}
    return SurveySubmitted(
        at=now(),
        channel="web",
        external_id=f"flood-{number}",
        conversation=ConversationId(f"flood-{number}"),
        visitor=f"visitor-{number}",
        widget="desk",
        answers=tuple(answers.items()),
    )


def in_folder(folder: Path) -> Environment:
    """The environment of a desk that keeps everything in that folder."""
    return Environment(database_url=database_url(folder), data=folder)


def always_open() -> Config:
    """Return the demonstration desk, open at any time on every way in."""
    config = load_config(None)
    calendar = Calendar.always("always", config.desk.timezone)
    channels = {name: replace(config.channel(name), calendar=calendar) for name in LABELS}
    return replace(config, channels=channels)


async def mails(desk: RunningDesk, tickets: int) -> list[StoredMail]:
    """Wait until the mail of so many tickets was sent or given up, and return what was sent."""
    async with asyncio.timeout(20):
        for number in range(1001, 1001 + tickets):
            while not await _settled(desk, TicketNumber(number)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    return await kept_mails(desk.services.mailbox, 10_000)


async def _settled(desk: RunningDesk, number: TicketNumber) -> bool:
    file = await desk.services.staff_reads.ticket_file(number)
    sent = [note for note in file.deliveries if note.delivery.target == MAIL_TARGET] if file else []
    return bool(sent) and all(
        note.status not in (DeliveryStatus.PENDING, DeliveryStatus.LEASED) for note in sent
    )


def words(mail: StoredMail) -> str:
    parsed = message_from_bytes(mail.source, policy=email.policy.default)
    parts = [str(value) for value in parsed.values()]
    parts += [str(part.get_content()) for part in parsed.walk() if not part.is_multipart()]
    return "\n".join(parts)


async def start(desk: ServedDesk, **answers: str) -> None:
    async with customer(desk.base) as line:
        await line.next("ready")
        await line.send(t="start", id="1", answers={**ANSWERS, **answers})
        await line.next("ack")


@pytest.mark.parametrize("field", ["name", "company", "issue"])
async def test_nothing_typed_into_the_form_is_mailed_to_the_address_typed_there(field: str) -> None:
    async with serving() as desk:
        await start(desk, email=VICTIM, **{field: f"{SPAM} {CODE}"})
        [mail] = await mails(desk.running, 1)

        assert mail.recipient == VICTIM
        for typed in ("evil.example", "pills", "verification", "493817"):
            assert typed not in words(mail), typed


@pytest.mark.parametrize("channel", sorted({*LABELS} - VOUCHED_CHANNELS))
async def test_no_channel_on_which_an_address_is_only_typed_mails_what_was_typed(
    channel: str, tmp_path: Path
) -> None:
    async with running_desk(load_config(None), in_folder(tmp_path), demo=True) as desk:
        await desk.desk.receive(replace(survey(1), channel=channel, widget=""))
        [mail] = await mails(desk, 1)

    assert mail.recipient == VICTIM
    assert SPAM not in words(mail)
    assert CODE not in words(mail)


@pytest.mark.parametrize("channel", sorted({*LABELS} - VOUCHED_CHANNELS))
async def test_a_number_typed_into_a_form_is_said_on_its_page_and_not_mailed(
    channel: str, tmp_path: Path
) -> None:
    answers = tuple({**dict(survey(1).answers), "phone": NUMBER}.items())
    async with running_desk(always_open(), in_folder(tmp_path), demo=True) as desk:
        await desk.desk.receive(replace(survey(1), channel=channel, widget="", answers=answers, live=False))
        [mail] = await mails(desk, 1)
        file = await desk.services.staff_reads.ticket_file(TicketNumber(1001))

    assert file is not None
    assert f"contact you at {NUMBER}" in file.messages[-1].text
    assert "we will contact you" in words(mail)
    assert NUMBER not in words(mail)


async def test_a_number_typed_before_a_chat_is_not_mailed_to_who_leaves_the_queue() -> None:
    async with serving() as desk:
        async with customer(desk.base) as line:
            await line.next("ready")
            await line.send(t="start", id="1", answers={**ANSWERS, "email": VICTIM, "phone": NUMBER})
            await line.next("ack")
            await line.send(t="leave", id="2")
            await line.next("ack")
        sent = await mails(desk.running, 1)

    assert len(sent) == 2
    assert any("You have left the queue: we will contact you" in words(mail) for mail in sent)
    assert not any(NUMBER in words(mail) for mail in sent)


@pytest.mark.parametrize("way", ["phone", "direct"])
async def test_what_a_technician_wrote_down_is_mailed_to_the_requester(way: str) -> None:
    async with serving() as desk, console(desk) as marcus:
        await marcus.does("/tickets", way=way, answers={**ANSWERS, "issue": "The door does not open"})
        [mail] = await mails(desk.running, 1)

    assert mail.recipient == ANSWERS["email"]
    assert "The door does not open" in words(mail)


async def test_messages_of_the_unanswered_chat_are_not_mailed_on_either() -> None:
    async with serving() as desk, customer(desk.base) as line:
        await line.next("ready")
        await line.send(t="start", id="1", answers={**ANSWERS, "email": VICTIM})
        await line.next("ack")
        await line.send(t="message", id="2", text=f"{SPAM} {CODE}")
        await line.next("ack")
        await line.send(t="leave", id="3")
        await line.next("ack")

        for mail in await mails(desk.running, 1):
            assert SPAM not in words(mail)
            assert CODE not in words(mail)


async def test_a_typed_address_is_shown_no_other_ticket_of_its_owner() -> None:
    """A claim opens nothing: neither to see nor to join what the real owner has [threats 1, 35]."""
    async with serving() as desk, customer(desk.base) as dana, customer(desk.base) as eve:
        await dana.next("ready")
        await dana.send(t="start", id="1", answers={**ANSWERS, "issue": "the payroll server"})
        first = await dana.next("ready")
        await eve.next("ready")
        await eve.send(t="start", id="1", answers=ANSWERS)
        second = await eve.next("ready")

        assert second["conversation"] != first["conversation"]
        assert second["state"]["ticket"] != first["state"]["ticket"]
        assert "payroll" not in str(second)


@pytest.mark.slow
async def test_a_flood_of_forms_writes_to_a_stranger_a_handful_of_times(tmp_path: Path) -> None:
    posts = 300
    async with running_desk(load_config(None), in_folder(tmp_path), demo=True) as desk:
        await asyncio.gather(*(desk.desk.receive(survey(number)) for number in range(posts)))
        sent = await mails(desk, posts)
        assert 1 <= len(sent) <= 5

        _ = await desk.desk.receive(survey(posts, "dana@contoso.example"))
        sent = await mails(desk, posts + 1)
        assert "dana@contoso.example" in {mail.recipient for mail in sent}


async def test_ten_thousand_forms_from_one_address_are_refused_and_another_sender_is_not() -> None:
    async with serving() as desk:
        gate = desk.running.services.gate
        at = datetime(2026, 9, 15, 12, tzinfo=UTC)
        passed = 0
        for number in range(10_000):
            try:
                gate.pass_survey(
                    "203.0.113.7", "", f"{number}@a.example", at + timedelta(milliseconds=number)
                )
                passed += 1
            except EventRefused:
                continue

        assert passed == 60
        gate.pass_survey("203.0.113.8", "", "dana@contoso.example", at)


async def test_a_refused_survey_says_so_and_can_be_sent_again_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving() as desk, customer(desk.base) as line:
        await line.next("ready")
        monkeypatch.setattr(limits, "party", lambda address: "203.0.113.7")
        for _ in range(60):
            desk.running.services.gate.pass_survey(None, "", "", now())
        await line.send(t="start", id="1", answers=ANSWERS)
        frame = await line.socket.receive_json()
        assert (frame["t"], frame["code"], frame["id"]) == ("error", "slow_down", "1")
        assert "Please try again in 10 minutes." in frame["message"]

        monkeypatch.setattr(limits, "party", lambda address: "203.0.113.8")
        await line.send(t="start", id="1", answers=ANSWERS)
        assert (await line.next("ack"))["id"] == "1"


async def test_a_refused_form_comes_back_with_all_that_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as desk, aiohttp.ClientSession() as http:
        monkeypatch.setattr(limits, "party", lambda address: "203.0.113.7")
        for _ in range(60):
            desk.running.services.gate.pass_survey(None, "", "", now())
        form = {**ANSWERS, "issue": "The typed words", "token": "a" * 32}
        refused = await http.post(f"{desk.base}/form?key=desk", data=form, headers={"Origin": desk.base})
        page = await refused.text()

        assert refused.status == 429
        assert "Please try again in 10 minutes." in page
        assert "The typed words" in page


@pytest.mark.parametrize("name", ["Dana", "José", "O'Brien", "Anne-Marie", "अनिता", "李", "Nguyễn"])
def test_a_name_is_thanked_by(name: str) -> None:
    assert is_plain_name(name)


@pytest.mark.parametrize(
    "word", ["https://evil.example", "evil.example", "dana@x.example", "555-0134", "x" * 25, "Buy!", "a/b"]
)
def test_what_could_be_an_address_or_a_shout_is_not(word: str) -> None:
    assert not is_plain_name(word)
