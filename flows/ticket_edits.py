"""What staff change on a ticket without moving it: priority, type, subject, workaround, needed-by date."""

from __future__ import annotations

from dataclasses import replace

from chatdesk.effects import Effect, Record, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.events import TicketEdited
from chatdesk.situation import Situation
from chatdesk.sla import resolve_by, respond_by
from chatdesk.ticket import Ticket
from chatdesk.wording import say_date

MAX_SUBJECT = 200


def edit(ticket: Ticket, event: TicketEdited, situation: Situation) -> TicketDecision:
    """Return the ticket with the given fields changed, one history entry for each [R39, R40].

    A new priority moves the due time. Raises EventRefused for an empty or overlong subject.
    """
    records: list[Effect] = []
    by = event.agent.author
    changed = ticket
    if event.priority is not None:
        changed = _with_priority(changed, event, situation)
        what = "priority changed" if event.priority is not ticket.priority else "priority confirmed"
        records.append(Record(what, by, _because(f"to {event.priority.value}", event.reason)))
    if event.type is not None and event.type is not ticket.type:
        changed = replace(changed, type=event.type)
        records.append(Record("type changed", by, _because(f"to {event.type.value}", event.reason)))
    if event.subject is not None:
        changed = replace(changed, subject=_subject(event.subject))
        records.append(Record("subject changed", by, f"was: {ticket.subject}"))
    if event.workaround is not None:
        changed = replace(changed, workaround=event.workaround.strip())
        records.append(Record("workaround recorded", by, event.workaround.strip()))
    if event.needed_by is not None:
        changed = replace(changed, needed_by=event.needed_by)
        day = say_date(event.needed_by, situation.config.desk.timezone)
        records.append(Record("needed-by date set", by, day))
    return TicketDecision(replace(changed, changed_at=event.at), tuple(records))


def _with_priority(ticket: Ticket, event: TicketEdited, situation: Situation) -> Ticket:
    priority = event.priority or ticket.priority
    if priority is ticket.priority:
        return replace(ticket, priority_confirmed=True)
    if ticket.first_response_at is None:
        due = respond_by(situation.config, ticket.channel, priority, ticket.opened_at)
    else:
        due = resolve_by(situation.config, priority, ticket.opened_at)
    return replace(ticket, priority=priority, priority_confirmed=True, due_at=due)


def _subject(text: str) -> str:
    subject = " ".join(text.split())
    if not subject or len(subject) > MAX_SUBJECT:
        raise EventRefused(f"A subject has 1 to {MAX_SUBJECT} characters.", code="subject", field="subject")
    return subject


def _because(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what
