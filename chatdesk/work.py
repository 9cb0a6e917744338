"""One batch of events worked on in memory: each stepped in order, its changes gathered for one commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.config import Config
from chatdesk.conversation import (
    AuthorKind,
    Conversation,
    ConversationId,
    Ticketed,
    promised_in,
    speaking_in,
)
from chatdesk.counted_time import counted_time
from chatdesk.customer_promises import promises_of
from chatdesk.draft import Draft, Loaded
from chatdesk.effect_handler import EffectHandler, begin_conversation
from chatdesk.effects import Effect
from chatdesk.errors import EventRefused, NotFound
from chatdesk.events import (
    AgentJoined,
    AgentMessaged,
    AnyEvent,
    CallLogged,
    ChatContinued,
    ConversationEvent,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    CustomerRated,
    MailReceived,
    MessageDeleted,
    MessageEdited,
    Outcome,
    PortalSolved,
    ReceiptReported,
    SurveySubmitted,
    TicketAffects,
    TicketEvent,
    TicketMerged,
    TicketSplit,
    TicketTaken,
    TimerFired,
    WrittenToTicket,
)
from chatdesk.mail_address import compared
from chatdesk.merging import check_merge
from chatdesk.ports import ConversationFlow, NewId, TicketFlow
from chatdesk.routing import Router
from chatdesk.sender import same_speaker
from chatdesk.situation import Situation
from chatdesk.sla import Counted, Promise
from chatdesk.ticket import Ticket, TicketNumber

IsGone = Callable[[Conversation], bool]
"""Tells whether a conversation's customer has certainly no page open now."""
_NOBODY: frozenset[ConversationId] = frozenset()
_TO_THE_CUSTOMER = frozenset({AgentMessaged, AgentJoined})
"""Events of a conversation for which it matters whether its customer is there."""
_MAY_OPEN = frozenset({CustomerMessaged, AgentJoined, TicketTaken})
"""Events that may open a conversation again: one browser has at most one open chat on a widget."""


def nobody_is_gone(_conversation: Conversation) -> bool:
    """Take every customer for present, where nobody knows."""
    return False


