"""The live chat: survey -> queue -> live -> ended; leave with a ticket; come back [R19, R22-R29].

Surveying + answers complete, desk open   -> Waiting,  OpenTicket, Say(number, place), timer
Surveying + answers complete, desk closed -> Ticketed, OpenTicket, Say(promise)
Waiting   + a technician took it          -> Live,     Say(joined)
Waiting   + nobody came in time           -> Ticketed, Say(call-back promise)
Waiting   + the customer left             -> Ticketed, Say(call-back promise)
Live      + closed by either side         -> Ended,    mail the transcript
Ticketed, Ended + the customer wrote      -> Waiting | Ticketed
"""

from __future__ import annotations

from dataclasses import replace

from chatdesk.conversation import (
    Agent,
    Author,
    AuthorKind,
    DialogueState,
    Ended,
    Live,
    Surveying,
    Ticketed,
    Visibility,
    Waiting,
)
from chatdesk.effects import (
    Announce,
    Decision,
    Effect,
    MailKind,
    MailRequester,
    Post,
    Rate,
    Revise,
    StartTimer,
)
from chatdesk.errors import EventRefused
from chatdesk.events import (
    AgentEnded,
    AgentJoined,
    AgentMessaged,
    AnyEvent,
    CallLogged,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    CustomerRated,
    MessageDeleted,
    MessageEdited,
    SurveySubmitted,
    TicketAssigned,
    TicketCancelled,
    TicketMerged,
    TicketPaused,
    TicketResolved,
    TicketTaken,
    TimerFired,
)
from chatdesk.situation import Situation
from chatdesk.ticket import Ticket, Trigger, format_number
from flows.intake import log_call, open_by_survey
from flows.promises import call_back_by, call_back_text, next_business_day

NAME = "live_chat"
VERSION = 1
NO_ANSWER = "no_answer"
MAX_COMMENT = 2_000


def step(state: DialogueState, event: AnyEvent, situation: Situation) -> Decision:
    """Return where the dialogue goes from ``state`` on ``event`` and what follows.

    Raises EventRefused, with the reason in plain words, for what cannot be done in that state. Events
    that do not concern the dialogue leave it as it is.
    """
    match event:
        case MessageEdited():
            return Decision(state, (Revise(event.seq, event.by, event.text),))
        case MessageDeleted():
            return Decision(state, (Revise(event.seq, event.by, None),))
        case CustomerRated():
            return _rate(state, event)
        case AgentMessaged(visibility=Visibility.INTERNAL):
            return Decision(state, (_post(event),))
        case TicketMerged():
            into = format_number(situation.config.desk.ticket_prefix, event.into)
            return Decision(state, (say(situation, f"Your request is now part of {into}."),))
    match state:
        case Surveying():
            return _surveying(event, situation)
        case Waiting():
            return _waiting(state, event, situation)
        case Live():
            return _live(state, event, situation)
        case Ticketed():
            return _ticketed(state, event, situation)
        case Ended():
            return _ended(state, event, situation)


def _surveying(event: AnyEvent, situation: Situation) -> Decision:
    match event:
        case SurveySubmitted():
            return open_by_survey(event, situation)
        case CallLogged():
            return log_call(event, situation)
    raise EventRefused("Please answer the questions first.", code="survey_first")


def _waiting(state: Waiting, event: AnyEvent, situation: Situation) -> Decision:
    match event:
        case CustomerMessaged():
            return Decision(state, (_customer_post(event, situation),))
        case TicketTaken():
            return _joined((), event.agent, situation)
        case TicketAssigned():
            return Decision(state, (Announce("assigned"),))
        case AgentMessaged():
            raise EventRefused("Take the chat first, then answer.", code="not_taken")
        case TimerFired(name=name, due=due) if name == NO_ANSWER and due == state.until:
            opening = "All technicians are busy. Keep waiting, or close this window:"
            decision = _promise_call_back(event, situation, opening, may_wait=True)
            return replace(decision, effects=(*decision.effects, Announce("nobody answered")))
        case CustomerLeft() | CustomerEnded(solved=False):
            return _promise_call_back(event, situation, "You have left the queue:", may_wait=False)
        case CustomerEnded():
            return _end(event, situation, f"{situation.ticket_name} is closed. Write here to open it again.")
        case TicketResolved() | TicketCancelled():
            return _end(event, situation, _closing_words(situation))
    return Decision(state)


def _live(state: Live, event: AnyEvent, situation: Situation) -> Decision:
    match event:
        case CustomerMessaged():
            return Decision(state, (_customer_post(event, situation),))
        case AgentMessaged():
            return Decision(state, (_post(event),))
        case TicketTaken() | AgentJoined():
            return _joined(state.agents, event.agent, situation)
        case TicketAssigned():
            return _joined((), event.assignee, situation)
        case TicketPaused(trigger=Trigger.ASK_CUSTOMER) if event.text:
            return Decision(state, (Post(event.agent.author, event.text),))
        case CustomerEnded() | CustomerLeft() | AgentEnded():
            return _end(event, situation, _ended_words(event, situation))
        case TicketResolved():
            return _end(event, situation, _closing_words(situation))
    return Decision(state)


