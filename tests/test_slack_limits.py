"""Every card, message and dialog keeps to Slack's published limits, whatever comes from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.slack import modals
from adapters.slack.block_limits import chunks, cut, units
from adapters.slack.card import banner, card, card_summary, message_parts, message_summary, username
from adapters.slack.lists import ticket_list
from adapters.slack.modals import Subject
from adapters.slack.mrkdwn import escape, literal, read
from chatdesk.config import TierSettings
from chatdesk.conversation import (
    Author,
    AuthorKind,
    ConversationId,
    FileRef,
    Live,
    Message,
    Visibility,
    Waiting,
)
from chatdesk.reading import TicketLine
from chatdesk.survey import FieldType, Survey, SurveyField
from chatdesk.ticket import TicketNumber
from tests.desk_builders import NORTHWIND, TUESDAY, conversation, ticket
from tests.fake_slack.rules import Refused, check_message, check_view, fired, texts

EMOJI = "👩🏽‍🚒🏴󠁧󠁢󠁥󠁮󠁧󠁿🇺🇦" * 500
ARABIC = "السلام عليكم ورحمة الله " * 500
HOSTILE = "<!channel> <@U0MARCUS> <https://evil.example|bank> *b* _i_ `c` :smile: & </script> @here " * 140
LONG = "The printer shows paper jam again. " * 343
TEXTS = [
    LONG[:12_000],
    EMOJI[:12_000],
    ARABIC[:12_000],
    HOSTILE[:12_000],
    "x" * 20_000,
    "\n" * 50 + "end",
    "😀" * 20_000,
]


def message(text: str, **changes: Any) -> Message:
    author = Author(AuthorKind.CUSTOMER, "visitor", text[:300])
    plain = Message(ConversationId("c"), 2, author, Visibility.PUBLIC, text, TUESDAY, changed=2)
    return replace(plain, **changes)


@pytest.mark.parametrize("text", TEXTS)
def test_a_message_is_shown_whole_and_within_the_limits(text: str) -> None:
    for parts in (message_parts(message(text)), message_parts(message(text, edited_at=TUESDAY))):
        for blocks in parts:
            body = {
                "text": message_summary(message(text)),
                "blocks": blocks,
                "username": username(message(text)),
            }
            check_message(body)
            assert fired(body) == []
    words = "".join("".join(texts(blocks)) for blocks in message_parts(message(text)))
    assert "".join(words.split()) == "".join(text.split())


def test_a_message_of_files_only_an_internal_one_and_a_deleted_one_are_within_the_limits() -> None:
    files = tuple(FileRef(str(n), "ö" * 250, "text/plain", 1) for n in range(20))
    for shown in (
        message("", files=files),
        message(LONG, files=files, visibility=Visibility.INTERNAL),
        message("", deleted_at=TUESDAY),
    ):
        for blocks in message_parts(shown):
            check_message({"text": message_summary(shown), "blocks": blocks})


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("state", [Waiting(TUESDAY, TUESDAY), Live(("marcus", "priya"))])
def test_a_card_with_40_long_answers_is_within_the_limits(text: str, state: Any) -> None:
    answers = tuple((f"field{n}", text) for n in range(40))
    full = ticket(
        answers=answers, subject=text[:200], company=text[:300], requester_name=text[:300],
        requester_phone=text[:100], assignee="marcus", due_at=TUESDAY, promised_at=TUESDAY,
    )  # fmt: skip
    names = {"marcus": text[:200], "priya": text[:200]}
    chat = conversation(state)
    body = {"text": card_summary(NORTHWIND, full), "blocks": card(NORTHWIND, full, chat, names)}
    check_message(body)
    assert fired(body) == []
    words = banner(NORTHWIND, full, chat, names)
    check_message({"text": words, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": words}}]})
    assert fired({"text": words}) == []
    lines = [TicketLine(replace(full, number=TicketNumber(n)), None) for n in range(1, 60)]
    view = {"type": "home", "blocks": ticket_list(NORTHWIND, "All", lines, names, TUESDAY, {})}
    check_view(view)


def survey_of(fields: int, text: str) -> Survey:
    kinds = [FieldType.TEXT, FieldType.LONG, FieldType.EMAIL, FieldType.PHONE]
    asked = [
        SurveyField(f"field{n}", text[:200], kinds[n % 4], required=True, help=text[:200], max_length=20_000)
        for n in range(fields - 2)
    ]
    many = tuple(f"Option {n}" for n in range(150))
    long = tuple(f"{text[:100]} {n}" for n in range(5))
    choices = [
        SurveyField("many", "Which?", FieldType.CHOICE, options=many),
        SurveyField("long", "Which?", FieldType.CHOICE, options=long),
    ]
    return Survey(text[:60], (*asked, *choices))


@pytest.mark.parametrize("fields", [2, 40, 150])
@pytest.mark.parametrize("text", [LONG, EMOJI, ARABIC, HOSTILE])
def test_a_survey_of_any_size_is_a_dialog_within_the_limits(fields: int, text: str) -> None:
    survey = survey_of(fields, text)
    known = {field.id: text for field in survey.fields}
    subject = Subject("HD-1024", "C0TRIAGE", "1.2", {"way": "phone"})
    check_view(modals.survey(survey, "log", "Log a call", "Open ticket", subject, known))


@pytest.mark.parametrize("make", [modals.reply, modals.note, modals.wait, modals.resolve])
def test_every_dialog_is_within_the_limits(make: Any) -> None:
    check_view(make(Subject("HELPDESK12-123456789012345", "C0TRIAGE", "1.2")))
    tiers = [TierSettings(f"{n}-{'x' * 55}", f"{n} {'&' * 57}", ()) for n in range(150)]
    check_view(modals.escalate(Subject("HELPDESK12-123456789012345", "C0TRIAGE", "1.2"), tiers))
    check_view(modals.add_to_ticket(Subject(channel="C0TRIAGE"), "HD", "x" * 2_000))


def test_the_rules_refuse_what_slack_refuses() -> None:
    section: dict[str, Any] = {"type": "section", "text": {"type": "plain_text", "text": "x" * 3001}}
    refused: list[dict[str, Any]] = [
        {"blocks": [section]},
        {"blocks": [{"type": "divider"}] * 51},
        {"text": ""},
        {"text": "x" * 4001},
    ]
    for body in refused:
        with pytest.raises(Refused):
            check_message(body)


@given(st.text(max_size=400), st.integers(2, 40))
@settings(max_examples=200, deadline=None)
def test_cutting_and_chunking_lose_nothing_and_keep_to_the_length(text: str, most: int) -> None:
    assert units(cut(text, most)) <= most
    pieces = chunks(text, most)
    assert all(units(piece) <= most for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.text(alphabet="<>&!@#|:*_`~ ab/", max_size=80))
@settings(max_examples=300, deadline=None)
def test_text_from_outside_never_becomes_a_command_and_comes_back_as_it_was(text: str) -> None:
    assert fired({"text": escape(text)}) == []
    assert fired({"text": literal(text)}) == []
    assert read({"text": escape(text)}, {}) == text or ":" in text


def test_links_mentions_and_emoji_are_read_as_people_see_them() -> None:
    blocks = [{"type": "rich_text", "elements": [{"type": "emoji", "name": "wave", "unicode": "1f44b"}]}]
    links = "<https://a.example|this> <mailto:a@b.example|a@b.example>"
    said = f"Hi <@U1> :wave: see {links} in <#C1|it> &amp; <!here>"
    words = read({"text": said, "blocks": blocks}, {"U1": "Priya"})
    assert words == "Hi @Priya 👋 see this (https://a.example) a@b.example in #it & @here"


def test_a_moment_is_shown_on_the_readers_own_clock() -> None:
    shown = card(NORTHWIND, ticket(due_at=datetime(2026, 9, 15, 16, 12, tzinfo=UTC)), conversation(), {})
    assert "<!date^1789488720^{date_short_pretty} {time}|2026-09-15 16:12 UTC>" in str(shown)
