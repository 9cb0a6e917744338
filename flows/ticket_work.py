"""Work on a ticket: what staff, the customer and the clock do to its state, and what the history says.

Every event that concerns a ticket passes here, whichever channel it came from; each change of state goes
through the table of chatdesk.ticket and leaves a record [R36-R44]. What the customer has to read of it is
said once: in the ticket's conversation, and by mail when nobody chats.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from chatdesk.changes import TRANSCRIPT_SENT
from chatdesk.conversation import Agent, Author, Ticketed, Visibility, promised_in
from chatdesk.customer_promises import PROMISED
from chatdesk.effects import MailKind, Post, Record, StartTimer, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.escalation import ESCALATE
from chatdesk.events import (
    AgentMessaged,
    AnyEvent,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    MailReplied,
    PortalCommented,
    PortalPrioritised,
    PortalSolved,
    TicketAffects,
    TicketAssigned,
    TicketCancelled,
    TicketEdited,
    TicketEscalated,
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
from chatdesk.sla import due_after_response, due_by, due_for, earliest, open_promises, resolve_by, target_of
from chatdesk.ticket import Ticket, TicketStatus, Trigger
from chatdesk.wording import say_date, say_time, say_zone
from flows.affected_people import change_affected
from flows.escalation import escalate
from flows.message_text import check_text
from flows.portal_steps import prioritise
from flows.promises import cancelled_words, closing_words
from flows.ticket_dates import check_not_far
from flows.ticket_edits import edit
from flows.ticket_moves import (
    customer_author,
    moved,
    only_here,
    somebody_chats,
    tell,
    tell_by_mail,
    tell_the_end_by_mail,
)
from flows.ticket_relations import merge, split
from flows.tiers import pass_to_tier

DATE_REACHED = "date_reached"
AUTO_CLOSE = "auto_close"
PAUSES = (Trigger.ASK_CUSTOMER, Trigger.WAIT_FOR_VENDOR, Trigger.SCHEDULE)


def step(ticket: Ticket, event: AnyEvent, situation: Situation) -> TicketDecision:
    """Return the ticket after ``event`` and what follows.

    Raises TransitionRefused for a step its state does not allow, EventRefused for one that lacks
    something; events that do not concern the ticket leave it as it is.
    """
    match event:
        case AgentMessaged(visibility=Visibility.PUBLIC):
            return _answered(ticket, event, situation)
        case CustomerMessaged():
            return _with_promise(_customer_wrote(ticket, event, situation), event.at, situation)
        case TicketTaken():
            return _take(ticket, event, situation)
        case TicketAssigned():
            return _assign(ticket, event, situation)
        case TicketEscalated():
            return pass_to_tier(ticket, event, situation)
        case MailReplied() | PortalCommented():
            return _customer_wrote(ticket, event, situation)
        case CustomerEnded(solved=True) if ticket.is_active and not situation.others_chat:
            return _solved(ticket, event, situation)
        case CustomerLeft() | CustomerEnded():
            return _with_promise(TicketDecision(ticket), event.at, situation)
        case TicketPaused(trigger=Trigger.ASK_CUSTOMER):
            return _ask(ticket, event, situation)
        case TicketPaused():
            return _pause(ticket, event, situation)
        case TicketResolved():
            return _resolve(ticket, event, situation)
        case _:
            return _administer(ticket, event, situation)


def _administer(ticket: Ticket, event: AnyEvent, situation: Situation) -> TicketDecision:
    match event:
        case TicketResumed():
            return _goes_on(ticket, Trigger.RESUME, event.at, event.agent.author, situation)
        case TicketReopened():
            decision = _reopened(ticket, event.at, event.agent.author, event.reason, situation)
            return tell(decision, situation, f"{situation.ticket_name} is open again.")
        case TicketCancelled():
            # The reason is for the history: it may be internal [R38].
            by = event.agent.author
            decision = moved(ticket, Trigger.CANCEL, event.at, by, situation, event.reason)
            return tell_the_end_by_mail(decision, situation, cancelled_words(situation))
        case TicketMerged():
            return merge(ticket, event, situation)
        case TicketSplit():
            return split(ticket, event, situation)
        case TicketEdited():
            return edit(ticket, event, situation)
        case TicketAffects():
            return change_affected(ticket, event, situation)
        case TranscriptSent():
            version = "internal" if event.internal else "public"
            sent = Record(TRANSCRIPT_SENT, event.by, f"{version} version as {event.format} to {event.to}")
            return TicketDecision(ticket, (sent,))
        case TimerFired():
            return _timer(ticket, event, situation)
        case PortalSolved():
            text = closing_words(situation)
            return tell_by_mail(_solved(ticket, event, situation), situation, text)
        case PortalPrioritised():
            return prioritise(ticket, event, situation)
        case _:
            return TicketDecision(ticket)


def _take(ticket: Ticket, event: TicketTaken, situation: Situation) -> TicketDecision:
    if ticket.assignee == event.agent.id and ticket.is_active:
        return TicketDecision(ticket)
    if ticket.assignee is not None and ticket.is_active:
        text = f"{situation.ticket_name} has been taken already. Ask for it to be handed over."
        raise EventRefused(text, code="taken")
    decision = moved(ticket, Trigger.ASSIGN, event.at, event.agent.author, situation)
    still_waits = any(
        isinstance(chat.state, Ticketed)
        and chat.state.may_wait
        and chat.id not in situation.gone | situation.elsewhere
        for chat in situation.conversations
    )
    return _looked_after(decision, event.agent, situation, joins=still_waits)


def _assign(ticket: Ticket, event: TicketAssigned, situation: Situation) -> TicketDecision:
    if ticket.assignee == event.assignee.id:
        return TicketDecision(ticket)
    why = f"to {event.assignee.name}" + (f": {event.reason}" if event.reason else "")
    decision = moved(ticket, Trigger.ASSIGN, event.at, event.agent.author, situation, why)
    return _looked_after(decision, event.assignee, situation, joins=False)


def _looked_after(
    decision: TicketDecision, agent: Agent, situation: Situation, *, joins: bool
) -> TicketDecision:
    """Make the technician the assignee and say so; a chat that they join says it by itself [R36]."""
    given = replace(decision, ticket=replace(decision.ticket, assignee=agent.id))
    text = f"{agent.name} from the help desk is looking after {situation.ticket_name}."
    if joins or somebody_chats(situation):
        return tell_by_mail(given, situation, text)
    return tell(given, situation, text)


def _answered(ticket: Ticket, event: AgentMessaged, situation: Situation) -> TicketDecision:
    """A human public message is the first response; the assignee's moves the ticket on [R44]."""
    if ticket.status is TicketStatus.ASSIGNED and ticket.assignee == event.agent.id:
        decision = moved(ticket, Trigger.ANSWER, event.at, event.agent.author, situation)
    else:
        decision = TicketDecision(ticket)
    responded = _responded(decision.ticket, event.at, situation)
    return decision if responded is decision.ticket else replace(decision, ticket=responded)


