"""What every step of a ticket's work shares: the move through the table, and telling the customer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from msgspec.structs import replace

from chatdesk.conversation import Author, AuthorKind, Conversation, speaking_in
from chatdesk.effects import MailKind, MailRequester, Post, Record, TicketDecision
from chatdesk.situation import Situation
from chatdesk.sla import due_after_pause
from chatdesk.ticket import Ticket, TicketNumber, Trigger, transition


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
    """Say the news in the ticket's conversation and mail it [R15]; ``mail`` replaces the text there.

    Who does not read it there, as it is another's conversation, gets the mail also while they chat.
    """
    said = Post(situation.config.desk.author, text)
    mails = _mails(situation, mail or text, (situation.conversation.opened_with,))
    return replace(decision, effects=(*decision.effects, said, *mails))


def tell_by_mail(
    decision: TicketDecision,
    situation: Situation,
    text: str,
    kind: MailKind = MailKind.STATUS,
    quotes: str = "",
) -> TicketDecision:
    """Mail the news [R15], but not to a customer who reads it in the chat at this moment.

    As a comment it has to be the conversation's last message, and is mailed as that reads then; so is what
    the text ``quotes`` of a message.
    """
    people = {conversation.opened_with for conversation in situation.conversations}
    mails = (replace(mail, quotes=quotes) for mail in _mails(situation, text, people, kind))
    return replace(decision, effects=(*decision.effects, *mails))


def only_here(situation: Situation) -> Situation:
    """Return the situation as it is for the customer of the conversation at hand alone."""
    here = situation.conversation.opened_with
    theirs = tuple(one for one in situation.conversations if one.opened_with == here)
    return replace(situation, conversations=theirs)


def _mails(
    situation: Situation,
    text: str,
    read_in: Collection[TicketNumber | None],
    kind: MailKind = MailKind.STATUS,
) -> Iterator[MailRequester]:
    """Yield a mail to each of the ticket's people; of those in ``read_in``, only to who has no chat open.

    A chat whose customer has gone is no open one. A merge has brought the people together: each is known by
    the ticket they opened, None for this one [R20].
    """
    of_person: dict[TicketNumber | None, list[Conversation]] = {}
    for conversation in situation.conversations:
        of_person.setdefault(conversation.opened_with, []).append(conversation)
    for person, theirs in of_person.items():
        chosen = speaking_in(theirs)
        reading = any(chat.is_open and chat.id not in situation.gone for chat in theirs)
        if chosen is None or (reading and person in read_in):
            continue
        here = person == situation.conversation.opened_with
        yield MailRequester(kind, text, None if here else chosen.id)


def tell_the_end_by_mail(
    decision: TicketDecision, situation: Situation, text: str, quotes: str = ""
) -> TicketDecision:
    """Mail that the ticket is done [R15], unless an open chat ends with it, whose transcript says so."""
    return tell_by_mail(decision, replace(situation, gone=frozenset()), text, quotes=quotes)


def somebody_chats(situation: Situation) -> bool:
    """Tell whether the customer waits or talks in one of the ticket's conversations."""
    return any(conversation.is_open for conversation in situation.conversations)


def customer_author(visitor: str, situation: Situation) -> Author:
    """Return the customer of the conversation at hand as the author of a step."""
    return Author(AuthorKind.CUSTOMER, visitor, situation.conversation.customer_name)
