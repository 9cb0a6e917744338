"""The queue: joining it again, being taken from it, and leaving it with a promise [R17, R19, R24, R25]."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from chatdesk.conversation import Agent, Author, AuthorKind, DialogueState, Live, Ticketed, Waiting
from chatdesk.effects import Announce, Decision, Effect, MailKind, MailRequester, Post, StartTimer
from chatdesk.errors import EventRefused
from chatdesk.events import AnyEvent, CustomerMessaged, TicketAssigned
from chatdesk.next_step import takes_more
from chatdesk.queue_words import CHAT_CLOSED, NOBODY_CAME, say_joined, say_place
from chatdesk.situation import Situation
from chatdesk.sla import next_business_day
from chatdesk.ticket import Ticket
from flows.message_text import check_message
from flows.promises import (
    added_after_hours_text,
    added_words,
    call_back_by,
    call_back_text,
    is_opening,
)

NO_ANSWER = "no_answer"

LETTER_CHANNELS = frozenset({"email", "portal", "phone"})
"""Ways in by which nobody waits for an answer in a chat."""


def come_back(state: DialogueState, event: CustomerMessaged, situation: Situation) -> Decision:
    """The customer writes into a chat that nobody is in: queue again, or promise a date [R17, R19].

    Raises EventRefused when the ticket cannot be opened again.
    """
    ticket = ticket_of(situation)
    refuse_for_good(ticket, event.at, situation)
    said = customer_post(event, situation)
    if event.channel in LETTER_CHANNELS:
        after = state if isinstance(state, Ticketed) else Ticketed()
        return Decision(after, (said, Announce("customer wrote")))
    told = isinstance(state, Ticketed) and state.promised_at is not None and state.promised_at > event.at
    if situation.calendar.is_open(event.at) and situation.chats_elsewhere:
        return _added_meanwhile(state, situation, said, told=told)
    if situation.calendar.is_open(event.at):
        # Who went on waiting, as they were told they may, is served in the order in which they came [R24].
        since = state.waiting_since if isinstance(state, Ticketed) else None
        return _queue_again(event, situation, ticket, said, since or event.at)
    if told:
        # The date has been promised already; it is said once [R28].
        return Decision(state, (said, Announce("customer wrote")))
    promised = next_business_day(situation.config, situation.calendar, event.at)
    text = added_after_hours_text(situation, ticket, promised, event.at)
    after = Ticketed(promised, earliest=promised is not None)
    return Decision(after, (said, say(situation, text), Announce("customer wrote")))


def _added_meanwhile(state: DialogueState, situation: Situation, said: Post, *, told: bool) -> Decision:
    """Add to the ticket what somebody writes there while their other chat is open: they wait in one queue."""
    after = state if isinstance(state, Ticketed) else Ticketed()
    text = f"{added_words(situation, ticket_of(situation))} Your other chat stays open."
    answers = () if told else (say(situation, text),)
    return Decision(after, (said, *answers, Announce("customer wrote")))


def nobody_came(state: Waiting, event: AnyEvent, situation: Situation) -> Decision:
    """The time to wait is over: promise a call back; who takes the ticket may still find them [R25]."""
    opening = NOBODY_CAME if situation.calendar.is_open(event.at) else CHAT_CLOSED
    decision = promise_call_back(event, situation, opening, waiting_since=state.since)
    return replace(decision, effects=(*decision.effects, Announce("nobody answered")))


def promise_call_back(
    event: AnyEvent, situation: Situation, opening: str, *, waiting_since: datetime | None = None
) -> Decision:
    """Leave the queue with a computed promise; it is mailed unless it was before [R25, R28].

    Who may go on waiting did so since ``waiting_since``.
    """
    ticket = ticket_of(situation)
    promised = replace(ticket, promised_at=call_back_by(situation, ticket, event.at))
    text = call_back_text(situation, promised, event.at, opening)
    effects: tuple[Effect, ...] = (say(situation, text),)
    own = situation.own_promise
    if own is None or own.by != promised.promised_at:
        mail = call_back_text(situation, promised, event.at, opening, mailed=True)
        effects = (*effects, MailRequester(MailKind.STATUS, mail))
    earliest = is_opening(situation, promised.promised_at)
    return Decision(Ticketed(promised.promised_at, earliest, waiting_since), effects)


def join(present: tuple[str, ...], agent: Agent, situation: Situation) -> Decision:
    """A technician comes into the chat, which is said once."""
    if agent.id in present:
        return Decision(Live(present))
    text = say_joined(agent.name)
    return Decision(Live((*present, agent.id)), (say(situation, text),))


def hand_over(state: Live, event: TicketAssigned, situation: Situation) -> Decision:
    """The live chat gets another first technician; those present stay [R37]."""
    first = event.assignee
    others = tuple(agent for agent in state.agents if agent != first.id)
    if first.id in state.agents:
        return Decision(Live((first.id, *others)))
    taking_over = f"{first.name} from the help desk is taking over."
    text = say_joined(first.name) if first.id == event.agent.id else taking_over
    return Decision(Live((first.id, *others)), (say(situation, text),))


def customer_post(event: CustomerMessaged, situation: Situation) -> Post:
    """Return the customer's message. Raises EventRefused when there is nothing in it."""
    author = Author(AuthorKind.CUSTOMER, event.visitor, situation.conversation.customer_name)
    return Post(author, check_message(event.text, event.files), files=event.files)


def ticket_of(situation: Situation) -> Ticket:
    """Return the conversation's ticket. Raises EventRefused when it has none."""
    if situation.ticket is None:
        raise EventRefused("This conversation has no ticket.", code="no_ticket")
    return situation.ticket


def say(situation: Situation, text: str) -> Post:
    """Return the desk's own words as a message of the conversation."""
    return Post(situation.config.desk.author, text)


def refuse_for_good(ticket: Ticket, at: datetime, situation: Situation) -> None:
    """Raise EventRefused for a ticket that the customer can no longer add to at ``at`` [R17]."""
    name = situation.ticket_name
    if not ticket.is_active and not ticket.is_done:
        text = f"{name} was {ticket.status.value} and cannot be opened again. Please start a new chat."
        raise EventRefused(text, code="ticket_over")
    if takes_more(situation.config, ticket, at):
        return
    text = f"{name} was closed too long ago to re-open. Please start a new chat."
    raise EventRefused(text, code="reopen_window")


def _queue_again(
    event: CustomerMessaged, situation: Situation, ticket: Ticket, said: Post, since: datetime
) -> Decision:
    until = event.at + situation.config.queue.no_answer
    place = situation.place_in_queue(since, ticket.priority)
    text = f"{added_words(situation, ticket)} {say_place(place)}"
    effects = (said, say(situation, text), StartTimer(NO_ANSWER, until), Announce("customer came back"))
    return Decision(Waiting(since, until), effects)