class AlreadyOpen(EventRefused):
    """The browser has an open chat already; ``outcome`` names it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("This chat is open already.", code="already_open")
        self.outcome = outcome


class Work:
    """Steps the events of one batch and gathers what they change.

    ``config``, the flows and ids are arguments; nothing here waits, reads a clock or does I/O.
    """

    def __init__(
        self,
        config: Config,
        conversation_flow: ConversationFlow,
        ticket_flow: TicketFlow,
        new_id: NewId,
        router: Router,
        loaded: Loaded,
        is_gone: IsGone = nobody_is_gone,
    ) -> None:
        self._config = config
        self._conversation_flow = conversation_flow
        self._ticket_flow = ticket_flow
        self._draft = Draft(loaded)
        self._is_gone = is_gone
        self._effects = EffectHandler(config, new_id, router, self._draft)
        self._counts_time = bool(loaded.history)

    @property
    def changes(self) -> Changes:
        """What the steps so far have changed."""
        return self._draft.changes

    def step(self, event: AnyEvent) -> Outcome:
        """Work on one event and return its outcome. Raises EventRefused.

        When it raises, whatever the error, nothing has changed.
        """
        self._draft.begin()
        try:
            outcome = self._step(event)
        except BaseException:
            self._draft.undo()
            raise
        if type(event) is not ReceiptReported:
            # A receipt that comes twice changes nothing the second time: it needs no memory.
            self.changes.received.append((event.key, outcome))
        return outcome

    def _step(self, event: AnyEvent) -> Outcome:
        match event:
            case CustomerMessaged() | AgentMessaged():
                # Most events: they are not compared with every kind below.
                return self._conversation_event(event)
            case ReceiptReported():
                return self._receipt(event)
            case TicketEvent():
                return self._ticket_event(event)
            case TimerFired(conversation=None, ticket=int() as number):
                return self._step_ticket(event, self._draft.ticket(number))
            case _:
                return self._conversation_event(event)

    def _conversation_event(self, event: ConversationEvent | TimerFired) -> Outcome:
        """Step the conversation's flow, then the ticket's with the conversation as it is then."""
        draft = self._draft
        conversation = self._conversation_for(event)
        ticket = draft.find_ticket(conversation.ticket)
        situation = self._situation(conversation, ticket, event)
        if ticket is not None and isinstance(event, CustomerEnded | PortalSolved):
            situation = replace(situation, conversations=tuple(draft.conversations_of(ticket.number)))
        decision = self._conversation_flow(conversation.state, event, situation)
        shown = False
        if decision.state is not conversation.state:
            shown = decision.state != conversation.state
            moved = replace(conversation, state=decision.state, changed_at=event.at)
            if moved.is_open and moved.rating is not None:
                # It was given for the chat before: the customer is asked about this one anew.
                moved = replace(moved, rating=None)
            draft.put_conversation(conversation, moved)
            here = self._situation(moved, ticket, event)
            told = promised_in(moved)
            told = None if told == promised_in(conversation) else told
            situation = replace(here, conversations=situation.conversations, told=told)
        ticket_effects: tuple[Effect, ...] = ()
        if ticket is not None:
            ticket_decision = self._ticket_flow(ticket, event, situation)
            ticket_effects = ticket_decision.effects
            shown = draft.put_ticket(ticket, ticket_decision.ticket) or shown
        self._effects.carry_out((*decision.effects, *ticket_effects), conversation.id, event)
        if shown and ticket is not None:
            self._effects.show(ticket.number, conversation.id, event.at)
        now = draft.conversation(conversation.id)
        return Outcome(now.id, now.last_seq, now.ticket)

    def _ticket_event(self, event: TicketEvent) -> Outcome:
        ticket = self._draft.ticket(event.ticket)
        if isinstance(event, TicketMerged):
            into, prefix = self._draft.ticket(event.into), self._config.desk.ticket_prefix
            check_merge(ticket, into, prefix, other_company=event.other_company)
        return self._step_ticket(event, ticket)

    def _step_ticket(self, event: TicketEvent | TimerFired, ticket: Ticket) -> Outcome:
        """Step the ticket's flow, then the flow of each of its conversations."""
        conversations = self._draft.conversations_of(ticket.number)
        main = self._main_conversation(event, conversations)
        gone = frozenset(c.id for c in conversations if self._is_gone(c))
        elsewhere = self._chatting_elsewhere(conversations, event)
        alone = self._situation(main, ticket, event)
        situation = replace(alone, conversations=tuple(conversations), gone=gone, elsewhere=elsewhere)
        if isinstance(event, TicketAffects):
            people, requesters = self._draft.affected_by(ticket.number), self._draft.requesters_of(ticket)
            situation = replace(situation, affected=people, requesters=requesters)
        decision = self._ticket_flow(ticket, event, situation)
        after = replace(situation, ticket=decision.ticket)
        steps = [(c, self._conversation_flow(c.state, event, self._seen_in(c, after))) for c in conversations]
        shown = self._draft.put_ticket(ticket, decision.ticket)
        for conversation, step in steps:
            if step.effects or step.state != conversation.state:
                shown = shown or step.state != conversation.state
                moved = replace(conversation, state=step.state, changed_at=event.at)
                self._draft.put_conversation(conversation, moved)
                self._effects.carry_out(step.effects, conversation.id, event)
        self._effects.carry_out(decision.effects, main.id, event)
        if shown:
            self._effects.show(ticket.number, main.id, event.at)
        return Outcome(main.id, self._draft.conversation(main.id).last_seq, ticket.number)

    def _chatting_elsewhere(
        self, conversations: Iterable[Conversation], event: AnyEvent
    ) -> frozenset[ConversationId]:
        """Return those that the event may open while their browser shows another chat on the widget.

        That is one that is open, or of those that the event may open the newest.
        """
        if type(event) not in _MAY_OPEN:
            return _NOBODY
        closed = sorted(
            (c for c in conversations if c.visitor and not c.is_open), key=lambda chat: chat.opened_at
        )
        newest = {(c.visitor, c.widget): c.id for c in closed}
        return frozenset(
            c.id
            for c in closed
            if newest[c.visitor, c.widget] != c.id or self._draft.open_conversation(c.visitor, c.widget)
        )

    def _main_conversation(self, event: AnyEvent, conversations: list[Conversation]) -> Conversation:
        """Return the conversation that the ticket's own effects speak in, or the one that is split."""
        main = speaking_in(conversations)
        if main is None:
            raise NotFound("The ticket's conversation")
        if isinstance(event, TicketSplit):
            chosen = next((c for c in conversations if c.id == event.conversation), None)
            if chosen is None:
                raise NotFound("The conversation to split")
            return chosen
        return main

    def _receipt(self, event: ReceiptReported) -> Outcome:
        conversation = self._conversation_for(event)
        customer = event.by.kind is AuthorKind.CUSTOMER
        top = conversation.last_seq
        receipts = conversation.receipts.advanced(customer, min(event.delivered, top), min(event.seen, top))
        if receipts != conversation.receipts:
            self._draft.put_conversation(conversation, replace(conversation, receipts=receipts))
        return Outcome(conversation.id, top, conversation.ticket)

    def _conversation_for(self, event: ConversationEvent | TimerFired) -> Conversation:
        """Return the conversation to be stepped; one that is somebody else's is not found."""
        match event:
            case CustomerMessaged() | AgentMessaged():
                pass
            case SurveySubmitted():
                return self._opened_by(event)
            case CallLogged():
                found = self._draft.find_conversation(event.conversation)
                return found or begin_conversation(event.conversation, event)
            case MailReceived():
                return self._draft.find_conversation(event.conversation) or begin_conversation(
                    event.conversation, event, event.visitor
                )
            case ChatContinued():
                self._refuse_open(event)
                return self._begin_on_ticket(event, event.opened_with)
            case WrittenToTicket():
                return self._own_on_ticket(event)
        conversation = self._draft.conversation(event.conversation)
        visitor = _speaker(event)
        if visitor is not None and visitor != conversation.visitor:
            raise NotFound("The conversation")
        return conversation

    def _opened_by(self, event: SurveySubmitted) -> Conversation:
        """Return a new conversation; one browser has at most one open chat on a widget."""
        found = self._draft.find_conversation(event.conversation)
        if found is not None and found.visitor != event.visitor:
            raise NotFound("The conversation")
        if found is not None:
            raise AlreadyOpen(Outcome(found.id, found.last_seq, found.ticket, repeated=True))
        self._refuse_open(event)
        widget = self._config.widget(event.widget)
        company = event.company or (widget.company or "" if widget else "")
        return begin_conversation(event.conversation, event, event.visitor, event.widget, company)

    def _refuse_open(self, event: SurveySubmitted | ChatContinued) -> None:
        """Raise AlreadyOpen for a browser that has an open chat on the widget."""
        existing = self._draft.open_conversation(event.visitor, event.widget)
        if existing is not None:
            raise AlreadyOpen(Outcome(existing.id, existing.last_seq, existing.ticket, repeated=True))

    def _own_on_ticket(self, event: WrittenToTicket) -> Conversation:
        """Return the sender's own conversation on the ticket by that way in, a new one for their first time.

        Raises NotFound for a sender who takes no part in the ticket and has not shown that they may.
        """
        ticket = self._draft.ticket(event.ticket)
        others = self._draft.conversations_of(event.ticket)
        origin = self._opened_by_sender(event.sender, ticket, others)
        if not (event.admitted or origin or any(same_speaker(c.visitor, event.visitor) for c in others)):
            raise NotFound("The ticket")
        own = next(
            (c for c in others if c.channel == event.channel and same_speaker(c.visitor, event.visitor)), None
        )
        if own is not None:
            return own
        merged = event.opened_with or (origin.number if origin and origin is not ticket else None)
        return self._begin_on_ticket(event, merged)

    def _begin_on_ticket(self, event: WrittenToTicket, merged: TicketNumber | None) -> Conversation:
        """Return a new conversation on the ticket; ``merged`` is the one with which it was opened, if any."""
        ticket = self._draft.ticket(event.ticket)
        widget = event.widget if isinstance(event, ChatContinued) else ""
        new = begin_conversation(event.conversation, event, event.visitor, widget)
        new = replace(
            new, ticket=ticket.number, customer_name=event.name, state=Ticketed(), opened_with=merged
        )
        self._draft.put_conversation(new, new)
        return self._draft.conversation(new.id)

    def _opened_by_sender(
        self, sender: str, ticket: Ticket, conversations: list[Conversation]
    ) -> Ticket | None:
        """Return the ticket whose requester writes from that address: this one, or one merged into it."""
        merged = {c.opened_with for c in conversations if c.opened_with is not None}
        tickets = (ticket, *map(self._draft.ticket, sorted(merged)))
        return next((one for one in tickets if compared(one.requester_email) == compared(sender)), None)

    def _situation(self, conversation: Conversation, ticket: Ticket | None, event: AnyEvent) -> Situation:
        draft = self._draft
        # Made for each event: what few of them need is looked at last.
        shown, counted = ticket, None
        if ticket is not None and conversation.opened_with is not None:
            shown = draft.as_seen_in(conversation, ticket)
        if ticket is not None and self._counts_time:
            counted = self._counted(ticket, event.at)
        asked = type(event) in _TO_THE_CUSTOMER
        gone = frozenset((conversation.id,)) if asked and self._is_gone(conversation) else _NOBODY
        elsewhere = _NOBODY if conversation.is_open else self._chatting_elsewhere((conversation,), event)
        found = Situation(
            self._config,
            conversation,
            shown,
            (conversation,),
            draft.queue,
            draft.next_number,
            counted,
            gone,
            elsewhere,
        )
        if ticket is None or counted is None:
            return found
        return replace(found, promises=self._promises(ticket, counted))

    def _counted(self, ticket: Ticket, at: datetime) -> Counted | None:
        """Return how the ticket's time counts; None where its history was not needed."""
        history = self._draft.history_of(ticket.number)
        return None if history is None else counted_time(ticket, history, at)

    def _promises(self, ticket: Ticket, counted: Counted) -> tuple[Promise, ...]:
        """Return what the ticket's people were promised; none where the steps do not need it."""
        draft, number = self._draft, ticket.number
        said = draft.said_on(number)
        if said is None:
            return ()
        chats = draft.conversations_of(number)
        merged = sorted({chat.opened_with for chat in chats if chat.opened_with is not None})
        history = [entry for each in (*merged, number) for entry in draft.history_of(each) or ()]
        return promises_of(ticket, chats, history, said, counted.begun_at)

    def _seen_in(self, conversation: Conversation, situation: Situation) -> Situation:
        """Return the situation of one of the ticket's conversations."""
        ticket = situation.ticket
        shown = self._draft.as_seen_in(conversation, ticket) if ticket else None
        return replace(situation, conversation=conversation, ticket=shown)


def _speaker(event: ConversationEvent | TimerFired) -> str | None:
    """Return the visitor who must own the conversation, or None for an event of staff or the desk."""
    match event:
        case AgentMessaged():
            return None
        case CustomerMessaged() | CustomerLeft() | CustomerEnded() | CustomerRated():
            return event.visitor
        case MessageEdited() | MessageDeleted() | ReceiptReported() if event.by.kind is AuthorKind.CUSTOMER:
            return event.by.id
    return None
