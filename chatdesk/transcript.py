"""The transcript: the record of one conversation as text, as a page to print and as JSON.

Each comes in two versions. The public one may be given to the customer; the internal one adds notes, the
ticket's history, what deleted messages said and the requester's address and phone number [R38].
"""

from __future__ import annotations

from datetime import datetime

from chatdesk.config import DeskSettings
from chatdesk.conversation import Conversation
from chatdesk.reading import TicketFile
from chatdesk.transcript_html import lay_out_html
from chatdesk.transcript_json import lay_out_json
from chatdesk.transcript_text import lay_out_text
from chatdesk.transcript_view import TranscriptRecord, view_transcript

__all__ = ["TranscriptRecord", "record_of", "render_html", "render_json", "render_text"]


def record_of(
    file: TicketFile, conversation: Conversation, desk: DeskSettings, at: datetime
) -> TranscriptRecord:
    """Return the record of one conversation of a ticket's file as it is at ``at`` (aware)."""
    return TranscriptRecord(
        conversation=conversation,
        ticket=file.ticket,
        messages=file.messages,
        revisions=file.revisions,
        history=file.history,
        desk=desk.name,
        prefix=desk.ticket_prefix,
        timezone=desk.timezone,
        generated_at=at,
    )


def render_text(record: TranscriptRecord, *, internal: bool) -> str:
    """Return the transcript as plain text, at most 100 columns wide."""
    return lay_out_text(view_transcript(record, internal=internal))


def render_html(record: TranscriptRecord, *, internal: bool) -> str:
    """Return the transcript as a complete page without scripts that fetches nothing."""
    return lay_out_html(view_transcript(record, internal=internal))


def render_json(record: TranscriptRecord, *, internal: bool) -> str:
    """Return the transcript as JSON; the schema is documented in chatdesk.transcript_json."""
    return lay_out_json(view_transcript(record, internal=internal), record)