def _responded(ticket: Ticket, at: datetime, situation: Situation) -> Ticket:
    """Note a human public message: the first one is the response, later ones keep later promises.

    Either way the ticket is due by its time to resolve from then on, or earlier by what another of its people
    was promised, who was not answered [R20, R25, R44].
    """
    counted = situation.counted
    if counted is not None and _due_as_promised(ticket, situation):
        due = due_for(situation.config, ticket, counted, responded=True)
    elif ticket.first_response_at is None:
        due = due_after_response(situation.config, ticket)
    else:
        return ticket
    others = open_promises(situation.promises, but=(situation.conversation.opened_with,))
    due = earliest(due, *others)
    responded = replace(ticket, first_response_at=ticket.first_response_at or at, due_at=due)
    return responded if responded != ticket else ticket


def _due_as_promised(ticket: Ticket, situation: Situation) -> bool:
    """Tell whether it is due by the last promise, or by an earlier one to the customer who is answered."""
    return ticket.due_as_promised or (
        ticket.promised_at is not None and ticket.due_at == promised_in(situation.conversation)
    )


def _customer_wrote(
    ticket: Ticket, event: CustomerMessaged | MailReplied | PortalCommented, situation: Situation
) -> TicketDecision:
    if isinstance(event, PortalCommented) and event.affected:
        # The question was not for them, and they open nothing again.
        return TicketDecision(ticket)
    waits = ticket.status is TicketStatus.WAITING_ON_CUSTOMER
    if not (waits or ticket.is_done):
        return TicketDecision(ticket)
    by = customer_author(event.visitor, situation)
    if isinstance(event, MailReplied):
        by = replace(by, name=event.name or event.sender)
        if ticket.is_done and not event.reopens:
            return TicketDecision(ticket)
    if waits:
        goes_on = moved(ticket, Trigger.CUSTOMER_MESSAGE, event.at, by, situation)
        return tell_by_mail(goes_on, situation, f"Work on {situation.ticket_name} continues now.")
    decision = _reopened(ticket, event.at, by, "the customer wrote", situation)
    return tell_by_mail(decision, situation, f"{situation.ticket_name} is open again.")


