"""Work on a ticket: what staff, the customer and the clock do to its state, and what the history says.

Every event that concerns a ticket passes here, whichever channel it came from; each change of state goes
through the table of chatdesk.ticket and leaves a record [R36-R44].
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chatdesk.conversation import Author, AuthorKind, Visibility
from chatdesk.effects import (
    Effect,
    MailKind,
    MailRequester,
    MoveConversations,
    Record,
    SplitOff,
    StartTimer,
    TicketDecision,
)
from chatdesk.errors import EventRefused
from chatdesk.events import (
    AgentMessaged,
    AnyEvent,
    CustomerEnded,
    CustomerMessaged,
    TicketAssigned,
    TicketCancelled,
    TicketEdited,
    TicketMerged,
    TicketPaused,
    TicketReopened,
    TicketResolved,
    TicketResumed,
    TicketSplit,
    TicketTaken,
    TimerFired,
    TranscriptSent,
)
from chatdesk.situation import Situation
from chatdesk.sla import resolve_by
from chatdesk.ticket import (
    DONE,
    PAUSED,
    Ticket,
    TicketStatus,
    Trigger,
    format_number,
    transition,
)
from chatdesk.wording import say_date
from flows.ticket_edits import edit

DATE_REACHED = "date_reached"
AUTO_CLOSE = "auto_close"
PAUSES = (Trigger.ASK_CUSTOMER, Trigger.WAIT_FOR_VENDOR, Trigger.SCHEDULE)


def step(ticket: Ticket, event: AnyEvent, situation: Situation) -> TicketDecision:
    """Return the ticket after ``event`` and what follows.

    Raises TransitionRefused for a step its state does not allow, EventRefused for one that lacks
    something; events that do not concern the ticket leave it as it is.
    """
    match event:
        case TicketTaken():
            return _take(ticket, event, situation)
        case TicketAssigned():
            return _assign(ticket, event, situation)
        case AgentMessaged(visibility=Visibility.PUBLIC):
            return _answered(ticket, event, situation)
        case CustomerMessaged():
            return _customer_wrote(ticket, event, situation)
        case CustomerEnded(solved=True) if ticket.is_active:
            by = _customer(event.visitor, ticket)
            return _resolve(
                ticket, Trigger.CUSTOMER_SOLVED, event.at, by, "Solved, says the customer.", situation
            )
        case TicketPaused():
            return _pause(ticket, event, situation)
        case TicketResumed():
            return _moved(ticket, Trigger.RESUME, event.at, event.agent.author)
        case TicketResolved():
            if not event.resolution.strip():
                raise EventRefused("Say how it was resolved.", code="empty", field="resolution")
            by, text = event.agent.author, event.resolution.strip()
            return _resolve(ticket, Trigger.RESOLVE, event.at, by, text, situation)
        case _:
            return _administer(ticket, event, situation)


def _administer(ticket: Ticket, event: AnyEvent, situation: Situation) -> TicketDecision:
    match event:
        case TicketReopened():
            return _reopen(ticket, event.at, event.agent.author, event.reason, situation)
        case TicketCancelled():
            decision = _moved(ticket, Trigger.CANCEL, event.at, event.agent.author, event.reason)
            return _with_mail(decision, situation, f"Your request was cancelled. {event.reason}".strip())
        case TicketMerged():
            return _merge(ticket, event, situation)
        case TicketSplit():
            return _split(ticket, event, situation)
        case TicketEdited():
            return edit(ticket, event, situation)
        case TranscriptSent():
            version = "internal" if event.internal else "public"
            sent = Record("transcript sent", event.by, f"{version} version as {event.format} to {event.to}")
            return TicketDecision(ticket, (sent,))
        case TimerFired():
            return _timer(ticket, event, situation)
        case _:
            return TicketDecision(ticket)


def _take(ticket: Ticket, event: TicketTaken, situation: Situation) -> TicketDecision:
    if ticket.assignee == event.agent.id:
        return TicketDecision(ticket)
    if ticket.assignee is not None and ticket.is_active:
        text = f"{situation.ticket_name} has been taken already. Ask for it to be handed over."
        raise EventRefused(text, code="taken")
    taken = _moved(ticket, Trigger.ASSIGN, event.at, event.agent.author)
    return _with_mail(
        replace(taken, ticket=replace(taken.ticket, assignee=event.agent.id)),
        situation,
        f"{event.agent.name} is looking after your request.",
    )


def _assign(ticket: Ticket, event: TicketAssigned, situation: Situation) -> TicketDecision:
    if ticket.assignee == event.assignee.id:
        return TicketDecision(ticket)
    why = f"to {event.assignee.name}" + (f": {event.reason}" if event.reason else "")
    given = _moved(ticket, Trigger.ASSIGN, event.at, event.agent.author, why)
    return _with_mail(
        replace(given, ticket=replace(given.ticket, assignee=event.assignee.id)),
        situation,
        f"{event.assignee.name} is looking after your request.",
    )


def _answered(ticket: Ticket, event: AgentMessaged, situation: Situation) -> TicketDecision:
    """A human public message is the first response; the assignee's moves the ticket on [R44]."""
    decision = TicketDecision(ticket)
    if ticket.status is TicketStatus.ASSIGNED and ticket.assignee == event.agent.id:
        decision = _moved(ticket, Trigger.ANSWER, event.at, event.agent.author)
    if ticket.first_response_at is None:
        due = resolve_by(situation.config, ticket.priority, ticket.opened_at)
        answered = replace(decision.ticket, first_response_at=event.at, due_at=due)
        decision = replace(decision, ticket=answered)
    return decision


