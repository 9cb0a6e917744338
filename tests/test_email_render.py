"""What mail to a requester says, and what it never says [R14, R15, R28, R38]."""

from __future__ import annotations

from datetime import datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.email.render import MAX_ENTRIES, RenderedMail, readable_on, render_mail
from adapters.email.source import MailFacts
from chatdesk.config import Config, parse_config
from chatdesk.conversation import Message
from chatdesk.effects import MailKind
from chatdesk.next_step import next_step
from chatdesk.plain_text import width
from chatdesk.ticket import TicketNumber, TicketStatus
from tests.desk_builders import SAMPLE_DESK
from tests.transcript_builders import (
    DESK,
    MARCUS,
    a_conversation,
    a_ticket,
    at,
    deleted,
    history,
    revision,
    said,
    the_printer_chat,
    with_file,
)

HOSTILE = (
    "<script>alert(1)</script>",
    "</title></style></div><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" style="background:url(//x)"',
    "{{ 7 * 7 }}<!-- -->",
    "hello\r\nBcc: all@example.com\r\n\r\n<b>bold</b>",
    "null\x00 \x1b[31mred \x85 \u2028 half a \ud83d pair",
)
TYPED = ("Zebra Zappa", "buy cheap pills", "http://spam.example", "Quagga Ltd")


@pytest.fixture
def config() -> Config:
    return parse_config(SAMPLE_DESK, "sample")


