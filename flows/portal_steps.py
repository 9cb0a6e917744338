"""What a signed-in customer does to a ticket in the portal: comment, call it solved, set its priority [R33].

Ticketed, Ended  + they commented         -> Ticketed, the text; a ticket that was done opens again
Ticketed, Ended  + they say it is solved  -> Ended, Say(how to re-open)
any              + they set the priority  -> as before, Say(the priority)
"""

from __future__ import annotations

from msgspec.structs import replace

from chatdesk.conversation import Author, AuthorKind, DialogueState, Ended, Ticketed
from chatdesk.effects import Announce, Decision, Post, Record, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.events import PortalCommented, PortalPrioritised, PortalSolved
from chatdesk.situation import Situation
from chatdesk.sla import due_after_pause
from chatdesk.ticket import Ticket
from flows.message_text import check_message
from flows.promises import closing_words
from flows.queueing import refuse_for_good, say, ticket_of
from flows.ticket_edits import with_priority
from flows.ticket_moves import customer_author


def step(
    state: DialogueState, event: PortalCommented | PortalSolved | PortalPrioritised, situation: Situation
) -> Decision:
    """Return what follows in the customer's own conversation on the ticket.

    Raises EventRefused, with the reason in plain words, for what the ticket's state does not allow.
    """
    match event:
        case PortalCommented():
            return _commented(state, event, situation)
        case PortalSolved():
            _refuse_solved(ticket_of(situation), situation)
            return Decision(Ended(event.at), (say(situation, closing_words(situation)),))
        case PortalPrioritised():
            return Decision(state, _said_of_priority(event, situation))


def prioritise(ticket: Ticket, event: PortalPrioritised, situation: Situation) -> TicketDecision:
    """Return the ticket with the customer's priority, which staff still have to confirm [R40].

    Raises EventRefused for a ticket that is over.
    """
    if not ticket.is_active:
        text = f"{situation.ticket_name} is {ticket.status.value}; its priority cannot be changed."
        raise EventRefused(text, code="ticket_over", field="priority")
    if event.priority is ticket.priority:
        return TicketDecision(ticket)
    counted = replace(ticket, due_at=due_after_pause(situation.config, ticket, event.at))
    changed = with_priority(counted, event.priority, situation, confirmed=False)
    by = customer_author(event.visitor, situation)
    effects = (
        Record("priority changed", by, f"to {event.priority.value}"),
        Announce("priority changed by the customer"),
    )
    return TicketDecision(replace(changed, changed_at=event.at), effects)


def _said_of_priority(event: PortalPrioritised, situation: Situation) -> tuple[Post, ...]:
    if ticket_of(situation).priority is event.priority:
        return ()
    who = situation.conversation.customer_name
    text = f"{who} has set the priority of {situation.ticket_name} to {event.priority.value}."
    return (say(situation, text),)


def _commented(state: DialogueState, event: PortalCommented, situation: Situation) -> Decision:
    ticket = ticket_of(situation)
    if event.affected and not ticket.is_active:
        text = f"{situation.ticket_name} is {ticket.status.value}. Please open a new ticket."
        raise EventRefused(text, code="ticket_over", field="text")
    refuse_for_good(ticket, event.at, situation)
    author = Author(AuthorKind.CUSTOMER, event.visitor, event.name or event.sender)
    post = Post(author, check_message(event.text, event.files), files=event.files)
    after = state if isinstance(state, Ticketed) else Ticketed()
    return Decision(after, (post, Announce("customer wrote")))


def _refuse_solved(ticket: Ticket, situation: Situation) -> None:
    if not ticket.is_active:
        text = f"{situation.ticket_name} is {ticket.status.value} already."
        raise EventRefused(text, code="ticket_over")
    if situation.others_chat:
        text = f"There is a chat about {situation.ticket_name} just now. Please say there that it is solved."
        raise EventRefused(text, code="chat_open")
