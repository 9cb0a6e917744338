"""Carries out what a flow decided: each effect becomes changes of the batch's draft."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from chatdesk.affected import AffectedChange, brought_together
from chatdesk.changes import MERGED_IN, NOW_AFFECTED, PROMISE_BROUGHT, HistoryEntry, Rating
from chatdesk.config import Config
from chatdesk.conversation import (
    Author,
    Conversation,
    ConversationId,
    Message,
    Revision,
    Surveying,
    Ticketed,
)
from chatdesk.draft import Draft
from chatdesk.effects import (
    Affect,
    Announce,
    Effect,
    MailCode,
    MailKind,
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
from chatdesk.errors import NotFound
from chatdesk.events import AnyEvent, TicketEvent
from chatdesk.mail_address import compared
from chatdesk.ports import NewId
from chatdesk.routing import WEB, Router
from chatdesk.sla import due_after_pause, earliest
from chatdesk.ticket import Ticket, TicketNumber, format_number
from chatdesk.wording import say_date, say_time, say_zone

FLOW = ("live_chat", 1)
"""The dialogue that new conversations begin [flows.live_chat], and its version; rows keep both."""
CHANGED = "changed"
"""Of what staff are told when a step has changed a ticket's card and no effect says what it was."""


def begin_conversation(
    identity: ConversationId, event: AnyEvent, visitor: str = "", widget: str = "", company: str = ""
) -> Conversation:
    """Return a conversation that ``event`` begins, before its first step."""
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


