"""The transcript: the record of one conversation as text, as a page to print and as JSON.

Each comes in two versions. The public one may be given to the customer; the internal one adds notes, the
ticket's history, what deleted messages said and the requester's address and phone number [R38].
"""

from __future__ import annotations

from chatdesk.transcript_html import lay_out_html
from chatdesk.transcript_json import lay_out_json
from chatdesk.transcript_text import lay_out_text
from chatdesk.transcript_view import TranscriptRecord, view_transcript

__all__ = ["TranscriptRecord", "render_html", "render_json", "render_text"]


def render_text(record: TranscriptRecord, *, internal: bool) -> str:
    """Return the transcript as plain text, at most 100 columns wide."""
    return lay_out_text(view_transcript(record, internal=internal))


def render_html(record: TranscriptRecord, *, internal: bool) -> str:
    """Return the transcript as a complete page without scripts that fetches nothing."""
    return lay_out_html(view_transcript(record, internal=internal))


def render_json(record: TranscriptRecord, *, internal: bool) -> str:
    """Return the transcript as JSON; the schema is documented in chatdesk.transcript_json."""
    return lay_out_json(view_transcript(record, internal=internal), record)
