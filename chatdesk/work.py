"""One batch of events worked on in memory: each stepped in order, its effects gathered for one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chatdesk.changes import Changes, HistoryEntry, Rating
from chatdesk.config import Config
from chatdesk.conversation import (
    Conversation,
    ConversationId,
    Message,
    Revision,
    Surveying,
    Ticketed,
    Waiting,
)
from chatdesk.effects import (
    Announce,
    Effect,
    MailRequester,
    MoveConversations,
    OpenTicket,
    Post,
    Rate,
    Record,
    Revise,
    SplitOff,
    StartTimer,
)
from chatdesk.errors import EventRefused, NotFound
from chatdesk.events import (
    AnyEvent,
    CallLogged,
    ConversationEvent,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    CustomerRated,
    Outcome,
    ReceiptReported,
    SurveySubmitted,
    TicketEvent,
    TicketMerged,
    TicketSplit,
    TimerFired,
)
from chatdesk.ports import ConversationFlow, NewId, TicketFlow
from chatdesk.routing import Router
from chatdesk.situation import QueueEntry, Situation
from chatdesk.ticket import Ticket, TicketNumber, format_number

FLOW = ("live_chat", 1)


@dataclass(slots=True)
class Loaded:
    """What the store holds of everything a batch is about; changed in place as the batch is stepped."""

    conversations: dict[ConversationId, Conversation] = field(default_factory=dict)
    tickets: dict[TicketNumber, Ticket] = field(default_factory=dict)
    messages: dict[tuple[ConversationId, int], Message] = field(default_factory=dict)
    queue: dict[ConversationId, QueueEntry] = field(default_factory=dict)
    next_number: TicketNumber | None = None


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
    ) -> None:
        self._config = config
        self._conversation_flow = conversation_flow
        self._ticket_flow = ticket_flow
        self._new_id = new_id
        self._router = router
        self._loaded = loaded
        self.changes = Changes()

    def step(self, event: AnyEvent) -> Outcome:
        """Work on one event and return its outcome. Raises EventRefused; then nothing has changed."""
        match event:
            case ReceiptReported():
                outcome = self._receipt(event)
            case TicketEvent():
                outcome = self._ticket_event(event)
            case TimerFired(conversation=None, ticket=int() as number):
                outcome = self._ticket_timer(event, number)
            case _:
                outcome = self._conversation_event(event)
        self.changes.received.append((event.key, outcome))
        return outcome

    def _conversation_event(self, event: ConversationEvent | TimerFired) -> Outcome:
        """Step the conversation's flow, then the ticket's with the conversation as it is then."""
        conversation = self._conversation_for(event)
        situation = self._situation(conversation)
        decision = self._conversation_flow(conversation.state, event, situation)
        moved = replace(conversation, state=decision.state, changed_at=event.at)
        ticket_effects: tuple[Effect, ...] = ()
        if situation.ticket is not None:
            after = replace(situation, conversation=moved, conversations=(moved,))
            ticket_decision = self._ticket_flow(situation.ticket, event, after)
            ticket_effects = ticket_decision.effects
            self._put_ticket(situation.ticket, ticket_decision.ticket)
        self._put_conversation(conversation, moved)
        self._carry_out((*decision.effects, *ticket_effects), moved.id, event)
        now = self._loaded.conversations[moved.id]
        return Outcome(now.id, now.last_seq, now.ticket)

    def _ticket_event(self, event: TicketEvent) -> Outcome:
        """Step the ticket's flow, then the flow of each of its conversations."""
        ticket = self._ticket(event.ticket)
        if isinstance(event, TicketMerged) and not self._ticket(event.into).is_active:
            raise EventRefused(
                "The other ticket is done; merge into one that is open.", code="merge", field="into"
            )
        conversations = [c for c in self._loaded.conversations.values() if c.ticket == ticket.number]
        conversations.sort(key=lambda c: c.opened_at)
        if not conversations:
            raise NotFound("The ticket's conversation")
        return self._step_ticket(event, ticket, conversations)

    def _ticket_timer(self, event: TimerFired, number: TicketNumber) -> Outcome:
        ticket = self._ticket(number)
        conversations = [c for c in self._loaded.conversations.values() if c.ticket == ticket.number]
        return self._step_ticket(event, ticket, conversations)

    def _step_ticket(self, event: AnyEvent, ticket: Ticket, conversations: list[Conversation]) -> Outcome:
        main = self._main_conversation(event, conversations)
        situation = replace(self._situation(main), conversations=tuple(conversations))
        decision = self._ticket_flow(ticket, event, situation)
        after = replace(situation, ticket=decision.ticket)
        steps = [
            (c, self._conversation_flow(c.state, event, replace(after, conversation=c)))
            for c in conversations
        ]
        self._put_ticket(ticket, decision.ticket)
        for conversation, step in steps:
            moved = replace(conversation, state=step.state, changed_at=event.at)
            if step.effects or step.state != conversation.state:
                self._put_conversation(conversation, moved)
                self._carry_out(step.effects, conversation.id, event)
        self._carry_out(decision.effects, main.id, event)
        return Outcome(main.id, self._loaded.conversations[main.id].last_seq, ticket.number)

    def _main_conversation(self, event: AnyEvent, conversations: list[Conversation]) -> Conversation:
        if isinstance(event, TicketSplit):
            chosen = next((c for c in conversations if c.id == event.conversation), None)
            if chosen is None:
                raise NotFound("The conversation to split")
            return chosen
        return next((c for c in conversations if c.is_open), conversations[-1])

    def _receipt(self, event: ReceiptReported) -> Outcome:
        conversation = self._loaded.conversations.get(event.conversation)
        if conversation is None:
            raise NotFound("The conversation")
        customer = event.by.id == conversation.visitor
        top = conversation.last_seq
        receipts = conversation.receipts.advanced(customer, min(event.delivered, top), min(event.seen, top))
        if receipts != conversation.receipts:
            self._put_conversation(conversation, replace(conversation, receipts=receipts))
        return Outcome(conversation.id, top, conversation.ticket)

    def _conversation_for(self, event: ConversationEvent | TimerFired) -> Conversation:
        found = self._loaded.conversations.get(event.conversation) if event.conversation else None
        match event:
            case SurveySubmitted():
                return self._opened_by(event, found)
            case CallLogged():
                return found or self._new_conversation(event.conversation, event, "", "", "")
        visitor = _speaker(event)
        if found is None or (visitor is not None and visitor != found.visitor):
            raise NotFound("The conversation")
        return found

    def _opened_by(self, event: SurveySubmitted, found: Conversation | None) -> Conversation:
        """Return a new conversation; one browser has at most one open chat on a widget."""
        mine = (c for c in self._loaded.conversations.values() if c.visitor == event.visitor)
        existing = found or next((c for c in mine if c.is_open and c.widget == event.widget), None)
        if existing is not None:
            raise AlreadyOpen(Outcome(existing.id, existing.last_seq, existing.ticket, repeated=True))
        widget = self._config.widget(event.widget)
        company = (widget.company or "") if widget else ""
        return self._new_conversation(event.conversation, event, event.visitor, event.widget, company)

    def _new_conversation(
        self, identity: ConversationId, event: AnyEvent, visitor: str, widget: str, company: str
    ) -> Conversation:
        flow, version = FLOW
        return Conversation(
            id=identity,
            channel=event.channel,
            visitor=visitor,
            customer_name="",
            widget=widget,
            company_id=company,
            ticket=None,
            flow=flow,
            flow_version=version,
            state=Surveying(),
            opened_at=event.at,
            changed_at=event.at,
        )

    def _situation(self, conversation: Conversation) -> Situation:
        ticket = self._loaded.tickets.get(conversation.ticket) if conversation.ticket else None
        return Situation(
            config=self._config,
            conversation=conversation,
            ticket=ticket,
            conversations=(conversation,),
            queue=tuple(self._loaded.queue.values()),
            next_number=self._loaded.next_number,
        )

    def _ticket(self, number: TicketNumber) -> Ticket:
        ticket = self._loaded.tickets.get(number)
        if ticket is None:
            raise NotFound("The ticket")
        return ticket

    def _put_ticket(self, before: Ticket, after: Ticket) -> None:
        if after == before:
            return
        # One batch writes a ticket once, however often it changed: the version counts commits.
        version = before.version if before.number in self.changes.tickets else before.version + 1
        self._loaded.tickets[after.number] = self.changes.tickets[after.number] = replace(
            after, version=version
        )

    def _put_conversation(self, before: Conversation, after: Conversation) -> None:
        version = before.version if before.id in self.changes.conversations else before.version + 1
        after = replace(after, version=version)
        self._loaded.conversations[after.id] = self.changes.conversations[after.id] = after
        if isinstance(after.state, Waiting):
            ticket = self._loaded.tickets.get(after.ticket) if after.ticket else None
            if ticket is not None:
                entry = QueueEntry(after.id, after.state.since, ticket.priority)
                self.changes.queue_changed |= self._loaded.queue.get(after.id) != entry
                self._loaded.queue[after.id] = entry
        elif isinstance(before.state, Waiting):
            self._loaded.queue.pop(after.id, None)
            self.changes.queue_changed = True

    def _carry_out(self, effects: Sequence[Effect], identity: ConversationId, event: AnyEvent) -> None:
        for effect in effects:
            self._carry_out_one(effect, self._loaded.conversations[identity], event)

    def _carry_out_one(self, effect: Effect, conversation: Conversation, event: AnyEvent) -> None:
        match effect:
            case OpenTicket():
                self._open_ticket(effect.ticket, conversation)
            case Post():
                self._post(effect, conversation, event)
            case Revise():
                self._revise(effect, conversation, event)
            case Record():
                self._record(effect, conversation, event.at)
            case MailRequester():
                ticket = self._ticket_of(conversation)
                if ticket.requester_email:
                    mail = self._router.mail(effect, ticket, conversation, event.at)
                    self.changes.deliveries.append(mail)
            case Announce():
                self._announce(effect.reason, conversation, event.at)
            case StartTimer():
                number = conversation.ticket if effect.of_ticket else None
                self.changes.deliveries.append(self._router.timer(effect, number, conversation))
            case MoveConversations():
                self._move_conversations(effect, self._ticket_of(conversation), event.at)
            case SplitOff():
                self._split_off(effect, event)
            case Rate():
                self._put_conversation(conversation, replace(conversation, rating=effect.score))
                rating = Rating(conversation.id, effect.score, effect.comment, event.at)
                self.changes.ratings.append(rating)

    def _open_ticket(self, ticket: Ticket, conversation: Conversation) -> None:
        opened = replace(ticket, version=1)
        self._loaded.tickets[ticket.number] = self.changes.tickets[ticket.number] = opened
        self._loaded.next_number = TicketNumber(ticket.number + 1)
        self.changes.numbers_used += 1
        company = conversation.company_id
        if not company and conversation.channel != WEB_CHANNEL:
            found = self._config.company_of(ticket.requester_email)
            company = found.id if found else ""
        named = replace(
            conversation, ticket=ticket.number, customer_name=ticket.requester_name, company_id=company
        )
        self._put_conversation(conversation, named)

    def _post(self, effect: Post, conversation: Conversation, event: AnyEvent) -> Message:
        seq = conversation.last_seq + 1
        message = Message(
            conversation.id,
            seq,
            effect.author,
            effect.visibility,
            effect.text,
            event.at,
            effect.files,
            changed=seq,
        )
        self.changes.messages.append(message)
        self._loaded.messages[conversation.id, seq] = message
        self._put_conversation(conversation, replace(conversation, last_seq=seq))
        routed = self._router.message(message, conversation, event.channel, revised=False)
        self.changes.deliveries.extend(routed)
        return message

    def _revise(self, effect: Revise, conversation: Conversation, event: AnyEvent) -> None:
        message = self._loaded.messages.get((conversation.id, effect.seq))
        mine = message is not None and (message.author.kind, message.author.id) == (
            effect.by.kind,
            effect.by.id,
        )
        if message is None or not mine or message.deleted_at is not None:
            raise NotFound("The message")
        seq = conversation.last_seq + 1
        deleted = effect.text is None
        revised = replace(
            message,
            text=effect.text or "",
            files=() if deleted else message.files,
            changed=seq,
            edited_at=event.at,
            deleted_at=event.at if deleted else None,
        )
        revision = Revision(conversation.id, message.seq, seq, effect.by, event.at, message.text, deleted)
        self._loaded.messages[conversation.id, message.seq] = revised
        self.changes.revisions.append(revision)
        self.changes.revised.append(revised)
        self._put_conversation(conversation, replace(conversation, last_seq=seq))
        self.changes.deliveries.extend(
            self._router.message(revised, conversation, event.channel, revised=True)
        )

    def _record(self, effect: Record, conversation: Conversation, at: datetime) -> None:
        number = self._ticket_of(conversation).number
        entry = HistoryEntry(number, at, effect.by, effect.what, effect.why, effect.before, effect.after)
        self.changes.history.append(entry)
        if effect.after is not None:
            self._announce(effect.what, conversation, at)

    def _announce(self, reason: str, conversation: Conversation, at: datetime) -> None:
        ticket = self._ticket_of(conversation)
        if ticket.number not in self.changes.announced:
            self.changes.deliveries.extend(self._router.ticket(ticket, conversation, at, reason))
        self.changes.announced[ticket.number] = reason

    def _move_conversations(self, effect: MoveConversations, source: Ticket, at: datetime) -> None:
        for conversation in list(self._loaded.conversations.values()):
            if conversation.ticket == source.number:
                self._put_conversation(conversation, replace(conversation, ticket=effect.to))
        merged = format_number(self._config.desk.ticket_prefix, source.number)
        self.changes.history.append(HistoryEntry(effect.to, at, effect.by, "merged in", merged))

    def _split_off(self, effect: SplitOff, event: AnyEvent) -> None:
        new = self._new_conversation(ConversationId(self._new_id()), event, "", "", effect.source.company_id)
        # The copy belongs to staff: the customer's browser goes on with the chat it has.
        new = replace(new, channel=effect.source.channel, state=Ticketed())
        self._put_conversation(new, new)
        self._open_ticket(effect.ticket, self._loaded.conversations[new.id])
        for seq in effect.messages:
            copied = self._loaded.messages.get((effect.source.id, seq))
            if copied is not None:
                post = Post(copied.author, copied.text, copied.visibility, copied.files)
                self._post(post, self._loaded.conversations[new.id], event)

    def _ticket_of(self, conversation: Conversation) -> Ticket:
        if conversation.ticket is None:
            raise EventRefused("This conversation has no ticket.", code="no_ticket")
        return self._ticket(conversation.ticket)


WEB_CHANNEL = "web"


class AlreadyOpen(EventRefused):
    """The browser has an open chat already; ``outcome`` names it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("This chat is open already.", code="already_open")
        self.outcome = outcome


def _speaker(event: ConversationEvent | TimerFired) -> str | None:
    """Return the visitor who must own the conversation, or None for an event of staff or the desk."""
    match event:
        case CustomerMessaged() | CustomerLeft() | CustomerEnded() | CustomerRated():
            return event.visitor
    return None
