"""What staff change on a ticket without moving it: priority, type, subject, workaround, needed-by date."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from chatdesk.conversation import Author
from chatdesk.effects import Effect, Record, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.events import TicketEdited
from chatdesk.situation import Situation
from chatdesk.sla import Counted, due_after_pause, due_for, earliest, open_promises, target_of
from chatdesk.ticket import Priority, Ticket, TicketType
from chatdesk.wording import say_date
from flows.message_text import check_text, clean
from flows.ticket_dates import check_not_far

MAX_SUBJECT = 200


def edit(ticket: Ticket, event: TicketEdited, situation: Situation) -> TicketDecision:
    """Return the ticket with the given fields changed, one history entry for each [R39, R40].

    A new priority moves the due time, but never past an open promise [R25, R27]; so does a type that has
    targets of its own, or had [R41]. Raises EventRefused for
    an empty or overlong subject, or a date too far ahead.
    """
    due = due_after_pause(situation.config, ticket, event.at)
    changed, records = replace(ticket, due_at=due), list[Effect]()
    by = event.agent.author
    if event.priority is not None:
        changed = with_priority(changed, event.priority, situation, confirmed=True)
        what = "priority changed" if event.priority is not ticket.priority else "priority confirmed"
        records.append(Record(what, by, _because(f"to {event.priority.value}", event.reason)))
    if event.type is not None and event.type is not ticket.type:
        changed = _with_type(changed, event.type, situation)
        records.append(Record("type changed", by, _because(f"to {event.type.value}", event.reason)))
    changed, described = _described(changed, event, situation, by)
    records += described
    if not records:
        return TicketDecision(ticket)
    return TicketDecision(replace(changed, changed_at=event.at), tuple(records))


def check_subject(text: str) -> str:
    """Return the subject on one line. Raises EventRefused for an empty or overlong one."""
    subject = " ".join(clean(text).split())
    if not subject or len(subject) > MAX_SUBJECT:
        raise EventRefused(f"A subject has 1 to {MAX_SUBJECT} characters.", code="subject", field="subject")
    return subject


def with_priority(ticket: Ticket, priority: Priority, situation: Situation, *, confirmed: bool) -> Ticket:
    """Return the ticket with that priority and its due time; ``confirmed`` says that staff chose it [R40]."""
    if priority is ticket.priority:
        return replace(ticket, priority_confirmed=confirmed)
    return _recounted(replace(ticket, priority=priority, priority_confirmed=confirmed), situation)


def _with_type(ticket: Ticket, type_: TicketType, situation: Situation) -> Ticket:
    """Return the ticket with that type, and its due time where the file has targets for types [R41]."""
    changed = replace(ticket, type=type_)
    before, after = (target_of(situation.config, each) for each in (ticket, changed))
    return changed if before == after else _recounted(changed, situation)


def _recounted(ticket: Ticket, situation: Situation) -> Ticket:
    """Return the ticket due as its targets are now, but never past an open promise [R25, R27]."""
    responded = ticket.first_response_at is not None
    counted = situation.counted or Counted(ticket.opened_at)
    due = due_for(situation.config, ticket, counted, responded=responded)
    return replace(ticket, due_at=earliest(due, *open_promises(situation.promises)))


def _described(
    ticket: Ticket, event: TicketEdited, situation: Situation, by: Author
) -> tuple[Ticket, list[Effect]]:
    records: list[Effect] = []
    subject = ticket.subject if event.subject is None else check_subject(event.subject)
    if subject != ticket.subject:
        records.append(Record("subject changed", by, f"was: {ticket.subject}"))
    workaround = ticket.workaround if event.workaround is None else _workaround(event.workaround)
    if workaround != ticket.workaround:
        what = "workaround recorded" if workaround else "workaround removed"
        records.append(Record(what, by, workaround or f"was: {ticket.workaround}"))
    needed_by = None if event.unneeded else event.needed_by or ticket.needed_by
    if needed_by != ticket.needed_by:
        records.append(_needed_by_changed(ticket, needed_by, event, situation))
    return replace(ticket, subject=subject, workaround=workaround, needed_by=needed_by), records


def _needed_by_changed(
    ticket: Ticket, needed_by: datetime | None, event: TicketEdited, situation: Situation
) -> Record:
    by, zone = event.agent.author, situation.config.desk.timezone
    if needed_by is not None:
        check_not_far(needed_by, event.at, "needed_by")
        return Record("needed-by date set", by, say_date(needed_by, event.at, zone))
    was = f"was: {say_date(ticket.needed_by, event.at, zone)}" if ticket.needed_by else ""
    return Record("needed-by date removed", by, was)


def _workaround(text: str) -> str:
    return check_text(text, field="workaround").strip() if text.strip() else ""


def _because(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what
