"""Going on with a ticket in the chat of another browser, by a code that is mailed [R19].

any              + a code was asked for   -> as before, the mail with the code
Ticketed         + the code was entered   -> as before, Say(which ticket, how it stands)
"""

from __future__ import annotations

from chatdesk.conversation import Author, AuthorKind, DialogueState
from chatdesk.effects import Decision, MailCode, Record
from chatdesk.events import ChatContinued, CodeRequested
from chatdesk.next_step import next_step
from chatdesk.situation import Situation
from chatdesk.ticket import Ticket, TicketStatus, format_number
from flows.queueing import say, ticket_of

_OVER = (TicketStatus.RESOLVED, TicketStatus.CLOSED, TicketStatus.CANCELLED)


def step(state: DialogueState, event: CodeRequested | ChatContinued, situation: Situation) -> Decision:
    """Return what follows; the dialogue stays where it is until the customer writes."""
    match event:
        case CodeRequested():
            number = format_number(situation.config.desk.ticket_prefix, event.number)
            asked = Record("code mailed", situation.config.desk.author, f"to go on with {number} in the chat")
            return Decision(state, (MailCode(event.number, event.address, event.code), asked))
        case ChatContinued():
            customer = Author(AuthorKind.CUSTOMER, event.visitor, event.name)
            back = Record("back in the chat", customer, "from another browser, with a code that was mailed")
            return Decision(state, (back, say(situation, _greeting(event, situation))))


def _greeting(event: ChatContinued, situation: Situation) -> str:
    ticket = ticket_of(situation)
    parts = [f"This is {situation.ticket_name}: {ticket.subject}", *_standing(ticket, event, situation)]
    if not ticket.is_done and ticket.status is not TicketStatus.CANCELLED:
        parts.append("Write here to ask about it or to add to it.")
    return "\n".join(parts)


def _standing(ticket: Ticket, event: ChatContinued, situation: Situation) -> list[str]:
    """Say how it stands and what happens next, as far as there is something to say."""
    over = f"It is {ticket.status.value}." if ticket.status in _OVER else ""
    return list(filter(None, (over, next_step(situation.config, ticket, event.at, "Write here"))))