def _with_promise(decision: TicketDecision, at: datetime, situation: Situation) -> TicketDecision:
    """Write down on the ticket what the chat has just promised, and that it is due by then [R25]."""
    ticket, promised = decision.ticket, situation.told
    if promised is None and ticket.promised_at is None:
        # What was said before the ticket was done is owed again when it is opened again in time.
        shown = promised_in(situation.conversation)
        promised = shown if shown is not None and shown > at else None
    if promised is None:
        return decision
    own = situation.own_promise
    if own is not None and own.by == promised == ticket.promised_at:
        return decision
    after = replace(ticket, promised_at=promised, due_at=earliest(ticket.due_at, promised))
    zone = situation.config.desk.timezone
    when = f"{say_date(promised, at, zone)}, {say_time(promised, zone)}"
    record = Record(PROMISED, situation.config.desk.author, f"for {when} {say_zone(promised, zone)}")
    return TicketDecision(after, (*decision.effects, record))


def _ask(ticket: Ticket, event: TicketPaused, situation: Situation) -> TicketDecision:
    """Ask the customer and wait: a human public message, so also the first response [R37, R44]."""
    question = check_text(event.text, missing="Write the question to the customer.")
    responded = _responded(ticket, event.at, situation)
    decision = moved(responded, event.trigger, event.at, event.agent.author, situation)
    asked = replace(decision, effects=(*decision.effects, Post(event.agent.author, question)))
    return tell_by_mail(asked, only_here(situation), question, MailKind.COMMENT)


def _pause(ticket: Ticket, event: TicketPaused, situation: Situation) -> TicketDecision:
    if event.trigger not in PAUSES:
        raise EventRefused("Wait for the customer, a vendor or a date.", code="pause", field="trigger")
    if event.until is None or event.until <= event.at:
        raise EventRefused("Choose a date in the future.", code="date", field="until")
    check_not_far(event.until, event.at, "until")
    decision = moved(ticket, event.trigger, event.at, event.agent.author, situation, event.text)
    waiting = replace(decision.ticket, waiting_until=event.until)
    timer = StartTimer(DATE_REACHED, event.until, of_ticket=True)
    day = say_date(event.until, event.at, situation.config.desk.timezone)
    decision = TicketDecision(waiting, (*decision.effects, timer))
    return tell(decision, situation, f"Work on {situation.ticket_name} continues on {day}.")


def _goes_on(
    ticket: Ticket, trigger: Trigger, at: datetime, by: Author, situation: Situation
) -> TicketDecision:
    decision = moved(ticket, trigger, at, by, situation)
    return tell(decision, situation, f"Work on {situation.ticket_name} continues now.")