class EffectHandler:
    """Carries out effects on a draft. Raises EventRefused for what cannot be done."""

    def __init__(self, config: Config, new_id: NewId, router: Router, draft: Draft) -> None:
        self._config = config
        self._new_id = new_id
        self._router = router
        self._draft = draft

    def carry_out(self, effects: Sequence[Effect], identity: ConversationId, event: AnyEvent) -> None:
        """Carry out the effects, in order, on the conversation they were decided for."""
        for effect in effects:
            self._carry_out(effect, self._draft.conversation(identity), event)

    def show(self, number: TicketNumber, identity: ConversationId, at: datetime) -> None:
        """Have the ticket's cards follow a step that changed it, or where one of its dialogues stands.

        What staff are told of in words brings the cards up to date as well.
        """
        if number not in self._draft.changes.announced:
            ticket, conversation = self._draft.ticket(number), self._draft.conversation(identity)
            self._announce(CHANGED, ticket, conversation, at)

    def _carry_out(self, effect: Effect, conversation: Conversation, event: AnyEvent) -> None:
        match effect:
            case Post():
                self._post(effect, conversation, event)
            case OpenTicket():
                self._open_ticket(effect.ticket, conversation)
            case Revise():
                self._revise(effect, conversation, event)
            case Record():
                self._record(effect, conversation, event.at)
            case MailRequester():
                self._mail(effect, conversation, event.at)
            case MailCode():
                code = self._router.code(effect, conversation, event.at)
                self._draft.changes.deliveries.append(code)
            case Announce():
                self._announce(effect.reason, self._draft.ticket_of(conversation), conversation, event.at)
            case StartTimer():
                number = conversation.ticket if effect.of_ticket else None
                self._draft.changes.deliveries.append(self._router.timer(effect, number, conversation))
            case MoveConversations():
                self._move_conversations(effect, self._draft.ticket_of(conversation), event.at)
            case SplitOff():
                self._split_off(effect, event)
            case Affect():
                self._draft.put_affected(self._draft.ticket_of(conversation).number, effect.people)
            case Rate():
                self._rate(effect, conversation, event.at)

    def _post(
        self, effect: Post, conversation: Conversation, event: AnyEvent, said_at: datetime | None = None
    ) -> None:
        """Append a message; a copy keeps the time at which it was ``said_at``."""
        seq = conversation.last_seq + 1
        message = Message(
            conversation.id,
            seq,
            effect.author,
            effect.visibility,
            effect.text,
            said_at or event.at,
            effect.files,
            changed=seq,
        )
        self._draft.changes.messages.append(message)
        self._write(conversation, seq, event.at)
        routed = self._router.message(message, conversation, event.channel, event.at, revised=False)
        self._draft.changes.deliveries.extend(routed)

    def _write(self, conversation: Conversation, seq: int, at: datetime) -> None:
        """Give out the sequence number; most events end here, so the copy is made once, with its version."""
        version = self._draft.next_version(conversation)
        changed = replace(conversation, last_seq=seq, changed_at=at, version=version)
        self._draft.put_conversation(conversation, changed)

    def _open_ticket(self, ticket: Ticket, conversation: Conversation) -> None:
        self._draft.open_ticket(ticket)
        company = conversation.company_id
        if not company and conversation.channel != WEB:
            found = self._config.company_of(ticket.requester_email)
            company = found.id if found else ""
        named = replace(
            conversation, ticket=ticket.number, customer_name=ticket.requester_name, company_id=company
        )
        self._draft.put_conversation(conversation, named)

    def _revise(self, effect: Revise, conversation: Conversation, event: AnyEvent) -> None:
        message = self._own_message(effect, conversation)
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
        self._draft.revise(revised)
        self._draft.changes.revisions.append(revision)
        self._write(conversation, seq, event.at)
        routed = self._router.message(revised, conversation, event.channel, event.at, revised=True)
        self._draft.changes.deliveries.extend(routed)
        self._restate(message, revised, event)

    def _restate(self, message: Message, revised: Message, event: AnyEvent) -> None:
        """Have a ticket's resolution read as the message does that told it."""
        ticket = self._draft.find_ticket(self._draft.conversation(message.conversation).ticket)
        if ticket is None or not _tells_the_resolution(message, ticket):
            return
        _ = self._draft.put_ticket(ticket, replace(ticket, resolution=revised.text, changed_at=event.at))
        what = "resolution taken back" if revised.deleted_at else "resolution edited"
        entry = HistoryEntry(ticket.number, event.at, revised.author, what, revised.text)
        self._draft.changes.history.append(entry)
        self.show(ticket.number, message.conversation, event.at)

    def _own_message(self, effect: Revise, conversation: Conversation) -> Message:
        """Return the message to be changed; nobody but its author may know that it can be."""
        message = self._draft.message(conversation.id, effect.seq)
        if message is None or message.deleted_at is not None:
            raise NotFound("The message")
        if (message.author.kind, message.author.id) != (effect.by.kind, effect.by.id):
            raise NotFound("The message")
        return message

    def _record(self, effect: Record, conversation: Conversation, at: datetime) -> None:
        ticket = self._draft.ticket_of(conversation)
        entry = HistoryEntry(
            ticket.number, at, effect.by, effect.what, effect.why, effect.before, effect.after
        )
        self._draft.changes.history.append(entry)
        if effect.after is not None:
            self._announce(effect.what, ticket, conversation, at)

    def _mail(self, effect: MailRequester, conversation: Conversation, at: datetime) -> None:
        ticket = self._draft.ticket_of(conversation)
        shown = self._draft.as_seen_in(conversation, ticket)
        if effect.conversation is not None:
            conversation = self._draft.conversation(effect.conversation)
            here, shown = shown, self._draft.as_seen_in(conversation, ticket)
            if self._is_told(effect, shown, here):
                return
        quoted = self._said_here(effect.quotes, conversation) if effect.quotes else None
        self._draft.changes.deliveries.extend(self._router.mails(effect, shown, conversation, at, quoted))

    def _said_here(self, text: str, conversation: Conversation) -> int | None:
        """Return the number of the conversation's newest message that reads so, None when none does."""
        said = reversed(self._draft.changes.messages)
        return next(
            (one.seq for one in said if (one.conversation, one.text) == (conversation.id, text)), None
        )

    def _is_told(self, effect: MailRequester, shown: Ticket, here: Ticket) -> bool:
        """Tell whether that address has the news already: one person may have opened several tickets."""
        address = compared(shown.requester_email)
        return address == compared(here.requester_email) or any(
            mail.ticket == shown.number
            and compared(str(mail.payload.get("to"))) == address
            and mail.payload.get("text") == effect.text
            for mail in self._draft.changes.deliveries
        )

    def _announce(self, reason: str, ticket: Ticket, conversation: Conversation, at: datetime) -> None:
        # A card shows the ticket as it is when it is sent: one a batch says everything.
        if self._draft.announce(ticket.number, reason):
            self._draft.changes.deliveries.extend(self._router.ticket(ticket, conversation, at, reason))

    def _move_conversations(self, effect: MoveConversations, source: Ticket, at: datetime) -> None:
        for conversation in self._draft.conversations_of(source.number):
            opened_with = conversation.opened_with or source.number
            moved = replace(conversation, ticket=effect.to, opened_with=opened_with)
            self._draft.put_conversation(conversation, moved)
            self.show(effect.to, moved.id, at)
        merged = format_number(self._config.desk.ticket_prefix, source.number)
        self._draft.changes.history.append(HistoryEntry(effect.to, at, effect.by, MERGED_IN, merged))
        if effect.promised is not None:
            self._bring_promise(effect, effect.promised, merged, at)
        self._bring_affected(effect, source, at)

    def _bring_promise(
        self, effect: MoveConversations, promised: datetime, merged: str, at: datetime
    ) -> None:
        """Have the ticket be due by what was promised to somebody who is part of it now [R20, R25]."""
        into, zone = self._draft.ticket(effect.to), self._config.desk.timezone
        due = earliest(due_after_pause(self._config, into, at), promised)
        after = replace(into, due_at=due, promised_at=into.promised_at or promised, changed_at=at)
        _ = self._draft.put_ticket(into, after)
        when = f"{say_date(promised, at, zone)}, {say_time(promised, zone)} {say_zone(promised, zone)}"
        entry = HistoryEntry(effect.to, at, effect.by, PROMISE_BROUGHT, f"of {merged}: for {when}")
        self._draft.changes.history.append(entry)

    def _bring_affected(self, effect: MoveConversations, source: Ticket, at: datetime) -> None:
        """Have the ticket affect whom the one affected that is part of it now [R20, R33]."""
        draft, into = self._draft, effect.to
        theirs, present = draft.affected_by(source.number), draft.affected_by(into)
        together = brought_together(into, present, theirs, draft.requesters_of(draft.ticket(into)))
        if not theirs and together == present:
            return
        draft.put_affected(source.number, ())
        draft.put_affected(into, together)
        for person in AffectedChange(present, together).added:
            entry = HistoryEntry(into, at, effect.by, NOW_AFFECTED, person.words)
            draft.changes.history.append(entry)

    def _split_off(self, effect: SplitOff, event: AnyEvent) -> None:
        source = effect.source
        new = begin_conversation(ConversationId(self._new_id()), event, company=source.company_id)
        # The copy belongs to staff: the customer's browser goes on with the chat it has.
        new = replace(new, channel=source.channel, state=Ticketed())
        self._draft.put_conversation(new, new)
        self._open_ticket(effect.ticket, self._draft.conversation(new.id))
        origin = format_number(self._config.desk.ticket_prefix, effect.ticket.linked_to or 0)
        opened = Record("split off", self._doer(event), f"from {origin}", after=effect.ticket.status)
        self._record(opened, self._draft.conversation(new.id), event.at)
        for seq in effect.messages:
            copied = self._draft.message(source.id, seq)
            if copied is None or copied.deleted_at is not None:
                raise NotFound("A message to move")
            post = Post(copied.author, copied.text, copied.visibility, copied.files)
            self._post(post, self._draft.conversation(new.id), event, copied.at)
        mail = MailRequester(MailKind.OPENED, effect.news)
        self._mail(mail, self._draft.conversation(new.id), event.at)

    def _doer(self, event: AnyEvent) -> Author:
        if isinstance(event, TicketEvent):
            return event.agent.author
        return self._config.desk.author

    def _rate(self, effect: Rate, conversation: Conversation, at: datetime) -> None:
        self._draft.put_conversation(conversation, replace(conversation, rating=effect.score, changed_at=at))
        rating = Rating(conversation.id, effect.score, effect.comment, at)
        self._draft.changes.ratings.append(rating)
        if conversation.ticket is not None:
            self.show(conversation.ticket, conversation.id, at)


def _tells_the_resolution(message: Message, ticket: Ticket) -> bool:
    """Tell whether this is the message by which the ticket was resolved, as it stands."""
    told_then = message.is_answer and message.at == ticket.resolved_at
    return told_then and ticket.is_done and message.text == ticket.resolution
