"""One batch in memory: what was read for it and what it has changed so far; a refused step is undone."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from chatdesk.affected import AffectedChange, AffectedPerson
from chatdesk.changes import Changes, HistoryEntry
from chatdesk.conversation import Conversation, ConversationId, Message, Waiting
from chatdesk.errors import EventRefused, NotFound
from chatdesk.mail_address import compared
from chatdesk.merging import as_opened
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Ticket, TicketNumber
from chatdesk.waiting_line import WaitingLine

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_ABSENT: Any = object()


class Loaded(Struct):
    """What the store holds of everything a batch is about. ``queue`` follows the batch's steps.

    ``history`` holds only those tickets whose steps need it, and of them those whose promises are needed also
    the tickets that were merged into them; ``said`` names the former, with what was said to their customers.
    ``affected`` holds only those tickets of which a step may change whom they affect.
    """

    conversations: dict[ConversationId, Conversation] = field(default_factory=dict)
    tickets: dict[TicketNumber, Ticket] = field(default_factory=dict)
    messages: dict[tuple[ConversationId, int], Message] = field(default_factory=dict)
    queue: WaitingLine = field(default_factory=WaitingLine)
    next_number: TicketNumber | None = None
    history: dict[TicketNumber, list[HistoryEntry]] = field(default_factory=dict)
    said: dict[TicketNumber, list[Message]] = field(default_factory=dict)
    affected: dict[TicketNumber, tuple[AffectedPerson, ...]] = field(default_factory=dict)


class Draft:
    """The records of one batch as they are after the steps so far, and the changes to be written."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.changes = Changes()
        self._of_browser: dict[tuple[str, str], set[ConversationId]] | None = None
        self._replaced: list[tuple[MutableMapping[Any, Any], Any, Any]] = []
        made = self.changes
        self._lists: tuple[list[Any], ...] = (
            made.messages,
            made.revisions,
            made.history,
            made.deliveries,
            made.ratings,
            made.received,
        )
        self._lengths: tuple[int, ...] = ()
        self._scalars = (loaded.next_number, 0, False)

    @property
    def next_number(self) -> TicketNumber | None:
        """The number of the next ticket; None when this batch can open none."""
        return self._loaded.next_number

    @property
    def queue(self) -> WaitingLine:
        """Every waiting customer, as the steps so far have left it."""
        return self._loaded.queue

    def begin(self) -> None:
        """Begin a step; ``undo`` comes back to here."""
        self._replaced.clear()
        self._lengths = tuple(map(len, self._lists))
        self._scalars = (self._loaded.next_number, self.changes.numbers_used, self.changes.queue_changed)

    def undo(self) -> None:
        """Take back everything since ``begin``."""
        for records, key, before in reversed(self._replaced):
            if before is _ABSENT:
                del records[key]
            else:
                records[key] = before
        for gathered, length in zip(self._lists, self._lengths, strict=True):
            del gathered[length:]
        self._loaded.next_number, self.changes.numbers_used, self.changes.queue_changed = self._scalars

    def find_conversation(self, identity: ConversationId | None) -> Conversation | None:
        """Return the conversation as it is now, if it exists."""
        if identity is None:
            return None
        return self.changes.conversations.get(identity) or self._loaded.conversations.get(identity)

    def conversation(self, identity: ConversationId | None) -> Conversation:
        """Return the conversation as it is now. Raises NotFound."""
        found = self.find_conversation(identity)
        if found is None:
            raise NotFound("The conversation")
        return found

    def conversations_of(self, number: TicketNumber) -> list[Conversation]:
        """Return the ticket's conversations, oldest first."""
        found = [c for c in self._conversations().values() if c.ticket == number]
        found.sort(key=lambda c: c.opened_at)
        return found

    def open_conversation(self, visitor: str, widget: str) -> Conversation | None:
        """Return the chat that this browser has open on the widget, if it has one."""
        if self._of_browser is None:
            # Of a batch of many surveys each asks: looking through all others' conversations is slow.
            self._of_browser = {}
            for conversation in self._conversations().values():
                self._note_browser(conversation)
        for identity in self._of_browser.get((visitor, widget), ()):
            present = self.find_conversation(identity)
            if present is not None and present.is_open:
                return present
        return None

    def find_ticket(self, number: TicketNumber | None) -> Ticket | None:
        """Return the ticket as it is now, if it exists."""
        if number is None:
            return None
        return self.changes.tickets.get(number) or self._loaded.tickets.get(number)

    def ticket(self, number: TicketNumber) -> Ticket:
        """Return the ticket as it is now. Raises NotFound."""
        found = self.find_ticket(number)
        if found is None:
            raise NotFound("The ticket")
        return found

    def ticket_of(self, conversation: Conversation) -> Ticket:
        """Return the conversation's ticket. Raises EventRefused when it has none."""
        if conversation.ticket is None:
            raise EventRefused("This conversation has no ticket.", code="no_ticket")
        return self.ticket(conversation.ticket)

    def as_seen_in(self, conversation: Conversation, ticket: Ticket) -> Ticket:
        """Return the conversation's ticket as its customer may see it [R20]."""
        if conversation.opened_with is None:
            return ticket
        return as_opened(ticket, self.ticket(conversation.opened_with))

    def history_of(self, number: TicketNumber) -> list[HistoryEntry] | None:
        """Return the ticket's history as it is now, oldest first; None if it was not loaded."""
        before = self._loaded.history.get(number)
        if before is None:
            return None
        return [*before, *(entry for entry in self.changes.history if entry.ticket == number)]

    def said_on(self, number: TicketNumber) -> list[Message] | None:
        """Return what was said to the ticket's customers until now; None if it was not loaded."""
        before = self._loaded.said.get(number)
        return None if before is None else [*before, *self.changes.messages]

    def message(self, conversation: ConversationId, seq: int) -> Message | None:
        """Return a message as it is now, if it was loaded or posted."""
        key = (conversation, seq)
        known = self.changes.revised.get(key) or self._loaded.messages.get(key)
        posted = (m for m in self.changes.messages if m.seq == seq and m.conversation == conversation)
        return known or next(posted, None)

    def next_version(self, conversation: Conversation) -> int:
        """Return the version of the conversation's next form: it counts commits, not steps."""
        written = conversation.id in self.changes.conversations
        return conversation.version if written else conversation.version + 1

    def put_conversation(self, before: Conversation, after: Conversation) -> None:
        """Change or add a conversation; the queue follows its state."""
        version = self.next_version(before)
        if after.version != version:
            after = replace(after, version=version)
        self._put(self.changes.conversations, after.id, after)
        if self._of_browser is not None and before.version == 0:
            self._note_browser(after)
        if after.state is before.state and after.ticket == before.ticket:
            return
        if isinstance(after.state, Waiting):
            self._queue_up(after, after.state)
        elif isinstance(before.state, Waiting):
            self._leave_queue(after.id)

    def open_ticket(self, ticket: Ticket) -> None:
        """Add a ticket under the number reserved for it, and reserve the next."""
        self._put_ticket(replace(ticket, version=1))
        self._loaded.next_number = TicketNumber(ticket.number + 1)
        self.changes.numbers_used += 1

    def put_ticket(self, before: Ticket, after: Ticket) -> bool:
        """Change a ticket, if it is another than before; tell whether it is."""
        if after is before or after == before:
            return False
        version = before.version if before.number in self.changes.tickets else before.version + 1
        self._put_ticket(replace(after, version=version))
        if after.priority is not before.priority:
            for conversation in self.conversations_of(after.number):
                if isinstance(conversation.state, Waiting):
                    self._queue_up(conversation, conversation.state)
        return True

    def revise(self, message: Message) -> None:
        """Change a message; of several changes in one batch the last one counts."""
        self._put(self.changes.revised, (message.conversation, message.seq), message)

    def affected_by(self, number: TicketNumber) -> tuple[AffectedPerson, ...]:
        """Return whom the ticket affects now; nobody if that was not loaded."""
        changed = self.changes.affected.get(number)
        return changed.after if changed else self._loaded.affected.get(number, ())

    def requesters_of(self, ticket: Ticket) -> frozenset[str]:
        """Return the mailboxes of those who asked for the ticket, or for one that was merged into it."""
        chats = self.conversations_of(ticket.number)
        merged = {chat.opened_with for chat in chats if chat.opened_with is not None}
        tickets = (ticket, *map(self.ticket, merged))
        return frozenset(compared(one.requester_email) for one in tickets if one.requester_email)

    def put_affected(self, number: TicketNumber, people: tuple[AffectedPerson, ...]) -> None:
        """Change whom the ticket affects, which was loaded for it.

        The ticket gets a version of its own for it: so two who change that at once do not pass each other.
        """
        before = self._loaded.affected.get(number, ())
        self._put(self.changes.affected, number, AffectedChange(before, people))
        if number not in self.changes.tickets:
            ticket = self.ticket(number)
            self._put_ticket(replace(ticket, version=ticket.version + 1))

    def announce(self, number: TicketNumber, reason: str) -> bool:
        """Note that staff must be told of the ticket; return whether this batch had not noted it yet."""
        first = number not in self.changes.announced
        self._put(self.changes.announced, number, reason)
        return first

    def _note_browser(self, conversation: Conversation) -> None:
        """Note whose it is; should its step be undone, it is not found there."""
        assert self._of_browser is not None
        browser = (conversation.visitor, conversation.widget)
        self._of_browser.setdefault(browser, set()).add(conversation.id)

    def _put_ticket(self, ticket: Ticket) -> None:
        self._put(self.changes.tickets, ticket.number, ticket)

    def _conversations(self) -> dict[ConversationId, Conversation]:
        return self._loaded.conversations | self.changes.conversations

    def _queue_up(self, conversation: Conversation, state: Waiting) -> None:
        ticket = self.find_ticket(conversation.ticket)
        if ticket is None:
            return
        entry = QueueEntry(conversation.id, state.since, ticket.priority)
        if self._loaded.queue.get(conversation.id) != entry:
            self._put(self._loaded.queue, conversation.id, entry)
            self._put(self.changes.queue, conversation.id, entry)
            self.changes.queue_changed = True

    def _leave_queue(self, identity: ConversationId) -> None:
        if identity in self._loaded.queue:
            self._replaced.append((self._loaded.queue, identity, self._loaded.queue.pop(identity)))
        self._put(self.changes.queue, identity, None)
        self.changes.queue_changed = True

    def _put(self, records: MutableMapping[Key, Value], key: Key, value: Value) -> None:
        self._replaced.append((records, key, records.get(key, _ABSENT)))
        records[key] = value
