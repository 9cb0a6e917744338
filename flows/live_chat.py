"""The live chat: survey -> queue -> live -> ended; leave with a ticket; come back [R19, R22-R29].

Surveying + answers complete, desk open   -> Waiting,  OpenTicket, Say(number, place), timer
Surveying + answers complete, desk closed -> Ticketed, OpenTicket, Say(promise)
Waiting   + a technician took it          -> Live,     Say(joined)
Waiting   + nobody came in time           -> Ticketed, Say(call-back promise)
Waiting   + the customer left             -> Ticketed, Say(call-back promise)
Live      + closed by either side         -> Ended,    mail the transcript
any       + the ticket was resolved       -> Ended,    the resolution, Say(how to re-open)
Ticketed, Ended + the customer wrote      -> Waiting | Ticketed
Ticketed  + a technician took it          -> Live if the customer still waits and is there, else the same
Ended     + re-opened, or a question      -> Ticketed

A chat in progress knows no hours: it goes on after closing time [R26]. A ticket that is passed to a tier
changes nothing here: who is in the chat stays, who waits goes on waiting, until somebody takes it [R37].
"""

from __future__ import annotations

from msgspec.structs import replace

from chatdesk.conversation import (
    DialogueState,
    Ended,
    Live,
    Surveying,
    Ticketed,
    Visibility,
    Waiting,
    speaking_in,
)
from chatdesk.effects import Announce, Decision, Effect, MailKind, MailRequester, Post, Rate, Revise
from chatdesk.errors import EventRefused
from chatdesk.events import (
    AgentEnded,
    AgentJoined,
    AgentMessaged,
    AnyEvent,
    CallLogged,
    ChatContinued,
    CodeRequested,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    CustomerRated,
    MailReceived,
    MailReplied,
    MessageDeleted,
    MessageEdited,
    PortalCommented,
    PortalPrioritised,
    PortalSolved,
    SurveySubmitted,
    TicketAssigned,
    TicketCancelled,
    TicketPaused,
    TicketReopened,
    TicketResolved,
    TicketTaken,
    TimerFired,
)
from chatdesk.queue_words import LEFT
from chatdesk.sender import is_vouched
from chatdesk.situation import Situation
from chatdesk.ticket import Trigger
from flows import continuing, mail_intake, portal_steps
from flows.intake import log_call, open_by_survey
from flows.message_text import check_message, check_text, clean
from flows.promises import cancelled_words, closing_words
from flows.queueing import (
    NO_ANSWER,
    come_back,
    customer_post,
    hand_over,
    join,
    nobody_came,
    promise_call_back,
    say,
    ticket_of,
)

MAX_COMMENT = 2_000


def step(state: DialogueState, event: AnyEvent, situation: Situation) -> Decision:
    """Return where the dialogue goes from ``state`` on ``event`` and what follows.

    Raises EventRefused, with the reason in plain words, for what cannot be done in that state. Events
    that do not concern the dialogue leave it as it is.
    """
    match event:
        case CustomerMessaged() | AgentMessaged(visibility=Visibility.PUBLIC):
            # Most events: they are not compared with every kind below, and what comes of them is the state's.
            pass
        case MessageEdited():
            return Decision(state, (Revise(event.seq, event.by, check_text(event.text)),))
        case MessageDeleted():
            return Decision(state, (Revise(event.seq, event.by, None),))
        case CustomerRated():
            return _rate(state, event)
        case MailReceived() | MailReplied():
            return mail_intake.step(state, event, situation)
        case PortalCommented() | PortalSolved() | PortalPrioritised():
            return portal_steps.step(state, event, situation)
        case AgentMessaged():
            return Decision(state, (_post(event),))
        case CodeRequested() | ChatContinued():
            return continuing.step(state, event, situation)
        case TicketResolved() | TicketCancelled():
            return _ticket_done(state, event, situation)
    match state:
        case Live():
            return _live(state, event, situation)
        case Surveying():
            return _surveying(event, situation)
        case Waiting():
            return _waiting(state, event, situation)
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
            return Decision(state, (customer_post(event, situation),))
        case TicketTaken() | AgentJoined():
            return join((), event.agent, situation)
        case TicketAssigned() if event.assignee.id == event.agent.id:
            return join((), event.agent, situation)
        case TicketAssigned():
            text = f"{event.assignee.name} from the help desk will be with you."
            return Decision(state, (say(situation, text), Announce("assigned")))
        case AgentMessaged() | AgentEnded():
            raise EventRefused("Take the chat first.", code="not_taken")
        case TimerFired(name=name, due=due) if name == NO_ANSWER and due == state.until:
            return nobody_came(state, event, situation)
        case CustomerEnded(solved=True):
            return _end(event, situation, _ended_words(event, situation))
        case CustomerLeft() | CustomerEnded():
            return promise_call_back(event, situation, LEFT)
    return Decision(state)