def _customer_wrote(ticket: Ticket, event: CustomerMessaged, situation: Situation) -> TicketDecision:
    by = _customer(event.visitor, ticket)
    if ticket.status is TicketStatus.WAITING_ON_CUSTOMER:
        return _moved(ticket, Trigger.CUSTOMER_MESSAGE, event.at, by)
    if ticket.is_done:
        return _reopen(ticket, event.at, by, "the customer wrote", situation)
    return TicketDecision(ticket)


def _pause(ticket: Ticket, event: TicketPaused, situation: Situation) -> TicketDecision:
    if event.trigger not in PAUSES:
        raise EventRefused("Wait for the customer, a vendor or a date.", code="pause", field="trigger")
    if event.trigger is Trigger.ASK_CUSTOMER:
        if not event.text.strip():
            raise EventRefused("Write the question to the customer.", code="empty", field="text")
        decision = _moved(
            _first_answered(ticket, event, situation), event.trigger, event.at, event.agent.author
        )
        return _with_mail(decision, situation, event.text.strip())
    if event.until is None or event.until <= event.at:
        raise EventRefused("Choose a date in the future.", code="date", field="until")
    decision = _moved(ticket, event.trigger, event.at, event.agent.author, event.text)
    waiting = replace(decision.ticket, waiting_until=event.until)
    timer = StartTimer(DATE_REACHED, event.until, of_ticket=True)
    day = say_date(event.until, situation.config.desk.timezone)
    decision = TicketDecision(waiting, (*decision.effects, timer))
    return _with_mail(decision, situation, f"Work on your request goes on on {day}.")


def _first_answered(ticket: Ticket, event: TicketPaused, situation: Situation) -> Ticket:
    """A question to the customer is a human public message, so it counts as the first response [R44]."""
    if ticket.first_response_at is not None:
        return ticket
    due = resolve_by(situation.config, ticket.priority, ticket.opened_at)
    return replace(ticket, first_response_at=event.at, due_at=due)


def _resolve(
    ticket: Ticket, trigger: Trigger, at: datetime, by: Author, text: str, situation: Situation
) -> TicketDecision:
    """Resolve, and close at once where the desk wants no time in between."""
    decision = _moved(ticket, trigger, at, by, text)
    resolved = replace(decision.ticket, resolution=text, resolved_at=at)
    wait = situation.config.tickets.auto_close
    if wait:
        later = StartTimer(AUTO_CLOSE, at + wait, of_ticket=True)
        decision = TicketDecision(resolved, (*decision.effects, later))
    else:
        closed = _moved(resolved, Trigger.AUTO_CLOSE, at, _desk())
        decision = TicketDecision(closed.ticket, (*decision.effects, *closed.effects))
    return _with_mail(decision, situation, f"Your request is resolved: {text}")


