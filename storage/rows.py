"""Between the core's frozen dataclasses and rows: one function a direction and table.

A row that this program cannot read raises ValueError: the row is at fault then, not the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec import DecodeError, Struct
from msgspec.json import Decoder
from msgspec.json import encode as to_json

from chatdesk.changes import HistoryEntry, Rating
from chatdesk.conversation import (
    Author,
    AuthorKind,
    Conversation,
    ConversationId,
    DialogueState,
    Ended,
    FileRef,
    Live,
    Message,
    Receipts,
    Revision,
    Surveying,
    Ticketed,
    Visibility,
    Waiting,
)
from chatdesk.events import Outcome
from chatdesk.outbox import Delivery, DeliveryKind, DeliveryStatus
from chatdesk.ticket import Priority, Ticket, TicketNumber, TicketStatus, TicketType
from storage.bulk import Row

Value = TypeVar("Value")
Record = Mapping[str, Any]
"""One row as a driver gives it, by column name."""

_STATES: dict[str, type[DialogueState]] = {
    "surveying": Surveying,
    "waiting": Waiting,
    "live": Live,
    "ticketed": Ticketed,
    "ended": Ended,
}
_NAMES = {cls: name for name, cls in _STATES.items()}
_DECODERS: dict[str, Decoder[DialogueState]] = {name: Decoder(cls) for name, cls in _STATES.items()}
_FILES = Decoder(tuple[FileRef, ...])


def timestamp(at: datetime) -> str:
    """Write an aware moment as both databases read it, in UTC, so that text sorts as time does."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    if not utc.microsecond:
        return utc.isoformat(" ", "microseconds")
    # Every message passes here, and msgspec writes a time in a tenth of the time of isoformat.
    written = to_json(utc).decode()
    return f"{written[1:11]} {written[12:27]}+00:00"


def moment(value: str | datetime) -> datetime:
    """Read a moment as either driver gives it; aware, UTC."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def state_name(state: DialogueState) -> str:
    """Return the name a dialogue's state is stored under."""
    return _NAMES[type(state)]


def conversation_row(c: Conversation) -> Row:
    return [
        c.id,
        c.channel,
        c.visitor,
        c.customer_name,
        c.widget,
        c.company_id,
        c.ticket,
        c.flow,
        c.flow_version,
        state_name(c.state),
        _state_data(c.state),
        timestamp(c.opened_at),
        timestamp(c.changed_at),
        c.last_seq,
        c.receipts.customer_delivered,
        c.receipts.customer_seen,
        c.receipts.staff_delivered,
        c.receipts.staff_seen,
        c.rating,
        # Unique, so that two nodes cannot open two chats for one browser [chat identity].
        f"{c.visitor}:{c.widget}" if c.is_open and c.visitor else None,
        c.version,
    ]


CONTINUED = (
    "id",
    "changed_at",
    "last_seq",
    "customer_delivered",
    "customer_seen",
    "staff_delivered",
    "staff_seen",
    "version",
)
"""What a message or a receipt changes of its conversation; ``continued_row`` holds them in this order."""


def continued_row(c: Conversation) -> Row:
    return [
        c.id,
        timestamp(c.changed_at),
        c.last_seq,
        c.receipts.customer_delivered,
        c.receipts.customer_seen,
        c.receipts.staff_delivered,
        c.receipts.staff_seen,
        c.version,
    ]


def to_state(row: Record) -> DialogueState:
    """Raises ValueError for a state this program does not know, or whose data it cannot read."""
    return _state(row["id"], row["state"], row["state_data"])


def _state(conversation: str, name: str, data: str) -> DialogueState:
    decoder = _DECODERS.get(name)
    if decoder is None:
        raise ValueError(f"Conversation {conversation} is in the unknown state {name!r}.")
    return _decoded(decoder, data)