def _resolve(ticket: Ticket, event: TicketResolved, situation: Situation) -> TicketDecision:
    """Resolve with a text for the customer, which is a human public message too [R37, R44].

    The conversation's flow shows the text in the chat.
    """
    text = check_text(event.resolution, field="resolution", missing="Say how it was resolved.").strip()
    responded = _responded(ticket, event.at, situation)
    decision = _done(responded, Trigger.RESOLVE, event.at, event.agent.author, text, situation)
    mail = f"{situation.ticket_name} is resolved: {text}\n\n{closing_words(situation)}"
    return tell_the_end_by_mail(decision, situation, mail, quotes=text)


def _solved(ticket: Ticket, event: CustomerEnded | PortalSolved, situation: Situation) -> TicketDecision:
    """The customer says that the matter is done; the conversation's flow thanks, and mails after a chat."""
    by, text = customer_author(event.visitor, situation), "Solved, says the customer."
    return _done(ticket, Trigger.CUSTOMER_SOLVED, event.at, by, text, situation)


def _done(
    ticket: Ticket, trigger: Trigger, at: datetime, by: Author, text: str, situation: Situation
) -> TicketDecision:
    """Resolve, and close at once where the desk wants no time in between."""
    decision = moved(ticket, trigger, at, by, situation, text)
    resolved = replace(decision.ticket, resolution=text, resolved_at=at)
    wait = situation.config.tickets.auto_close
    if wait:
        later = StartTimer(_closing(at), at + wait, of_ticket=True)
        return TicketDecision(resolved, (*decision.effects, later))
    closed = moved(resolved, Trigger.AUTO_CLOSE, at, situation.config.desk.author, situation)
    return TicketDecision(closed.ticket, (*decision.effects, *closed.effects))


def _reopened(ticket: Ticket, at: datetime, by: Author, why: str, situation: Situation) -> TicketDecision:
    """Open it again for the same technician; its time begins afresh [R17]."""
    to_nobody = ticket.is_done and ticket.assignee is None
    trigger = Trigger.REOPEN_UNASSIGNED if to_nobody else Trigger.REOPEN
    decision = moved(ticket, trigger, at, by, situation, why)
    config, target = situation.config, target_of(situation.config, ticket)
    if ticket.first_response_at is None:
        due = due_by(config, ticket.channel, target, at)
    else:
        due = resolve_by(config, target, at)
    return replace(decision, ticket=replace(decision.ticket, due_at=due, promised_at=None, resolution=""))


def _closing(resolved_at: datetime) -> str:
    """Return the name of the timer that closes what was resolved then, however long the desk waits."""
    return f"{AUTO_CLOSE} {resolved_at.isoformat()}"


def _closes(ticket: Ticket, event: TimerFired, wait: timedelta) -> bool:
    """Tell whether the timer was set for the ticket's present resolution."""
    resolved_at = ticket.resolved_at
    if ticket.status is not TicketStatus.RESOLVED or resolved_at is None:
        return False
    # Earlier versions set timers that do not name the resolution.
    unnamed = event.name == AUTO_CLOSE and event.due == resolved_at + wait
    return event.name == _closing(resolved_at) or unnamed


def _timer(ticket: Ticket, event: TimerFired, situation: Situation) -> TicketDecision:
    if event.name == ESCALATE:
        return escalate(ticket, event.due, event.at, situation)
    if event.name == DATE_REACHED and ticket.is_paused and ticket.waiting_until == event.due:
        return _goes_on(ticket, Trigger.DATE_REACHED, event.at, situation.config.desk.author, situation)
    if _closes(ticket, event, situation.config.tickets.auto_close):
        decision = moved(ticket, Trigger.AUTO_CLOSE, event.at, situation.config.desk.author, situation)
        return tell_by_mail(decision, situation, f"{situation.ticket_name} is closed.")
    if event.conversation is not None:
        return _with_promise(TicketDecision(ticket), event.at, situation)
    return TicketDecision(ticket)
