"""What every step of a ticket's work shares: the move through the table, and telling the customer."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from chatdesk.conversation import Author, AuthorKind
from chatdesk.effects import MailKind, MailRequester, Post, Record, TicketDecision
from chatdesk.situation import Situation
from chatdesk.sla import due_after_pause
from chatdesk.ticket import Ticket, Trigger, transition


def moved(
    ticket: Ticket, trigger: Trigger, at: datetime, by: Author, situation: Situation, why: str = ""
) -> TicketDecision:
    """Take the step and record it; the end of a pause moves the due time [R44].

    Raises TransitionRefused when the ticket's state does not allow the step.
    """
    due = due_after_pause(situation.config, ticket, at)
    after = transition(replace(ticket, due_at=due), trigger, at)
    return TicketDecision(after, (Record(trigger.value, by, why, ticket.status, after.status),))


def tell(decision: TicketDecision, situation: Situation, text: str, mail: str = "") -> TicketDecision:
    """Say the news in the ticket's conversation and mail it [R15]; ``mail`` replaces the text there."""
    said = Post(desk_author(situation), text)
    told = replace(decision, effects=(*decision.effects, said))
    return tell_by_mail(told, situation, mail or text)


def tell_by_mail(decision: TicketDecision, situation: Situation, text: str) -> TicketDecision:
    """Mail the news [R15], but not to a customer who reads it in the chat at this moment."""
    if any(chat.is_open and chat.id not in situation.gone for chat in situation.conversations):
        return decision
    return replace(decision, effects=(*decision.effects, MailRequester(MailKind.STATUS, text)))


def tell_the_end_by_mail(decision: TicketDecision, situation: Situation, text: str) -> TicketDecision:
    """Mail that the ticket is done [R15], unless an open chat ends with it, whose transcript says so."""
    return decision if somebody_chats(situation) else tell_by_mail(decision, situation, text)


def somebody_chats(situation: Situation) -> bool:
    """Tell whether the customer waits or talks in one of the ticket's conversations."""
    return any(conversation.is_open for conversation in situation.conversations)


def customer_author(visitor: str, ticket: Ticket) -> Author:
    """Return the customer as the author of a step."""
    return Author(AuthorKind.CUSTOMER, visitor, ticket.requester_name)


def desk_author(situation: Situation) -> Author:
    """Return the desk itself as the author of a step or a message."""
    return Author(AuthorKind.DESK, "desk", situation.config.desk.name)