def to_conversation(row: Record) -> Conversation:
    return Conversation(
        id=ConversationId(row["id"]),
        channel=row["channel"],
        visitor=row["visitor"],
        customer_name=row["customer_name"],
        widget=row["widget"],
        company_id=row["company_id"],
        ticket=row["ticket"],
        flow=row["flow"],
        flow_version=row["flow_version"],
        state=to_state(row),
        opened_at=moment(row["opened_at"]),
        changed_at=moment(row["changed_at"]),
        last_seq=row["last_seq"],
        receipts=Receipts(
            row["customer_delivered"], row["customer_seen"], row["staff_delivered"], row["staff_seen"]
        ),
        rating=row["rating"],
        version=row["version"],
    )


def to_outcomes(received: Iterable[Record]) -> dict[str, Outcome]:
    """Return what became of events when they were received first, by their keys."""
    return {
        row["key"]: Outcome(row["conversation"], row["seq"], row["ticket"], repeated=True) for row in received
    }


class _ConversationRecord(Struct):
    """A conversation's row as PostgreSQL writes it as JSON."""

    id: ConversationId
    channel: str
    visitor: str
    customer_name: str
    widget: str
    company_id: str
    ticket: TicketNumber | None
    flow: str
    flow_version: int
    state: str
    state_data: str
    opened_at: datetime
    changed_at: datetime
    last_seq: int
    customer_delivered: int
    customer_seen: int
    staff_delivered: int
    staff_seen: int
    rating: int | None
    version: int


_RECORDS = Decoder(list[_ConversationRecord])


def read_conversations(json: str) -> list[Conversation]:
    """Read rows that PostgreSQL has written as JSON, in half the time that ``to_conversation`` takes."""
    return [
        Conversation(
            row.id,
            row.channel,
            row.visitor,
            row.customer_name,
            row.widget,
            row.company_id,
            row.ticket,
            row.flow,
            row.flow_version,
            _state(row.id, row.state, row.state_data),
            row.opened_at,
            row.changed_at,
            row.last_seq,
            Receipts(row.customer_delivered, row.customer_seen, row.staff_delivered, row.staff_seen),
            row.rating,
            row.version,
        )
        for row in _decoded(_RECORDS, json)
    ]


def message_row(m: Message) -> Row:
    return [
        m.conversation,
        m.seq,
        m.author.kind,
        m.author.id,
        m.author.name,
        m.visibility,
        m.text,
        timestamp(m.at),
        to_json(m.files).decode() if m.files else "[]",
        m.changed,
        timestamp(m.edited_at) if m.edited_at else None,
        timestamp(m.deleted_at) if m.deleted_at else None,
    ]


def to_message(row: Record) -> Message:
    return Message(
        conversation=ConversationId(row["conversation"]),
        seq=row["seq"],
        author=to_author(row),
        visibility=Visibility(row["visibility"]),
        text=row["text"],
        at=moment(row["at"]),
        files=_decoded(_FILES, row["files"]) if row["files"] != "[]" else (),
        changed=row["changed"],
        edited_at=moment(row["edited_at"]) if row["edited_at"] else None,
        deleted_at=moment(row["deleted_at"]) if row["deleted_at"] else None,
    )


def revision_row(r: Revision) -> Row:
    return [
        r.conversation,
        r.seq,
        r.changed,
        r.by.kind.value,
        r.by.id,
        r.by.name,
        timestamp(r.at),
        r.before,
        r.deleted,
    ]


def to_revision(row: Record) -> Revision:
    return Revision(
        conversation=ConversationId(row["conversation"]),
        seq=row["seq"],
        changed=row["changed"],
        by=to_author(row),
        at=moment(row["at"]),
        before=row["before"],
        deleted=bool(row["deleted"]),
    )


def ticket_row(t: Ticket) -> Row:
    return [
        t.number,
        t.status,
        t.type,
        t.priority,
        t.subject,
        t.channel,
        timestamp(t.opened_at),
        timestamp(t.changed_at),
        t.requester_name,
        t.requester_email,
        t.requester_phone,
        t.company,
        to_json(t.answers).decode(),
        t.assignee,
        _optional(t.promised_at),
        _optional(t.due_at),
        _optional(t.waiting_until),
        _optional(t.needed_by),
        _optional(t.first_response_at),
        _optional(t.resolved_at),
        t.resolution,
        t.workaround,
        t.merged_into,
        t.linked_to,
        t.priority_confirmed,
        t.is_active,
        t.version,
    ]


