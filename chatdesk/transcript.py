"""The transcript: the record of one conversation as text, as a page to print and as JSON.

Each comes in two versions. The public one may be given to the customer; the internal one adds notes, the
ticket's history, what deleted messages said and the requester's address and phone number [R38].
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from chatdesk.config import DeskSettings
from chatdesk.conversation import Conversation, Message
from chatdesk.reading import TicketFile
from chatdesk.transcript_html import HtmlLayout
from chatdesk.transcript_json import JsonLayout
from chatdesk.transcript_text import TextLayout
from chatdesk.transcript_view import Entry, EntryMaker, TranscriptRecord, entries_of, view_transcript

__all__ = [
    "Form",
    "TranscriptRecord",
    "record_of",
    "render",
    "render_html",
    "render_json",
    "render_text",
    "slices",
]

SLICE = 16_000
"""Characters made at a time: a millisecond of work, or a little more."""


def record_of(
    file: TicketFile, conversation: Conversation, desk: DeskSettings, at: datetime
) -> TranscriptRecord:
    """Return the record of one conversation of a ticket's file as it is at ``at`` (aware).

    It shows the ticket as the conversation's customer may see it. Raises NotFound.
    """
    return TranscriptRecord(
        conversation=conversation,
        ticket=file.as_seen_in(conversation),
        messages=file.messages,
        revisions=file.revisions,
        history=file.history,
        desk=desk.name,
        prefix=desk.ticket_prefix,
        timezone=desk.timezone,
        generated_at=at,
        ratings=tuple(rating for rating in file.ratings if rating.conversation == conversation.id),
        affected=file.affected,
    )


class Layout(Protocol):
    """Makes a transcript in one form."""

    def begin(self) -> str:
        """Make what comes before the entries."""

    def go_on(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Make entries, one after another; may be called again with those that follow."""

    def end(self) -> str:
        """Make what comes after the entries."""


class Form(StrEnum):
    """The forms of a transcript."""

    TEXT = "text"
    """Plain text, at most 100 columns wide."""
    HTML = "html"
    """A complete page without scripts that fetches nothing."""
    JSON = "json"
    """The schema is documented in chatdesk.transcript_json."""


def render(form: Form, record: TranscriptRecord, *, internal: bool) -> str:
    """Return the transcript of a record that holds all its messages."""
    layout = _layout(form, record, internal=internal)
    entries = entries_of(record, internal=internal)
    return "".join([layout.begin(), *layout.go_on(entries), layout.end()])


async def slices(
    form: Form, record: TranscriptRecord, pieces: AsyncIterator[Sequence[Message]], *, internal: bool
) -> AsyncIterator[str]:
    """Yield the transcript slice by slice while its messages, which come in their order, are still read.

    Between two slices others have the event loop.
    """
    layout = _layout(form, record, internal=internal)
    maker = EntryMaker(record, internal=internal)
    made = [layout.begin()]
    length = 0
    async for messages in pieces:
        for entry in layout.go_on(maker.of(messages)):
            made.append(entry)
            length += len(entry)
            if length >= SLICE:
                yield "".join(made)
                made, length = [], 0
                await asyncio.sleep(0)
    yield "".join([*made, *layout.go_on(maker.rest()), layout.end()])


def _layout(form: Form, record: TranscriptRecord, *, internal: bool) -> Layout:
    view = view_transcript(record, internal=internal)
    match form:
        case Form.TEXT:
            return TextLayout(view)
        case Form.HTML:
            return HtmlLayout(view)
        case Form.JSON:
            return JsonLayout(view, record)


def render_text(record: TranscriptRecord, *, internal: bool) -> str:
    """Return the transcript as plain text."""
    return render(Form.TEXT, record, internal=internal)


def render_html(record: TranscriptRecord, *, internal: bool) -> str:
    """Return the transcript as a page."""
    return render(Form.HTML, record, internal=internal)


def render_json(record: TranscriptRecord, *, internal: bool) -> str:
    """Return the transcript as JSON."""
    return render(Form.JSON, record, internal=internal)