class Elements(HTMLParser):
    """The elements of a mail with their attributes, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def facts(*messages: Message, **ticket: object) -> MailFacts:
    """A ticket by mail, unless ``channel`` says otherwise, with these messages."""
    ticket.setdefault("channel", "email")
    return MailFacts(a_ticket(**ticket), a_conversation(), messages, (), ())


def typed_into_the_form(*messages: Message, **ticket: object) -> MailFacts:
    """A ticket by web form, whose every field was typed by nobody knows whom."""
    name, words, link, company = TYPED
    first = said(1, f"{words} at {link}")
    return facts(
        first,
        *messages,
        channel="web",
        status=TicketStatus.NEW,
        subject=words,
        requester_name=name,
        company=company,
        answers=(("issue", words),),
        **ticket,
    )


def mail(
    config: Config, given: MailFacts, news: str = "The news.", kind: MailKind = MailKind.COMMENT, **more: Any
) -> RenderedMail:
    return render_mail(kind, news, given, config, more.get("now", at("15:00")))


def test_the_subject_is_the_number_and_what_it_is_about(config: Config) -> None:
    assert mail(config, facts()).subject == "[HD-1024] Printer offline"
    assert mail(config, facts(subject="  ")).subject == "[HD-1024] Your request"
    assert len(mail(config, facts(subject="x" * 12_000)).subject) < 200


@pytest.mark.parametrize("part", ["text", "html"])
def test_a_mail_says_what_happened_what_is_next_and_how_to_answer(config: Config, part: str) -> None:
    given = facts(said(1, "The printer is offline."), status=TicketStatus.WAITING_ON_CUSTOMER)
    words = getattr(mail(config, given, "Which floor are you on?"), part)
    for said_so in (
        "Northwind IT",
        "HD-1024",
        "Hello Dana Reyes,",
        "Which floor are you on?",
        "We need your answer to go on.",
        "Please reply to this message",
        "555-0100",
        "The printer is offline.",
        "Friday, September 18, 2026, 2:02 PM EDT",
    ):
        assert said_so in words


MONDAY_7 = at("07:00", 21)
OWED = {"due_at": MONDAY_7, "promised_at": MONDAY_7}
"""Contact that was promised and has not come yet."""


@pytest.mark.parametrize(
    ("ticket", "words"),
    [
        ({"status": "new", "promised_at": MONDAY_7},
         "A technician will contact you on Monday, September 21, from 7:00 AM EDT."),
        ({"status": "new", "due_at": at("16:10")},
         "A technician will contact you on Friday, September 18, before 4:10 PM EDT."),
        ({"status": "assigned", "promised_at": at("16:10")},
         "A technician will contact you on Friday, September 18, before 4:10 PM EDT."),
        ({"status": "new", "due_at": at("14:30")}, "A technician will contact you as soon as possible."),
        ({"status": "new"}, "A technician will contact you."),
        ({"status": "assigned", "due_at": at("16:10"), "first_response_at": at("14:10")},
         "A technician will contact you."),
        ({"status": "assigned", **OWED, "first_response_at": at("14:10")},
         "A technician will contact you on Monday, September 21, from 7:00 AM EDT."),
        ({"status": "in progress", **OWED, "first_response_at": at("14:10")},
         "A technician will contact you on Monday, September 21, from 7:00 AM EDT."),
        ({"status": "in progress", "due_at": at("14:30"), "promised_at": at("14:30")},
         "A technician is working on it."),
        ({"status": "in progress"}, "A technician is working on it."),
        ({"status": "waiting on customer"}, "We need your answer to go on."),
        ({"status": "waiting on vendor", "waiting_until": MONDAY_7},
         "We are waiting for a supplier and will come back to you on Monday, September 21 at the latest."),
        ({"status": "scheduled", "waiting_until": MONDAY_7},
         "The work is planned for Monday, September 21, from 7:00 AM EDT."),
        ({"status": "resolved"}, "Not solved? Reply to this message and HD-1024 re-opens."),
        ({"status": "closed"}, "Not solved? Reply to this message and HD-1024 re-opens."),
        ({"status": "merged", "merged_into": TicketNumber(1020)}, "Your request goes on as HD-1020."),
        ({"status": "cancelled"}, ""),
    ],
)  # fmt: skip
def test_the_next_step_is_said_in_the_customers_words(
    config: Config, ticket: dict[str, object], words: str
) -> None:
    given = a_ticket(**{**ticket, "status": TicketStatus(str(ticket["status"]))})
    assert next_step(config, given, at("15:00"), "Reply to this message") == words


def test_every_state_of_a_ticket_can_be_mailed(config: Config) -> None:
    for status in TicketStatus:
        for kind in MailKind:
            assert "The news." in mail(config, facts(status=status), kind=kind).text


@pytest.mark.parametrize(
    ("ticket", "news"),
    [
        ({"status": TicketStatus.NEW, "promised_at": MONDAY_7}, "We contact you on Monday, from 7:00 AM."),
        ({"status": TicketStatus.CLOSED}, "HD-1024 is closed. Not solved? Reply and it re-opens."),
        (
            {"status": TicketStatus.SCHEDULED, "waiting_until": MONDAY_7},
            "Work on your request goes on on Monday, September 21.",
        ),
    ],
)
def test_what_the_news_promises_is_not_promised_twice(
    config: Config, ticket: dict[str, object], news: str
) -> None:
    assert "What happens next" not in mail(config, facts(**ticket), news).text


def test_the_timeline_is_public_newest_last_and_bounded(config: Config) -> None:
    messages = [said(seq, f"message number {seq}.") for seq in range(1, 31)]
    words = mail(config, facts(*messages)).text
    shown = [seq for seq in range(1, 31) if f"message number {seq}." in words]
    assert shown == list(range(31 - MAX_ENTRIES, 31))
    assert words.index("number 29.") < words.index("number 30.")
    assert "the newest messages" in words


def test_the_answer_that_is_the_news_is_not_shown_again_below(config: Config) -> None:
    given = facts(said(1, "Help"), said(2, "Try now.", MARCUS))
    assert mail(config, given, "Try now.").text.count("Try now.") == 1


def test_a_transcript_comes_in_full_in_both_parts(config: Config) -> None:
    long = "word " * 2_000
    messages = [said(seq, f"message number {seq}.") for seq in range(1, 41)]
    edited = with_file(said(41, f"{long}end", MARCUS), "photo.png", 2_000)
    given = replace(facts(*messages, edited), revisions=(revision(edited, 42, "it said this", "14:30"),))
    rendered = mail(config, given, kind=MailKind.TRANSCRIPT)
    for part in (rendered.text, Elements(rendered.html).text):
        assert all(f"message number {seq}." in part for seq in range(1, 41))
        assert "it said this" in part
        assert "Contoso" in part and "Live chat" in part
        assert "photo.png (2 kB)" in part
        assert part.count("word") >= 2_000


def test_deleted_messages_say_only_that_they_were_deleted(config: Config) -> None:
    slip = said(2, "my password is swordfish")
    given = replace(
        facts(said(1, "hello"), deleted(slip, "14:09")),
        revisions=(revision(slip, 3, slip.text, "14:09", deleted=True),),
    )
    for kind in MailKind:
        rendered = mail(config, given, kind=kind)
        assert "Message deleted" in rendered.text and "Message deleted" in rendered.html
        assert "swordfish" not in rendered.text + rendered.html


@pytest.mark.parametrize("kind", MailKind)
def test_nothing_typed_into_an_open_form_is_mailed_before_a_technician_answers(
    config: Config, kind: MailKind
) -> None:
    noise = (said(2, "We are number 1", DESK), said(3, "looks like spam", MARCUS, internal=True))
    rendered = mail(config, typed_into_the_form(*noise), kind=kind)
    assert rendered.subject == "[HD-1024] Your request"
    for words in (*TYPED, "looks like spam"):
        assert words not in rendered.subject + rendered.text + rendered.html
    assert "HD-1024" in rendered.text


def test_the_words_at_the_end_of_an_unanswered_chat_do_not_name_who_typed(config: Config) -> None:
    news = f"{TYPED[0]} has ended the chat. HD-1024 stays open; write here to add to it."
    rendered = mail(config, typed_into_the_form(), news, MailKind.TRANSCRIPT)
    assert "Your chat has ended. Its ticket is HD-1024." in rendered.text
    assert TYPED[0] not in rendered.text + rendered.html


def test_after_a_technicians_answer_mail_about_a_chat_holds_the_chat(config: Config) -> None:
    given = typed_into_the_form(said(2, "Is it plugged in?", MARCUS))
    rendered = mail(config, given, kind=MailKind.TRANSCRIPT)
    assert rendered.subject == f"[HD-1024] {TYPED[1]}"
    assert TYPED[1] in rendered.text and TYPED[1] in rendered.html


def test_the_mail_that_a_web_ticket_was_opened_never_holds_what_was_typed(config: Config) -> None:
    given = typed_into_the_form(said(2, "Is it plugged in?", MARCUS))
    rendered = mail(config, given, kind=MailKind.OPENED)
    assert not any(words in rendered.subject + rendered.text + rendered.html for words in TYPED)


def test_the_promise_is_in_the_mail_that_a_web_ticket_was_opened(config: Config) -> None:
    rendered = mail(config, typed_into_the_form(promised_at=MONDAY_7), kind=MailKind.OPENED)
    assert "on Monday, September 21, from 7:00 AM EDT" in rendered.html


@pytest.mark.parametrize("channel", ["email", "portal", "phone", "direct"])
def test_a_ticket_by_a_known_way_in_is_quoted_at_once(config: Config, channel: str) -> None:
    given = facts(said(1, "The printer is offline."), channel=channel, status=TicketStatus.NEW)
    assert "The printer is offline." in mail(config, given, kind=MailKind.OPENED).text


@pytest.mark.parametrize("channel", ["web", "form", "desktop", "slack", "teams", "widget", ""])
def test_a_way_in_on_which_an_address_is_only_typed_counts_as_an_open_form(
    config: Config, channel: str
) -> None:
    given = facts(said(1, "The printer is offline."), channel=channel, status=TicketStatus.NEW)
    assert "The printer is offline." not in mail(config, given, kind=MailKind.OPENED).text


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_an_element_or_a_line_of_the_subject(
    config: Config, text: str, kind: MailKind
) -> None:
    given = facts(with_file(said(1, text, MARCUS), text, 1), subject=text, requester_name=text)
    rendered = mail(config, given, text, kind)
    assert rendered.subject.isprintable()
    page = Elements(rendered.html)
    used = {tag for tag, _ in page.found}
    assert used <= {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "div",
        "p",
        "h1",
        "h2",
        "strong",
        "bdi",
    } | {"span"}
    names = {name for _, attributes in page.found for name in attributes}
    assert names <= {"lang", "charset", "name", "content", "class", "style", "dir"}
    (rendered.subject + rendered.text + rendered.html).encode()


def test_mail_is_light_and_dark_and_fetches_nothing(config: Config) -> None:
    source = mail(config, facts(said(1, "see https://help.example.com"))).html
    page = Elements(source)
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.found
    assert "prefers-color-scheme: dark" in source
    assert "url(" not in source and "@import" not in source
    assert not {tag for tag, _ in page.found} & {"img", "script", "link", "table", "form"}
    [link] = [attributes for tag, attributes in page.found if tag == "a"]
    assert link == {"href": "https://help.example.com", "rel": "noopener noreferrer nofollow"}


@pytest.mark.parametrize(
    ("logo", "shown"),
    [("https://cdn.example.com/logo.png", True), ("http://cdn.example.com/logo.png", False), ("", False)],
)
def test_the_logo_is_shown_only_over_https(config: Config, logo: str, shown: bool) -> None:
    branded = replace(config, desk=replace(config.desk, logo=logo, colour="#ffcc00"))
    source = mail(branded, facts()).html
    images = [attributes["src"] for tag, attributes in Elements(source).found if tag == "img"]
    assert images == ([logo] if shown else [])
    assert "background:#ffcc00;color:#000000" in source


@pytest.mark.parametrize(
    ("colour", "text"),
    [("#000000", "#ffffff"), ("#ffffff", "#000000"), ("#1f5fbf", "#ffffff"), ("#ffcc00", "#000000")],
)
def test_words_on_the_desks_colour_are_readable(colour: str, text: str) -> None:
    assert readable_on(colour) == text


def test_right_to_left_text_and_emoji_are_kept(config: Config) -> None:
    words = "שלום עולם 👩‍💻"
    rendered = mail(config, facts(said(1, words)), words)
    assert words in rendered.text and words in rendered.html


@pytest.mark.parametrize("text", ["word " * 2_400, "x" * 12_000, "日本" * 6_000])
def test_a_long_message_is_shortened_but_a_long_answer_is_not(config: Config, text: str) -> None:
    rendered = mail(config, facts(said(1, text)), text.strip())
    assert "".join(text.split()) in "".join(rendered.text.split())
    assert len(rendered.text) < 2 * len(text)
    assert max(map(width, rendered.text.splitlines())) <= 78


@pytest.mark.property
@given(
    st.lists(st.tuples(st.booleans(), st.text("abc<&\" '\n🎉", max_size=20)), max_size=8),
    st.sampled_from(MailKind),
    st.sampled_from(["web", "email"]),
)
def test_no_internal_word_is_ever_mailed(chat: list[tuple[bool, str]], kind: MailKind, channel: str) -> None:
    messages = [
        said(seq, f"SECRET{text}" if internal else text, MARCUS, internal=internal)
        for seq, (internal, text) in enumerate(chat, 1)
    ]
    told = history("SECRET", "14:30", "SECRET")
    given_facts = replace(facts(*messages, channel=channel, workaround="SECRET"), history=(told,))
    rendered = mail(parse_config(SAMPLE_DESK, "sample"), given_facts, kind=kind)
    assert "SECRET" not in rendered.subject + rendered.text + rendered.html


def test_the_chat_of_the_transcripts_can_be_mailed(config: Config) -> None:
    record = the_printer_chat()
    given = MailFacts(record.ticket, record.conversation, record.messages, record.revisions, record.history)
    rendered = mail(config, given, kind=MailKind.TRANSCRIPT, now=datetime.fromisoformat("2026-09-21T19:00Z"))
    assert "Made Monday, September 21, 2026, 3:00 PM EDT by Northwind IT." in rendered.text
    assert "swordfish" not in rendered.text + rendered.html
