"""Who waits for a technician: the statement that finds them, and the queue that its rows tell of."""

from __future__ import annotations

from collections.abc import Iterable

from chatdesk.conversation import ConversationId, Waiting
from chatdesk.situation import QueueEntry
from storage.columns import Record, readable
from storage.conversation_rows import to_state
from storage.ticket_rows import to_priority

QUEUE = (
    "SELECT c.id, c.state, c.state_data, t.priority FROM conversation c JOIN ticket t ON t.number = c.ticket "
    "WHERE c.state = 'waiting'"
)


def to_queue(rows: Iterable[Record]) -> list[QueueEntry]:
    """Return who waits, in no order; a row that cannot be read keeps nobody else from their place."""
    return list(readable(_to_entry, rows))


def _to_entry(row: Record) -> QueueEntry:
    state = to_state(row)
    assert isinstance(state, Waiting)
    return QueueEntry(ConversationId(row["id"]), state.since, to_priority(row))
