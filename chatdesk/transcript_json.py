"""A transcript as JSON.

The schema, ``chatdesk.transcript/1``; every time is ISO 8601 in UTC ("2026-09-18T18:02:11.250000Z"):

- ``schema``, ``version`` ("public" or "internal"), ``generated_at``, ``time_zone`` (the desk's, IANA name)
- ``desk``: name; ``ticket``: ``number`` ("HD-1024"), ``subject``, ``company``, ``requester``, ``channel``,
  ``computer`` ("" where none is known), ``status``, ``resolution``, ``opened_at``; the internal version adds
  ``email``, ``phone``, ``priority``, ``tier`` (its id, null for none), ``workaround``, and ``affected``
  (``name``, ``address``)
- ``conversation``: ``channel``, ``opened_at``; the internal version adds ``rating`` (null, or ``score`` of 5,
  ``comment``, ``at``)
- ``entries``, oldest first: ``kind`` ("message"; internal version also "note", "history", "sent"), ``seq``
  (null for history), ``at``, ``author``, ``role`` ("customer", "technician", "desk"), ``text``, ``files``
  (``name``, ``media_type``, ``size`` in bytes), ``edits`` (``at``, ``by``, ``before``), oldest first, and
  ``deletion`` (null, or ``at``, ``by``, ``before``; ``before`` is null in the public version)

Fields may be added to version 1; none is taken away or changes its meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from msgspec import json

from chatdesk.computer import computer_of
from chatdesk.plain_text import clean_line, clean_text
from chatdesk.transcript_view import Change, Entry, TranscriptRecord, TranscriptView

SCHEMA = "chatdesk.transcript/1"

Json = dict[str, object]


class JsonLayout:
    """Lays a transcript out as an indented JSON document that ends with a line end."""

    def __init__(self, view: TranscriptView, record: TranscriptRecord) -> None:
        self._view = view
        self._record = record
        self._before, self._end = "\n    ", "]\n}\n"

    def begin(self) -> str:
        """Make the document up to its first entry."""
        head: Json = {
            "schema": SCHEMA,
            "version": "internal" if self._view.internal else "public",
            "generated_at": iso(self._view.generated_at),
            "time_zone": self._view.timezone.key,
            "desk": self._view.desk,
            "ticket": _ticket(self._record, self._view),
            "conversation": _conversation(self._record, self._view),
        }
        return _written(head).removesuffix("\n}") + ',\n  "entries": ['

    def go_on(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Make the entries."""
        for entry in entries:
            yield self._before + _written(_entry(entry), "    ")
            self._before, self._end = ",\n    ", "\n  ]\n}\n"

    def end(self) -> str:
        """Make what comes after the last entry."""
        return self._end


def _written(part: Json, indent: str = "") -> str:
    """Return a part of the document, indented as it stands there."""
    return json.format(json.encode(part), indent=2).decode().replace("\n", f"\n{indent}")


def iso(at: datetime) -> str:
    """Write an aware moment as ISO 8601 in UTC, with microseconds."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _ticket(record: TranscriptRecord, view: TranscriptView) -> Json:
    ticket = record.ticket
    shown: Json = {
        "number": view.number,
        "subject": view.subject,
        "company": clean_line(ticket.company),
        "requester": clean_line(ticket.requester_name),
        "channel": ticket.channel,
        "computer": computer_of(ticket),
        "status": ticket.status.value,
        "resolution": clean_text(ticket.resolution),
        "opened_at": iso(ticket.opened_at),
    }
    if view.internal:
        shown["email"] = clean_line(ticket.requester_email)
        shown["phone"] = clean_line(ticket.requester_phone)
        shown["priority"] = ticket.priority.value
        shown["tier"] = ticket.tier
        shown["workaround"] = clean_text(ticket.workaround)
        shown["affected"] = [
            {"name": clean_line(person.name), "address": clean_line(person.address)}
            for person in record.affected
        ]
    return shown


def _conversation(record: TranscriptRecord, view: TranscriptView) -> Json:
    conversation = record.conversation
    shown: Json = {"channel": conversation.channel, "opened_at": iso(conversation.opened_at)}
    if view.internal:
        given = record.ratings[-1] if record.ratings else None
        shown["rating"] = given and {
            "score": given.score,
            "comment": clean_text(given.comment),
            "at": iso(given.at),
        }
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