def _reopen(ticket: Ticket, at: datetime, by: Author, why: str, situation: Situation) -> TicketDecision:
    trigger = Trigger.REOPEN if ticket.assignee or ticket.status not in DONE else Trigger.REOPEN_UNASSIGNED
    decision = _moved(ticket, trigger, at, by, why)
    open_again = replace(decision.ticket, due_at=resolve_by(situation.config, ticket.priority, at))
    return _with_mail(replace(decision, ticket=open_again), situation, "Your request is open again.")


def _merge(ticket: Ticket, event: TicketMerged, situation: Situation) -> TicketDecision:
    if event.into == ticket.number:
        raise EventRefused("A ticket cannot be merged into itself.", code="merge", field="into")
    into = format_number(situation.config.desk.ticket_prefix, event.into)
    decision = _moved(ticket, Trigger.MERGE, event.at, event.agent.author, f"into {into}")
    merged = replace(decision.ticket, merged_into=event.into)
    text = f"Your request is now part of {into}."
    decision = _with_mail(replace(decision, ticket=merged), situation, text)
    # Last, so that everything before it still speaks of this ticket and to its own requester.
    move = MoveConversations(event.into, event.agent.author)
    return replace(decision, effects=(*decision.effects, move))


def _split(ticket: Ticket, event: TicketSplit, situation: Situation) -> TicketDecision:
    if situation.next_number is None or not event.messages:
        raise EventRefused(
            "Choose the messages that belong to the new ticket.", code="empty", field="messages"
        )
    if not event.subject.strip():
        raise EventRefused("Give the new ticket a subject.", code="empty", field="subject")
    prefix = situation.config.desk.ticket_prefix
    new = replace(
        ticket,
        number=situation.next_number,
        status=TicketStatus.NEW,
        subject=event.subject.strip(),
        opened_at=event.at,
        changed_at=event.at,
        assignee=None,
        due_at=resolve_by(situation.config, ticket.priority, event.at),
        waiting_until=None,
        first_response_at=None,
        resolved_at=None,
        resolution="",
        workaround="",
        linked_to=ticket.number,
        version=0,
    )
    why = f"into {format_number(prefix, new.number)}: {new.subject}"
    split = SplitOff(new, situation.conversation, event.messages)
    return TicketDecision(ticket, (Record("split", event.agent.author, why), split))


def _timer(ticket: Ticket, event: TimerFired, situation: Situation) -> TicketDecision:
    if event.name == DATE_REACHED and ticket.status in PAUSED and ticket.waiting_until == event.due:
        return _moved(ticket, Trigger.DATE_REACHED, event.at, _desk())
    wait, resolved_at = situation.config.tickets.auto_close, ticket.resolved_at
    resolved = event.name == AUTO_CLOSE and ticket.status is TicketStatus.RESOLVED
    if resolved and resolved_at is not None and event.due == resolved_at + wait:
        return _moved(ticket, Trigger.AUTO_CLOSE, event.at, _desk())
    return TicketDecision(ticket)


def _moved(ticket: Ticket, trigger: Trigger, at: datetime, by: Author, why: str = "") -> TicketDecision:
    moved = transition(ticket, trigger, at)
    return TicketDecision(moved, (Record(trigger.value, by, why, ticket.status, moved.status),))


def _with_mail(decision: TicketDecision, situation: Situation, text: str) -> TicketDecision:
    """Mail the change of state [R15], but not to a customer who reads it in the chat at this moment."""
    if any(conversation.is_open for conversation in situation.conversations):
        return decision
    mail: tuple[Effect, ...] = (MailRequester(MailKind.STATUS, text),)
    return replace(decision, effects=(*decision.effects, *mail))


def _customer(visitor: str, ticket: Ticket) -> Author:
    return Author(AuthorKind.CUSTOMER, visitor, ticket.requester_name)


def _desk() -> Author:
    return Author(AuthorKind.DESK, "desk", "the desk")
