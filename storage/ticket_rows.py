"""Between rows and tickets, their history, whom they affect, and ratings: one function a direction.

A row that this program cannot read raises ValueError: the row is at fault then, not the database.
"""

from __future__ import annotations

import json

from msgspec.json import encode as to_json

from chatdesk.affected import AffectedPerson
from chatdesk.changes import HistoryEntry, Rating
from chatdesk.conversation import ConversationId
from chatdesk.ticket import Priority, Ticket, TicketNumber, TicketStatus, TicketType
from storage.bulk import Row
from storage.columns import Record, moment, optional_moment, optional_timestamp, timestamp, to_author


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
        t.tier,
        optional_timestamp(t.promised_at),
        optional_timestamp(t.due_at),
        optional_timestamp(t.waiting_until),
        optional_timestamp(t.needed_by),
        optional_timestamp(t.first_response_at),
        optional_timestamp(t.resolved_at),
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
        tier=row["tier"],
        promised_at=optional_moment(row["promised_at"]),
        due_at=optional_moment(row["due_at"]),
        waiting_until=optional_moment(row["waiting_until"]),
        needed_by=optional_moment(row["needed_by"]),
        first_response_at=optional_moment(row["first_response_at"]),
        resolved_at=optional_moment(row["resolved_at"]),
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


def to_priority(row: Record) -> Priority:
    return Priority(row["priority"])


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


def affected_row(p: AffectedPerson) -> Row:
    return [p.ticket, p.mailbox, p.address, p.name, p.known_as]


def to_affected(row: Record) -> AffectedPerson:
    return AffectedPerson(
        ticket=TicketNumber(row["ticket"]), address=row["address"], name=row["name"], known_as=row["known_as"]
    )


def rating_row(r: Rating) -> Row:
    return [r.conversation, r.score, r.comment, timestamp(r.at)]


def to_rating(row: Record) -> Rating:
    return Rating(ConversationId(row["conversation"]), row["score"], row["comment"], moment(row["at"]))
