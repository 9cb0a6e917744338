"""What a transcript shows: the record of one conversation cut down to what its readers may see [R38]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.affected import AffectedPerson
from chatdesk.changes import TRANSCRIPT_SENT, HistoryEntry, Rating
from chatdesk.channels import LABELS
from chatdesk.computer import COMPUTER, computer_of
from chatdesk.conversation import Author, AuthorKind, Conversation, Message, Revision, Visibility
from chatdesk.plain_text import clean_line, clean_text
from chatdesk.ticket import Ticket, format_number

_ROLES = {AuthorKind.CUSTOMER: "customer", AuthorKind.AGENT: "technician", AuthorKind.DESK: "desk"}


@dataclass(frozen=True, slots=True)
class TranscriptRecord:
    """Everything known of one conversation. ``generated_at`` is aware; times are shown in ``timezone``.

    ``ratings`` are the conversation's own, oldest first: the last one stands.
    """

    conversation: Conversation
    ticket: Ticket
    messages: Sequence[Message]
    revisions: Sequence[Revision]
    history: Sequence[HistoryEntry]
    desk: str
    prefix: str
    timezone: ZoneInfo
    generated_at: datetime
    ratings: Sequence[Rating] = ()
    affected: Sequence[AffectedPerson] = ()


class EntryKind(StrEnum):
    """What a line of the transcript is; all but ``message`` are in the internal version only."""

    MESSAGE = "message"
    NOTE = "note"
    HISTORY = "history"
    SENT = "sent"


class ShownFile(Struct, frozen=True):
    """A file as a transcript names it; ``size`` is in bytes."""

    name: str
    media_type: str
    size: int


class Change(Struct, frozen=True):
    """An edit or a deletion: ``before`` is what was there, None where readers may not see it."""

    at: datetime
    by: str
    before: str | None


class Entry(Struct, frozen=True, gc=False):
    """One line of the transcript, cleaned of control characters but not escaped. ``at`` is in UTC."""

    kind: EntryKind
    at: datetime
    author: str
    role: str
    text: str
    seq: int | None = None
    files: tuple[ShownFile, ...] = ()
    edits: tuple[Change, ...] = ()
    deletion: Change | None = None


@dataclass(frozen=True, slots=True)
class TranscriptView:
    """A transcript for one kind of reader. ``facts`` are label and value, in the order shown."""

    desk: str
    number: str
    subject: str
    internal: bool
    facts: tuple[tuple[str, str], ...]
    timezone: ZoneInfo
    generated_at: datetime
    opened_at: datetime = field(kw_only=True)


def view_transcript(record: TranscriptRecord, *, internal: bool) -> TranscriptView:
    """Return what staff (``internal``) or everybody may see of the record but its entries."""
    ticket = record.ticket
    return TranscriptView(
        desk=clean_line(record.desk),
        number=format_number(record.prefix, ticket.number),
        subject=clean_line(ticket.subject),
        internal=internal,
        facts=tuple(_facts(record, internal=internal)),
        timezone=record.timezone,
        generated_at=record.generated_at,
        opened_at=record.conversation.opened_at,
    )


class EntryMaker:
    """Makes the entries that staff (``internal``) or everybody may see of a record, oldest first.

    The public version has public messages only. An edit shows what the customer had read before it; a
    deleted message shows that it was deleted. Notes, history and deleted text are for staff.
    """

    def __init__(self, record: TranscriptRecord, *, internal: bool) -> None:
        self._conversation = record.conversation.id
        self._internal = internal
        self._changes = _changes(record)
        self._history = iter(_history(record) if internal else ())
        self._waiting = next(self._history, None)

    def of(self, messages: Iterable[Message]) -> Iterator[Entry]:
        """Make the entries of messages, which come in their order, and of the history before each."""
        for message in messages:
            if message.conversation != self._conversation:
                continue
            while self._waiting is not None and self._waiting.at < message.at:
                yield self._waiting
                self._waiting = next(self._history, None)
            if not (self._internal or message.visibility is Visibility.PUBLIC):
                continue
            entry = _entry(message)
            if message.files or message.deleted_at or message.seq in self._changes:
                changes = self._changes.get(message.seq, ())
                entry = _with_changes(entry, message, changes, internal=self._internal)
            yield entry

    def rest(self) -> Iterator[Entry]:
        """Make the entries after the last message."""
        if self._waiting is not None:
            yield self._waiting
        yield from self._history


def entries_of(record: TranscriptRecord, *, internal: bool) -> Iterator[Entry]:
    """Make the entries of a record that holds all its messages."""
    maker = EntryMaker(record, internal=internal)
    yield from maker.of(sorted(record.messages, key=lambda message: message.seq))
    yield from maker.rest()


def place(channel: str) -> str:
    """Return in words where a conversation was held."""
    return LABELS.get(channel, clean_line(channel))


def _facts(record: TranscriptRecord, *, internal: bool) -> Iterator[tuple[str, str]]:
    ticket = record.ticket
    facts = [
        ("Company", ticket.company),
        ("Requester", ticket.requester_name),
        ("Where from", place(record.conversation.channel)),
        (COMPUTER, computer_of(ticket)),
        ("Status", ticket.status.value),
        ("Resolution", ticket.resolution),
    ]
    if internal:
        facts[2:2] = [("E-mail", ticket.requester_email), ("Phone", ticket.requester_phone)]
        facts += [
            ("Priority", ticket.priority.value),
            ("Tier", ticket.tier or ""),
            ("Workaround", ticket.workaround),
        ]
        facts += [("Affected", ", ".join(person.words for person in record.affected))]
        facts += [("Rating", rating.words) for rating in record.ratings[-1:]]
    return ((label, clean_line(value)) for label, value in facts if value)


def _changes(record: TranscriptRecord) -> dict[int, list[Revision]]:
    """Return what became of each message, by its number, oldest first."""
    changes: dict[int, list[Revision]] = {}
    for revision in sorted(record.revisions, key=lambda each: each.changed):
        if revision.conversation == record.conversation.id:
            changes.setdefault(revision.seq, []).append(revision)
    return changes


def _entry(message: Message) -> Entry:
    name, role = _who(message.author)
    kind = EntryKind.MESSAGE if message.visibility is Visibility.PUBLIC else EntryKind.NOTE
    text = message.text
    return Entry(kind, message.at, name, role, text if text.isprintable() else clean_text(text), message.seq)


@lru_cache(maxsize=1024)
def _who(author: Author) -> tuple[str, str]:
    return clean_line(author.name), _ROLES[author.kind]


def _with_changes(entry: Entry, message: Message, revisions: Sequence[Revision], *, internal: bool) -> Entry:
    deletion = _deletion(message, revisions, internal=internal)
    if deletion is not None:
        entry = replace(entry, text="", deletion=deletion)
        if not internal:
            return entry
    files = [ShownFile(clean_line(f.name), clean_line(f.media_type), f.size) for f in message.files]
    edits = [_change(revision, shown=True) for revision in revisions if not revision.deleted]
    return replace(entry, files=tuple(files), edits=tuple(edits))


def _deletion(message: Message, revisions: Sequence[Revision], *, internal: bool) -> Change | None:
    for revision in revisions:
        if revision.deleted:
            return _change(revision, shown=internal)
    if message.deleted_at is None:
        return None
    return Change(message.deleted_at, clean_line(message.author.name), None)


def _change(revision: Revision, *, shown: bool) -> Change:
    return Change(revision.at, clean_line(revision.by.name), clean_text(revision.before) if shown else None)


def _history(record: TranscriptRecord) -> list[Entry]:
    lines = [entry for entry in record.history if entry.ticket == record.ticket.number]
    return [_history_entry(entry) for entry in sorted(lines, key=lambda entry: entry.at)]


def _history_entry(entry: HistoryEntry) -> Entry:
    states = " to ".join(state.value for state in (entry.before, entry.after) if state)
    text = clean_text(f"{entry.what} ({states})" if states else entry.what)
    return Entry(
        kind=EntryKind.SENT if entry.what == TRANSCRIPT_SENT else EntryKind.HISTORY,
        at=entry.at,
        author=clean_line(entry.by.name),
        role=_ROLES[entry.by.kind],
        text=f"{text}: {clean_text(entry.why)}" if entry.why else text,
    )
