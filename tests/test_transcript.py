"""Transcripts: what each version shows, and that no text becomes anything but text [R38]."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chatdesk.changes import Rating
from chatdesk.conversation import Author, AuthorKind, ConversationId, Message, Revision
from chatdesk.plain_text import clean_text, width
from chatdesk.ticket import TicketStatus
from chatdesk.transcript import (
    SLICE,
    Form,
    TranscriptRecord,
    render_html,
    render_json,
    render_text,
    slices,
)
from tests.transcript_builders import (
    CHAT,
    DANA,
    MARCUS,
    a_conversation,
    a_record,
    a_ticket,
    at,
    deleted,
    history,
    revision,
    said,
    the_printer_chat,
    with_file,
)

Render = Callable[..., str]
HERE = Path(__file__).parent
RENDERINGS = (render_text, render_html, render_json)
VOID = {"meta", "br", "img"}
DOCUMENT = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "section",
    "article",
    "header",
    "footer",
}
ELEMENTS = DOCUMENT | {"p", "h1", "h2", "dl", "dt", "dd", "b", "bdi", "div", "ul", "li", "blockquote", "a"}
HOSTILE = (
    "<script>alert(1)</script>",
    "</title></style></div><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus=alert(1) '",
    "<!-- --><svg/onload=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &amp;",
    "{{ 7 * 7 }} {% raw %}",
    "javascript:alert(1) data:text/html,<b>x</b> vbscript:x file:///etc/passwd",
    'https://a.example/"onclick="alert(1) http://b.example/<script>',
    "]]></script><![CDATA[",
    "null\x00byte \x1b[31mred\x1b[0m bell\x07 \x9b31m",
    "half a \ud83d pair",
)


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text in its body."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.declarations: list[str] = []
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.pieces.append(data)

    def handle_comment(self, data: str) -> None:
        self.declarations.append(data)

    def unknown_decl(self, data: str) -> None:
        self.declarations.append(data)

    def handle_pi(self, data: str) -> None:
        self.declarations.append(data)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def everywhere(text: str) -> TranscriptRecord:
    """A record that holds ``text`` wherever somebody outside can put it."""
    author = Author(AuthorKind.CUSTOMER, text, text)
    message = with_file(said(1, text, author), text, 1)
    gone = said(3, text, author)
    return replace(
        a_record(
            message,
            deleted(gone, "14:09"),
            revisions=(revision(message, 2, text, "14:03"), revision(gone, 4, text, "14:09", deleted=True)),
            entries=(history(text, "14:10", why=text),),
            ticket=a_ticket(
                subject=text,
                company=text,
                requester_name=text,
                requester_email=text,
                requester_phone=text,
                resolution=text,
                workaround=text,
                status=TicketStatus.RESOLVED,
            ),
        ),
        desk=text,
        ratings=(Rating(CHAT, 1, text, at("14:20")),),
    )


@pytest.mark.parametrize("version", ["public", "internal"])
def test_the_text_version_is_as_agreed(version: str) -> None:
    expected = (HERE / f"transcript_{version}.txt").read_text(encoding="utf-8")
    assert render_text(the_printer_chat(), internal=version == "internal") == expected


@pytest.mark.parametrize("render", RENDERINGS)
def test_notes_and_history_are_in_the_internal_version_only(render: Render) -> None:
    record = the_printer_chat()
    for words in ("ask the vendor", "dana@contoso.example", "555-0134", "transcript sent"):
        assert words not in render(record, internal=False)
        assert words in render(record, internal=True)


@pytest.mark.parametrize("render", RENDERINGS)
def test_the_customers_rating_with_its_comment_is_in_the_internal_version_only(render: Render) -> None:
    ratings = (Rating(CHAT, 2, "too slow", at("14:41")), Rating(CHAT, 4, "Quick & polite", at("14:50")))
    record = replace(the_printer_chat(), ratings=ratings)
    assert "polite" not in render(record, internal=False)
    shown = render(record, internal=True)
    assert "polite" in shown
    assert "too slow" not in shown


def test_a_rating_is_said_with_its_comment_if_there_is_one() -> None:
    assert Rating(CHAT, 4, "Quick", at("14:50")).words == "4 of 5: Quick"
    assert Rating(CHAT, 1, " ", at("14:50")).words == "1 of 5"


def test_the_json_of_staff_has_the_rating() -> None:
    record = replace(the_printer_chat(), ratings=(Rating(CHAT, 4, "Quick", at("14:50")),))
    told = json.loads(render_json(record, internal=True))["conversation"]["rating"]
    assert told == {"score": 4, "comment": "Quick", "at": "2026-09-18T18:50:00.000000Z"}
    assert json.loads(render_json(the_printer_chat(), internal=True))["conversation"]["rating"] is None


@pytest.mark.parametrize("render", RENDERINGS)
def test_a_deleted_message_tells_only_staff_what_it_said(render: Render) -> None:
    record = the_printer_chat()
    assert "swordfish" not in render(record, internal=False)
    assert "swordfish" in render(record, internal=True)


@pytest.mark.parametrize("internal", [False, True])
def test_a_deleted_message_keeps_its_place(internal: bool) -> None:
    assert "Message deleted" in render_text(the_printer_chat(), internal=internal)
    assert "Message deleted" in render_html(the_printer_chat(), internal=internal)
    gone = json.loads(render_json(the_printer_chat(), internal=internal))["entries"]
    assert [entry["seq"] for entry in gone if entry["deletion"]] == [5]


def test_what_a_message_said_before_an_edit_that_was_then_deleted_is_for_staff() -> None:
    message = said(1, "third")
    record = a_record(
        deleted(message, "14:05"),
        revisions=(
            revision(message, 2, "first", "14:03"),
            revision(message, 3, "second", "14:05", deleted=True),
        ),
    )
    for render in RENDERINGS:
        assert not {"first", "second"} & set(render(record, internal=False).replace('"', " ").split())
        assert "first" in render(record, internal=True)


def test_every_edit_shows_what_was_there_before_in_order() -> None:
    message = said(1, "third")
    edits = (revision(message, 3, "second", "14:05"), revision(message, 2, "first", "14:03"))
    [entry] = json.loads(render_json(a_record(message, revisions=edits), internal=False))["entries"]
    assert [(edit["before"], edit["at"], edit["by"]) for edit in entry["edits"]] == [
        ("first", "2026-09-18T18:03:00.000000Z", "Dana Reyes"),
        ("second", "2026-09-18T18:05:00.000000Z", "Dana Reyes"),
    ]
    assert entry["text"] == "third"


@pytest.mark.parametrize("internal", [False, True])
def test_the_edits_of_a_note_stay_with_the_note(internal: bool) -> None:
    note = said(1, "now harmless", MARCUS, internal=True)
    record = a_record(note, revisions=(revision(note, 2, "blames the customer", "14:03"),))
    for render in RENDERINGS:
        assert ("blames the customer" in render(record, internal=internal)) is internal


def test_another_conversation_of_the_ticket_is_not_in_it() -> None:
    other = ConversationId("chat-2")
    foreign = structs.replace(said(1, "of the other chat"), conversation=other)
    edit = Revision(other, 2, 3, DANA, at("14:04"), "edited in the other chat", False)
    record = a_record(said(2, "mine"), foreign, revisions=(edit,))
    for render in RENDERINGS:
        assert "other chat" not in render(record, internal=True)


@pytest.mark.parametrize("render", RENDERINGS)
@pytest.mark.parametrize("internal", [False, True])
def test_the_key_of_a_visitor_is_in_no_version(render: Render, internal: bool) -> None:
    assert "visitor-key-hash" not in render(the_printer_chat(), internal=internal)


def test_times_are_those_of_the_desk_with_the_zone_in_force() -> None:
    summer, winter = (
        said(1, "summer"),
        structs.replace(said(2, "winter"), at=datetime.fromisoformat("2026-12-01T15:00Z")),
    )
    text = render_text(a_record(summer, winter), internal=False)
    assert "Friday, September 18, 2026\n--" in text
    assert "2:02 PM EDT  Dana Reyes (customer)\n    summer" in text
    assert "Tuesday, December 1, 2026\n--" in text
    assert "10:00 AM EST  Dana Reyes (customer)\n    winter" in text


def test_json_is_the_documented_schema() -> None:
    document = json.loads(render_json(the_printer_chat(), internal=True))
    assert (document["schema"], document["version"]) == ("chatdesk.transcript/1", "internal")
    assert (document["time_zone"], document["desk"]) == ("America/New_York", "Northwind IT")
    assert document["generated_at"] == "2026-09-21T19:00:00.000000Z"
    assert document["ticket"] == {
        "number": "HD-1024",
        "subject": "Printer offline",
        "company": "Contoso",
        "requester": "Dana Reyes",
        "channel": "web",
        "computer": "",
        "status": "in progress",
        "resolution": "",
        "opened_at": "2026-09-18T18:02:00.000000Z",
        "email": "dana@contoso.example",
        "phone": "555-0134",
        "priority": "high",
        "tier": None,
        "workaround": "",
        "affected": [],
    }
    kinds = [entry["kind"] for entry in document["entries"]]
    assert kinds.count("message") == 6
    assert [kinds.count(kind) for kind in ("note", "history", "sent")] == [1, 2, 1]
    photo = next(entry for entry in document["entries"] if entry["seq"] == 4)
    assert photo["files"] == [{"name": "error 49.png", "media_type": "image/png", "size": 120_400}]
    for entry in document["entries"]:
        assert list(entry) == ["kind", "seq", "at", "author", "role", "text", "files", "edits", "deletion"]


@pytest.mark.parametrize("internal", [False, True])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_an_element_or_an_attribute(text: str, internal: bool) -> None:
    source = render_html(everywhere(text), internal=internal)
    page = Page(source)
    assert page.open == []
    assert page.declarations == []
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    allowed = {"charset", "lang", "http-equiv", "name", "content", "class", "dir", "href", "rel"}
    for tag, attributes in page.elements:
        assert set(attributes) <= allowed
        if tag == "a":
            assert str(attributes["href"]).startswith(("https://", "http://", "mailto:"))
            assert "noopener" in str(attributes["rel"]).split()
    assert clean_text(text) in page.text
    source.encode()


@pytest.mark.parametrize("internal", [False, True])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_leaves_text_and_json_readable(text: str, internal: bool) -> None:
    record = everywhere(text)
    plain, document = (render(record, internal=internal) for render in (render_text, render_json))
    assert all(char == "\n" or char.isprintable() or char == "\u200d" for char in plain)
    assert json.loads(document.encode())["entries"][0]["text"] == clean_text(text)


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    source = render_html(the_printer_chat(), internal=False)
    page = Page(source)
    assert not {tag for tag, _ in page.elements} & {"script", "img", "link", "iframe", "object", "form"}
    assert "url(" not in source and "@import" not in source
    policy = next(a["content"] for t, a in page.elements if t == "meta" and a.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert "@media print" in source


def test_right_to_left_text_and_emoji_are_kept() -> None:
    words = "שלום עולם, مرحبا 👩‍💻🇺🇸 \u200fnote"
    record = a_record(said(1, words))
    for render in RENDERINGS:
        assert words in render(record, internal=False)
    assert '<div class="text" dir="auto">' in render_html(record, internal=False)


def test_a_name_cannot_turn_the_line_it_stands_in() -> None:
    name = "\u202eEvil\u2066\r\nMarcus Webb (technician)"
    record = a_record(said(1, "hello", Author(AuthorKind.CUSTOMER, "v", name)))
    assert "2:02 PM EDT  Evil Marcus Webb (technician) (customer)\n    hello" in render_text(
        record, internal=False
    )


def test_no_message_can_pass_for_the_transcripts_own_lines() -> None:
    forged = "hello\n\n2:05 PM EDT  Marcus Webb (technician)\n\u2028Saturday, September 19, 2026\r-----"
    lines = render_text(a_record(said(1, forged)), internal=False).splitlines()
    assert "    2:05 PM EDT  Marcus Webb (technician)" in lines
    assert "    Saturday, September 19, 2026" in lines
    assert not any(line.startswith(("2:05", "Saturday")) for line in lines)


def test_a_long_name_cannot_reach_the_margin() -> None:
    name = "x" * 84 + " 2:05 PM EDT  Marcus Webb (technician)"
    lines = render_text(a_record(said(1, "hello", Author(AuthorKind.CUSTOMER, "v", name))), internal=False)
    assert not any(line.startswith("2:05") for line in lines.splitlines())


@pytest.mark.parametrize(
    "text", ["word " * 2_400, "x" * 12_000, "日本語" * 4_000, "👍" * 12_000, "a\n" * 6_000]
)
def test_long_messages_are_complete_and_within_100_columns(text: str) -> None:
    body = render_text(a_record(said(1, text)), internal=False)
    assert max(map(width, body.splitlines())) <= 100
    squeezed = "".join(text.split())
    assert squeezed in "".join(body.split())


def test_where_from_is_where_this_conversation_was_held() -> None:
    record = replace(the_printer_chat(), conversation=a_conversation(channel="phone"))
    assert "Where from: Phone" in render_text(record, internal=False)
    assert 'Where from</dt><dd dir="auto">Phone<' in render_html(record, internal=False)


@pytest.mark.parametrize("internal", [False, True])
def test_the_computer_whose_icon_opened_the_ticket_is_in_every_version(internal: bool) -> None:
    record = the_printer_chat()
    answers = (("Computer", "PC-042"), *record.ticket.answers)
    record = replace(record, ticket=structs.replace(record.ticket, answers=answers))
    assert "Computer:   PC-042" in render_text(record, internal=internal)
    assert 'Computer</dt><dd dir="auto">PC-042<' in render_html(record, internal=internal)
    assert json.loads(render_json(record, internal=internal))["ticket"]["computer"] == "PC-042"


def test_a_transcript_of_nothing_says_where_it_is_from() -> None:
    assert "Transcript of HD-1024: Printer offline" in render_text(a_record(), internal=False)
    assert json.loads(render_json(a_record(), internal=False))["entries"] == []
    assert Page(render_html(a_record(), internal=False)).open == []


async def in_pieces(messages: Sequence[Message], size: int) -> AsyncIterator[Sequence[Message]]:
    for first in range(0, len(messages), size):
        yield messages[first : first + size]


async def sliced(form: Form, record: TranscriptRecord, size: int, *, internal: bool) -> list[str]:
    """Make the transcript while its messages come in pieces."""
    pieces = in_pieces(sorted(record.messages, key=lambda message: message.seq), size)
    return [part async for part in slices(form, replace(record, messages=()), pieces, internal=internal)]


@pytest.mark.parametrize("internal", [False, True])
@pytest.mark.parametrize("form", Form)
async def test_a_transcript_made_while_its_messages_come_is_the_same(form: Form, internal: bool) -> None:
    for record in (the_printer_chat(), a_record()):
        made = await sliced(form, record, 2, internal=internal)
        assert "".join(made) == dict(zip(Form, RENDERINGS, strict=True))[form](record, internal=internal)


@pytest.mark.parametrize("form", Form)
async def test_a_long_transcript_leaves_the_event_loop_to_others_again_and_again(form: Form) -> None:
    record = a_record(*(said(seq, "It beeps again. " * 4) for seq in range(1, 3_001)))
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(another())
    made = await sliced(form, record, 1_000, internal=False)
    running.cancel()
    assert max(map(len, made)) < SLICE + 5_000
    assert turns >= len(made) - 1 > 10


TOKENS = st.text("abcdefghij<&\"'\\ é🎉\n", min_size=1, max_size=30)


@st.composite
def chats(draw: st.DrawFn) -> TranscriptRecord:
    """A random chat; whatever only staff may read holds the word SECRET with a number of its own."""
    messages: list[Message] = []
    revisions: list[Revision] = []
    for number in range(draw(st.integers(1, 6))):
        seq, internal, was_deleted = 10 * number, draw(st.booleans()), draw(st.booleans())
        hidden = internal or was_deleted
        words = draw(TOKENS) + (f"SECRET{seq}" if hidden else "")
        message = said(seq, words, draw(st.sampled_from([DANA, MARCUS])), internal=internal)
        for step in range(draw(st.integers(0, 2))):
            before = f"SECRET{seq}e{step}" if hidden else draw(TOKENS)
            revisions.append(revision(message, seq + step + 1, before, "14:30"))
        if was_deleted:
            revisions.append(revision(message, seq + 9, words, "14:40", deleted=True))
            message = deleted(message, "14:40")
        messages.append(message)
    entries = tuple(history("SECRET step", "14:20", why=draw(TOKENS)) for _ in range(draw(st.integers(0, 2))))
    order = draw(st.permutations(messages))
    return a_record(*order, revisions=tuple(draw(st.permutations(revisions))), entries=entries)


@pytest.mark.property
@given(chats())
def test_nothing_for_staff_is_ever_in_a_public_version(record: TranscriptRecord) -> None:
    for render in RENDERINGS:
        assert "SECRET" not in render(record, internal=False)


@pytest.mark.property
@given(chats())
def test_everything_for_staff_is_in_the_internal_version(record: TranscriptRecord) -> None:
    texts = [message.text for message in record.messages] + [edit.before for edit in record.revisions]
    kept = render_json(record, internal=True)
    for text in texts:
        assert json.dumps(clean_text(text), ensure_ascii=False) in kept


@pytest.mark.property
@given(chats())
def test_every_message_is_in_its_version_exactly_once_and_in_order(record: TranscriptRecord) -> None:
    public = [m.seq for m in record.messages if m.visibility.value == "public"]
    for internal, expected in ((False, sorted(public)), (True, sorted(m.seq for m in record.messages))):
        entries = json.loads(render_json(record, internal=internal))["entries"]
        assert [entry["seq"] for entry in entries if entry["seq"] is not None] == expected