def to_ticket(row: Record) -> Ticket:
    return Ticket(
        number=TicketNumber(row["number"]),
        status=TicketStatus(row["status"]),
        type=TicketType(row["type"]),
        priority=Priority(row["priority"]),
        subject=row["subject"],
        channel=row["channel"],
        opened_at=moment(row["opened_at"]),
        changed_at=moment(row["changed_at"]),
        requester_name=row["requester_name"],
        requester_email=row["requester_email"],
        requester_phone=row["requester_phone"],
        company=row["company"],
        answers=to_answers(row["answers"]),
        assignee=row["assignee"],
        promised_at=_moment_or_none(row["promised_at"]),
        due_at=_moment_or_none(row["due_at"]),
        waiting_until=_moment_or_none(row["waiting_until"]),
        needed_by=_moment_or_none(row["needed_by"]),
        first_response_at=_moment_or_none(row["first_response_at"]),
        resolved_at=_moment_or_none(row["resolved_at"]),
        resolution=row["resolution"],
        workaround=row["workaround"],
        merged_into=row["merged_into"],
        linked_to=row["linked_to"],
        priority_confirmed=bool(row["priority_confirmed"]),
        version=row["version"],
    )


def to_answers(text: str) -> tuple[tuple[str, str], ...]:
    """Return the answers to a survey as a ticket's column holds them."""
    return tuple((question, answer) for question, answer in json.loads(text))


def history_row(h: HistoryEntry) -> Row:
    return [h.ticket, timestamp(h.at), h.by.kind, h.by.id, h.by.name, h.what, h.why, h.before, h.after]


def to_history(row: Record) -> HistoryEntry:
    return HistoryEntry(
        ticket=TicketNumber(row["ticket"]),
        at=moment(row["at"]),
        by=to_author(row),
        what=row["what"],
        why=row["why"],
        before=TicketStatus(row["before"]) if row["before"] else None,
        after=TicketStatus(row["after"]) if row["after"] else None,
    )


def delivery_row(d: Delivery) -> Row:
    return [
        d.id,
        d.target,
        d.kind,
        d.lane,
        d.conversation,
        d.seq,
        d.ticket,
        to_json(d.payload).decode(),
        DeliveryStatus.PENDING,
        d.attempts,
        timestamp(d.due_at),
        timestamp(d.created_at),
        None,
        "",
        "",
    ]


def to_delivery(row: Record) -> Delivery:
    conversation = row["conversation"]
    return Delivery(
        id=row["id"],
        target=row["target"],
        kind=DeliveryKind(row["kind"]),
        lane=row["lane"],
        due_at=moment(row["due_at"]),
        created_at=moment(row["created_at"]),
        conversation=ConversationId(conversation) if conversation else None,
        seq=row["seq"],
        ticket=row["ticket"],
        payload=json.loads(row["payload"]),
        attempts=row["attempts"],
        uncertain=row["status"] == DeliveryStatus.LEASED.value,
    )


def rating_row(r: Rating) -> Row:
    return [r.conversation, r.score, r.comment, timestamp(r.at)]


def to_author(row: Record) -> Author:
    return Author(AuthorKind(row["author_kind"]), row["author_id"], row["author_name"])


def _decoded(decoder: Decoder[Value], text: str) -> Value:
    try:
        return decoder.decode(text)
    except DecodeError as error:
        raise ValueError(f"A value cannot be read: {error}") from error


def _state_data(state: DialogueState) -> str:
    return to_json(state).decode()


def _optional(at: datetime | None) -> str | None:
    return timestamp(at) if at else None


def _moment_or_none(value: str | datetime | None) -> datetime | None:
    return moment(value) if value else None


def to_priority(row: Record) -> Priority:
    return Priority(row["priority"])
