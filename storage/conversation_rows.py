"""Between rows and conversations, their messages, and what became of events: one function a direction.

A row that this program cannot read raises ValueError: the row is at fault then, not the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.json import encode as to_json

from chatdesk.conversation import (
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
from chatdesk.ticket import TicketNumber
from storage.bulk import Row
from storage.columns import Record, decoded, moment, optional_moment, timestamp, to_author

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
        c.opened_with,
        # Unique, so that two nodes cannot open two chats for one browser [fault: two first messages at once].
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
    return decoded(decoder, data)


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
        opened_with=row["opened_with"],
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
    opened_with: TicketNumber | None
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
            row.opened_with,
            row.version,
        )
        for row in decoded(_RECORDS, json)
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
        files=decoded(_FILES, row["files"]) if row["files"] != "[]" else (),
        changed=row["changed"],
        edited_at=optional_moment(row["edited_at"]),
        deleted_at=optional_moment(row["deleted_at"]),
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


def _state_data(state: DialogueState) -> str:
    return to_json(state).decode()