def _ticketed(state: Ticketed, event: AnyEvent, situation: Situation) -> Decision:
    match event:
        case CustomerMessaged():
            return _come_back(event, situation)
        case TicketTaken() if state.may_wait:
            return _joined((), event.agent, situation)
        case AgentMessaged():
            return Decision(state, (_post(event), MailRequester(MailKind.COMMENT, event.text)))
        case TicketPaused(trigger=Trigger.ASK_CUSTOMER) if event.text:
            return Decision(state, (Post(event.agent.author, event.text),))
        case CustomerEnded(solved=True) | TicketResolved() | TicketCancelled():
            return Decision(Ended(event.at), (say(situation, _closing_words(situation)),))
        case CustomerLeft() | CustomerEnded():
            return Decision(replace(state, may_wait=False))
    return Decision(state)


def _ended(state: Ended, event: AnyEvent, situation: Situation) -> Decision:
    match event:
        case CustomerMessaged():
            _refuse_after_window(event, situation)
            return _come_back(event, situation)
        case AgentMessaged():
            return Decision(state, (_post(event), MailRequester(MailKind.COMMENT, event.text)))
        case TicketPaused(trigger=Trigger.ASK_CUSTOMER) if event.text:
            return Decision(Ticketed(), (Post(event.agent.author, event.text),))
    return Decision(state)


def _come_back(event: CustomerMessaged, situation: Situation) -> Decision:
    """The customer writes into a chat that nobody is in: queue again, or promise a date [R17, R19]."""
    ticket = _ticket(situation)
    said = _customer_post(event, situation)
    if not situation.calendar.is_open(event.at):
        promised = next_business_day(situation.config, situation.calendar, event.at)
        added = f"Your message was added to {situation.ticket_name}; a technician will read it"
        text = f"{added} on the next business day." if promised else f"{added}."
        return Decision(Ticketed(promised), (said, say(situation, text), Announce("customer wrote")))
    until = event.at + situation.config.queue.no_answer
    place = situation.place_in_queue(event.at, ticket.priority)
    text = f"Your message was added to {situation.ticket_name}. You are number {place} in the queue."
    effects = (said, say(situation, text), StartTimer(NO_ANSWER, until), Announce("customer came back"))
    return Decision(Waiting(event.at, until), effects)


def _promise_call_back(event: AnyEvent, situation: Situation, opening: str, *, may_wait: bool) -> Decision:
    ticket = _ticket(situation)
    promised = replace(ticket, promised_at=call_back_by(situation, ticket, event.at))
    text = call_back_text(situation, promised, event.at, opening)
    effects: tuple[Effect, ...] = (say(situation, text), MailRequester(MailKind.STATUS, text))
    return Decision(Ticketed(promised.promised_at, may_wait), effects)


def _joined(present: tuple[str, ...], agent: Agent, situation: Situation) -> Decision:
    if agent.id in present:
        return Decision(Live(present))
    text = f"{agent.name} from the help desk has joined."
    return Decision(Live((*present, agent.id)), (say(situation, text),))


def _end(event: AnyEvent, situation: Situation, words: str) -> Decision:
    effects = (say(situation, words), MailRequester(MailKind.TRANSCRIPT, words))
    return Decision(Ended(event.at), effects)


def _ended_words(event: AnyEvent, situation: Situation) -> str:
    name = situation.ticket_name
    if isinstance(event, CustomerEnded) and event.solved:
        return _closing_words(situation)
    who = event.agent.name if isinstance(event, AgentEnded) else situation.conversation.customer_name
    return f"{who} has ended the chat. {name} stays open; write here to add to it."


def _closing_words(situation: Situation) -> str:
    return f"{situation.ticket_name} is closed. Not solved? Reply here or to our e-mail and it re-opens."


def _refuse_after_window(event: CustomerMessaged, situation: Situation) -> None:
    ticket, window = _ticket(situation), situation.config.tickets.reopen_window
    if window is None or ticket.resolved_at is None or event.at <= ticket.resolved_at + window:
        return
    text = f"{situation.ticket_name} was closed too long ago to re-open. Please start a new chat."
    raise EventRefused(text, code="reopen_window")


def _rate(state: DialogueState, event: CustomerRated) -> Decision:
    if not 1 <= event.score <= 5:
        raise EventRefused("Please choose from one to five stars.", code="rating", field="score")
    if not isinstance(state, Ended | Ticketed):
        raise EventRefused("A chat can be rated when it has ended.", code="rating")
    return Decision(state, (Rate(event.score, event.comment[:MAX_COMMENT]),))


def _post(event: AgentMessaged) -> Post:
    return Post(event.agent.author, event.text, event.visibility, event.files)


def _customer_post(event: CustomerMessaged, situation: Situation) -> Post:
    author = Author(AuthorKind.CUSTOMER, event.visitor, situation.conversation.customer_name)
    return Post(author, event.text, files=event.files)


def _ticket(situation: Situation) -> Ticket:
    if situation.ticket is None:
        raise EventRefused("This conversation has no ticket.", code="no_ticket")
    return situation.ticket


def say(situation: Situation, text: str) -> Post:
    """Return the desk's own words as a message of the conversation."""
    return Post(Author(AuthorKind.DESK, "desk", situation.config.desk.name), text)
