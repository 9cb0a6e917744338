"""What a flow may know of the world while it decides: frozen, taken at one moment."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from chatdesk.affected import AffectedPerson
from chatdesk.business_hours import Calendar
from chatdesk.config import Config, QueueOrder
from chatdesk.conversation import Conversation, ConversationId
from chatdesk.sla import Counted, Promise
from chatdesk.ticket import Priority, Ticket, TicketNumber, format_number

SortKey = tuple[int, datetime]


class QueueEntry(Struct, frozen=True):
    """A customer who waits: since when (UTC), and how urgent the ticket is."""

    conversation: ConversationId
    since: datetime
    priority: Priority


class Line(Protocol):
    """Everybody who waits."""

    def place(self, order: QueueOrder, entry: QueueEntry) -> int:
        """Return the entry's place, counted from 1, whether or not it is in the line [R24, R42]."""


class Situation(Struct, frozen=True):
    """The desk as one event finds it.

    ``conversation`` is the one being stepped; ``conversations`` are all of the ticket's, for an event of the
    ticket and where a customer says that it is solved; else that one. ``queue`` holds
    every waiting customer, None where nobody does. ``next_number`` is reserved for a ticket that this step
    may open. ``counted`` is how the ticket's time counts, None where the step does not need its history.
    ``gone`` are those of the conversations whose customers have certainly no page open now, ``elsewhere``
    those whose browsers have another chat open. ``promises`` are those made to the ticket's people, as far as
    the step needs them; ``told`` is what the dialogue has just promised the conversation's customer in this
    step. ``affected`` are the people whom the ticket affects, and ``requesters`` the mailboxes of those who
    asked for it or for what was merged into it: only for the step that changes whom it affects.
    """

    config: Config
    conversation: Conversation
    ticket: Ticket | None = None
    conversations: tuple[Conversation, ...] = ()
    queue: Line | None = None
    next_number: TicketNumber | None = None
    counted: Counted | None = None
    gone: frozenset[ConversationId] = frozenset()
    elsewhere: frozenset[ConversationId] = frozenset()
    promises: tuple[Promise, ...] = ()
    told: datetime | None = None
    affected: tuple[AffectedPerson, ...] = ()
    requesters: frozenset[str] = frozenset()

    @property
    def own_promise(self) -> Promise | None:
        """What this conversation's customer was promised and still waits for [R25]."""
        here = self.conversation.opened_with
        return next((one for one in self.promises if one.person == here and one.kept_at is None), None)

    @property
    def customer_is_gone(self) -> bool:
        """Whether this conversation's customer would not see what is said in it now [R15, R25]."""
        return self.conversation.id in self.gone

    @property
    def chats_elsewhere(self) -> bool:
        """Whether this conversation's browser has another chat open: it has one at a time."""
        return self.conversation.id in self.elsewhere

    @property
    def calendar(self) -> Calendar:
        """The hours of the way in by which this conversation came [R34, R45]."""
        return self.config.hours_of(
            self.conversation.channel, self.conversation.widget, self.conversation.company_id
        )

    @property
    def ticket_name(self) -> str:
        """The ticket's number as people see it, of the ticket at hand or the one about to be opened."""
        number = self.ticket.number if self.ticket else self.next_number
        return format_number(self.config.desk.ticket_prefix, number or 0)

    @property
    def others_chat(self) -> bool:
        """Whether somebody waits or talks in another of the ticket's conversations."""
        return any(one.is_open and one.id != self.conversation.id for one in self.conversations)

    def place_in_queue(self, since: datetime, priority: Priority) -> int:
        """Return the place, counted from 1, of a customer waiting since ``since`` [R24, R42]."""
        if self.queue is None:
            return 1
        return self.queue.place(self.config.queue.order, QueueEntry(self.conversation.id, since, priority))


def queue_key(order: QueueOrder, since: datetime, priority: Priority) -> SortKey:
    """Return what waiting customers are sorted by: by priority then time, or strictly by time [R42]."""
    return (priority.rank if order is QueueOrder.PRIORITY else 0, since)