def _live(state: Live, event: AnyEvent, situation: Situation) -> Decision:
    match event:
        case CustomerMessaged():
            return Decision(state, (customer_post(event, situation),))
        case AgentMessaged() if event.agent.id in state.agents:
            return Decision(state, _answer(event, by_mail=situation.customer_is_gone))
        case AgentMessaged():
            joined = join(state.agents, event.agent, situation)
            answer = _answer(event, by_mail=situation.customer_is_gone)
            return replace(joined, effects=(*joined.effects, *answer))
        case TicketTaken() | AgentJoined():
            return join(state.agents, event.agent, situation)
        case TicketAssigned():
            return hand_over(state, event, situation)
        case CustomerEnded() | CustomerLeft() | AgentEnded():
            return _end(event, situation, _ended_words(event, situation))
    return Decision(state)


def _ticketed(state: Ticketed, event: AnyEvent, situation: Situation) -> Decision:
    match event:
        case CustomerMessaged():
            return come_back(state, event, situation)
        case TicketTaken() | AgentJoined() if state.may_wait and _can_be_joined(situation):
            return join((), event.agent, situation)
        case CustomerLeft():
            return Decision(replace(state, waiting_since=None))
        case CustomerEnded(solved=False):
            return Decision(replace(state, waiting_since=None))
    return _without_chat(state, event, situation)


def _can_be_joined(situation: Situation) -> bool:
    """Tell whether who went on waiting is still there, for a ticket that was not solved otherwise since."""
    is_here = not (situation.customer_is_gone or situation.chats_elsewhere)
    return is_here and ticket_of(situation).is_active


def _ended(state: Ended, event: AnyEvent, situation: Situation) -> Decision:
    match event:
        case CustomerMessaged():
            return come_back(state, event, situation)
        case TicketReopened() | TicketPaused(trigger=Trigger.ASK_CUSTOMER):
            return Decision(Ticketed())
    return _without_chat(state, event, situation)


def _without_chat(state: Ticketed | Ended, event: AnyEvent, situation: Situation) -> Decision:
    match event:
        case AgentMessaged():
            return Decision(state, _answer(event, by_mail=True))
        case AgentJoined():
            raise EventRefused("The customer is not in the chat; write, and they get a mail.", code="no_chat")
        case CustomerEnded(solved=True) if ticket_of(situation).is_active:
            said = say(situation, _ended_words(event, situation))
            mail = MailRequester(MailKind.STATUS, _ended_words(event, situation, mailed=True))
            return Decision(Ended(event.at), (said, mail))
    return Decision(state)


def _ticket_done(
    state: DialogueState, event: TicketResolved | TicketCancelled, situation: Situation
) -> Decision:
    """The dialogue is over with its ticket; the resolution is read where the customer is, once [R37]."""
    ended = state if isinstance(state, Ended) else Ended(event.at)
    if not _is_told_here(situation):
        return Decision(ended)
    effects: tuple[Effect, ...]
    if isinstance(event, TicketResolved):
        words = closing_words(situation)
        effects = (Post(event.agent.author, clean(event.resolution).strip()), say(situation, words))
    else:
        words = cancelled_words(situation)
        effects = (say(situation, words),)
    if isinstance(state, Waiting | Live):
        effects = (*effects, MailRequester(MailKind.TRANSCRIPT, words))
    return Decision(ended, effects)


def _is_told_here(situation: Situation) -> bool:
    """Tell whether news of the ticket belongs here: an open conversation, else the customer's latest."""
    here = situation.conversation
    chosen = speaking_in([one for one in situation.conversations if one.opened_with == here.opened_with])
    return here.is_open or chosen is None or chosen.id == here.id


def _end(event: AnyEvent, situation: Situation, words: str) -> Decision:
    effects = (say(situation, words), MailRequester(MailKind.TRANSCRIPT, words))
    return Decision(Ended(event.at), effects)


def _ended_words(event: AnyEvent, situation: Situation, *, mailed: bool = False) -> str:
    """Say who has ended the chat; ``mailed``, no name to an address that was only typed [threat 37]."""
    name = situation.ticket_name
    how = ""
    if isinstance(event, CustomerEnded) and event.solved:
        if not situation.others_chat:
            return closing_words(situation)
        how = " as solved"
    if isinstance(event, AgentEnded):
        who = f"{event.agent.name} has"
    elif mailed and not is_vouched(ticket_of(situation)):
        who = "You have"
    else:
        who = f"{situation.conversation.customer_name} has"
    return f"{who} ended the chat{how}. {name} stays open; write here to add to it."


def _rate(state: DialogueState, event: CustomerRated) -> Decision:
    if not 1 <= event.score <= 5:
        raise EventRefused("Please choose from one to five stars.", code="rating", field="score")
    if not isinstance(state, Ended | Ticketed):
        raise EventRefused("A chat can be rated when it has ended.", code="rating")
    return Decision(state, (Rate(event.score, clean(event.comment)[:MAX_COMMENT]),))


def _answer(event: AgentMessaged, *, by_mail: bool) -> tuple[Effect, ...]:
    """Post a technician's answer, and mail it to a customer who does not read it in the chat [R15]."""
    post = _post(event)
    if not by_mail:
        return (post,)
    text = post.text or ", ".join(file.name for file in post.files)
    return (post, MailRequester(MailKind.COMMENT, text))


def _post(event: AgentMessaged) -> Post:
    text = check_message(event.text, event.files)
    return Post(event.agent.author, text, event.visibility, event.files)
