"""A transcript as JSON.

The schema, ``chatdesk.transcript/1``; every time is ISO 8601 in UTC ("2026-09-18T18:02:11.250000Z"):

- ``schema``, ``version`` ("public" or "internal"), ``generated_at``, ``time_zone`` (the desk's, IANA name)
- ``desk``: name; ``ticket``: ``number`` ("HD-1024"), ``subject``, ``company``, ``requester``, ``channel``,
  ``status``, ``resolution``, ``opened_at``; the internal version adds ``email``, ``phone``, ``priority``,
  ``workaround``
- ``conversation``: ``channel``, ``opened_at``
- ``entries``, oldest first: ``kind`` ("message"; internal version also "note", "history", "sent"), ``seq``
  (null for history), ``at``, ``author``, ``role`` ("customer", "technician", "desk"), ``text``, ``files``
  (``name``, ``media_type``, ``size`` in bytes), ``edits`` (``at``, ``by``, ``before``), oldest first, and
  ``deletion`` (null, or ``at``, ``by``, ``before``; ``before`` is null in the public version)

Fields may be added to version 1; none is taken away or changes its meaning.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from chatdesk.plain_text import clean_line, clean_text
from chatdesk.ticket import Ticket
from chatdesk.transcript_view import Change, Entry, TranscriptRecord, TranscriptView

SCHEMA = "chatdesk.transcript/1"

Json = dict[str, object]


def lay_out_json(view: TranscriptView, record: TranscriptRecord) -> str:
    """Return the transcript as an indented JSON document that ends with a line end."""
    document: Json = {
        "schema": SCHEMA,
        "version": "internal" if view.internal else "public",
        "generated_at": iso(view.generated_at),
        "time_zone": view.timezone.key,
        "desk": view.desk,
        "ticket": _ticket(record.ticket, view),
        "conversation": {
            "channel": record.conversation.channel,
            "opened_at": iso(record.conversation.opened_at),
        },
        "entries": [_entry(entry) for entry in view.entries],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def iso(at: datetime) -> str:
    """Write an aware moment as ISO 8601 in UTC, with microseconds."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _ticket(ticket: Ticket, view: TranscriptView) -> Json:
    shown: Json = {
        "number": view.number,
        "subject": view.subject,
        "company": clean_line(ticket.company),
        "requester": clean_line(ticket.requester_name),
        "channel": ticket.channel,
        "status": ticket.status.value,
        "resolution": clean_text(ticket.resolution),
        "opened_at": iso(ticket.opened_at),
    }
    if view.internal:
        shown["email"] = clean_line(ticket.requester_email)
        shown["phone"] = clean_line(ticket.requester_phone)
        shown["priority"] = ticket.priority.value
        shown["workaround"] = clean_text(ticket.workaround)
    return shown


def _entry(entry: Entry) -> Json:
    return {
        "kind": entry.kind.value,
        "seq": entry.seq,
        "at": iso(entry.at),
        "author": entry.author,
        "role": entry.role,
        "text": entry.text,
        "files": [{"name": f.name, "media_type": f.media_type, "size": f.size} for f in entry.files],
        "edits": [_change(edit) for edit in entry.edits],
        "deletion": _change(entry.deletion) if entry.deletion else None,
    }


def _change(change: Change) -> Json:
    return {"at": iso(change.at), "by": change.by, "before": change.before}
