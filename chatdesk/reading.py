"""What may be read, and by whom: a visitor sees their own conversations, staff see the desk.

People read tickets, conversations and messages through one of these two. Files have a door of their own
[chatdesk.files.Files], and so has mail that came [chatdesk.mail_room.MailRoom]. What the asker may not see
answers exactly as what does not exist [design: who may see what].
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from chatdesk.affected import AffectedPerson
from chatdesk.changes import HistoryEntry, Rating
from chatdesk.config import QueueOrder
from chatdesk.conversation import Conversation, ConversationId, Live, Message, Revision
from chatdesk.errors import NotFound
from chatdesk.merging import as_opened
from chatdesk.outbox import Delivery, DeliveryStatus
from chatdesk.search import Found
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Priority, Ticket, TicketNumber

MAX_MERGES = 20
"""Merges that are followed from one ticket."""


class TicketView(StrEnum):
    """The lists of the console."""

    QUEUE = "queue"
    MINE = "mine"
    ALL = "all"


class TicketFilter(Struct, frozen=True):
    """Which tickets a list shows. ``text`` is searched for in numbers and, by its words, in what they say.

    ``agent`` is the technician who has them; "mine" names one. ``tier`` is the id of a tier that they were
    escalated to [R37]. With ``unassigned`` those that nobody has, with ``overdue`` open ones whose clock runs
    and that were due before that moment.
    """

    view: TicketView = TicketView.QUEUE
    agent: str | None = None
    text: str = ""
    company: str = ""
    tier: str = ""
    priority: Priority | None = None
    unassigned: bool = False
    overdue: datetime | None = None

    def shows(self, ticket: Ticket) -> bool:
        """Tell whether an open ticket is one of those, by all but the text."""
        due = ticket.running_due_at
        return (
            self.agent in (None, ticket.assignee)
            and (not self.company or ticket.company == self.company)
            and (not self.tier or ticket.tier == self.tier)
            and self.priority in (None, ticket.priority)
            and (not self.unassigned or ticket.assignee is None)
            and (self.overdue is None or (due is not None and due < self.overdue))
        )


class Workload(Struct, frozen=True):
    """How many open tickets a technician has, and how many of them are overdue."""

    agent: str
    open: int
    overdue: int


class OpenTickets(Struct, frozen=True):
    """All open tickets at a glance: who has how many; and the companies of all tickets, in order."""

    workloads: tuple[Workload, ...]
    companies: tuple[str, ...]


class TicketLine(Struct, frozen=True):
    """One line of a list: the ticket, and the conversation that is worth a look, None for one without any.

    ``newest`` is its newest conversation where that is another one. In a search ``found`` is the text that
    was found, unless the ticket's subject has all the words.
    """

    ticket: Ticket
    conversation: Conversation | None
    found: Found | None = None
    newest: Conversation | None = None

    @classmethod
    def of(cls, ticket: Ticket, conversations: Sequence[Conversation]) -> TicketLine:
        """Return the line of a ticket with its conversations, oldest first.

        The one in which a technician talks comes first, then one in which the customer waits, then the
        newest: no mail or comment hides a chat that is live.
        """
        newest = conversations[-1] if conversations else None
        live = next((chat for chat in conversations if isinstance(chat.state, Live)), None)
        shown = live or next((chat for chat in conversations if chat.is_open), newest)
        return cls(ticket, shown, newest=None if newest is shown else newest)


class TicketPage(Struct, frozen=True):
    """One page of a list; ``next`` asks for the one after it, "" when there is none.

    ``cut`` tells that a search looked at the newest matches only, and older tickets may match too.
    """

    lines: tuple[TicketLine, ...]
    next: str
    cut: bool = False


class DeliveryNote(Struct, frozen=True):
    """What became of a delivery, for staff; ``error`` says why it failed, is unknown or was not sent.

    In a list of problems it stands also for ``others``: so many more mails were held back for the same
    mailbox, which had enough, or wait for the mail server as it does.
    """

    delivery: Delivery
    status: DeliveryStatus
    finished_at: datetime | None
    error: str
    others: int = 0

    @property
    def problem(self) -> str:
        """What is wrong, in a sentence or two."""
        waits = self.status is DeliveryStatus.PENDING
        error = f"{self.error} It is tried again for a day from its writing." if waits else self.error
        if not self.others:
            return error
        more = "one more mail" if self.others == 1 else f"{self.others:,} more mails"
        if waits:
            return f"{error} So it is with {more}."
        return f"{error} So it is with {more} to them; each can be sent again on its ticket."


class SetAsideNote(Struct, frozen=True):
    """An event that could not be worked on, as kept: its kind, key and content as JSON, and the reason."""

    kind: str
    key: str
    event: str
    reason: str
    at: datetime


class Problems(Struct, frozen=True):
    """What needs a person, newest first: deliveries that failed or are in doubt, events set aside.

    The mails held back for one mailbox are one of the deliveries, and those that wait long for their server.
    """

    deliveries: tuple[DeliveryNote, ...]
    set_aside: tuple[SetAsideNote, ...]


class TicketFile(Struct, frozen=True):
    """A whole ticket as staff see it: the only record of the work [R21]. Ratings are oldest first.

    ``origins`` are the tickets merged into it with which conversations of it were opened, ``affected`` the
    people whom it affects besides, in the order they were named.
    """

    ticket: Ticket
    conversations: tuple[Conversation, ...]
    messages: tuple[Message, ...]
    revisions: tuple[Revision, ...]
    history: tuple[HistoryEntry, ...]
    deliveries: tuple[DeliveryNote, ...]
    ratings: tuple[Rating, ...] = ()
    origins: tuple[Ticket, ...] = ()
    affected: tuple[AffectedPerson, ...] = ()

    def as_seen_in(self, conversation: Conversation) -> Ticket:
        """Return the ticket as the customer of one of its conversations may see it. Raises NotFound."""
        if conversation.opened_with is None:
            return self.ticket
        opened = next((one for one in self.origins if one.number == conversation.opened_with), None)
        if opened is None:
            raise NotFound("The ticket")
        return as_opened(self.ticket, opened)


class VisitorChat(Struct, frozen=True):
    """A visitor's conversation for their page, all of one moment.

    ``messages`` are as VisitorReads.messages returns them, ``answers`` those to the survey it was opened by.
    With ``omitted`` older ones may be missing: of a very long chat the newest are read.
    """

    conversation: Conversation
    messages: tuple[Message, ...]
    answers: tuple[tuple[str, str], ...]
    omitted: bool = False


class VisitorReads(Protocol):
    """What a browser may read, by the hash of its secret."""

    async def current(self, visitor: str, widget: str) -> Conversation | None:
        """Return the visitor's newest conversation on the widget."""

    async def own(self, visitor: str, conversation: ConversationId) -> Conversation | None:
        """Return the conversation if it is the visitor's."""

    async def messages(self, visitor: str, conversation: ConversationId, after: int) -> Sequence[Message]:
        """Return public messages that are new or changed after sequence number ``after``, oldest first."""

    async def chat(self, visitor: str, conversation: ConversationId, after: int) -> VisitorChat | None:
        """Return what a page shows of the conversation, if it is the visitor's; ``after`` as for messages."""

    async def ticket(self, visitor: str, conversation: ConversationId) -> Ticket | None:
        """Return the ticket of the visitor's own conversation, as they may see it."""


class StaffReads(Protocol):
    """What staff may read: everything of the desk."""

    async def conversation(self, identity: ConversationId) -> Conversation | None:
        """Return the conversation."""

    async def messages(self, conversation: ConversationId, after: int) -> Sequence[Message]:
        """Return all messages that are new or changed after sequence number ``after``, oldest first."""

    async def ticket(self, number: TicketNumber) -> Ticket | None:
        """Return the ticket."""

    async def affected(self, number: TicketNumber) -> Sequence[AffectedPerson]:
        """Return whom the ticket affects besides its requester, in the order they were named [R33]."""

    async def ticket_file(self, number: TicketNumber) -> TicketFile | None:
        """Return the whole ticket."""

    async def opening(
        self, number: TicketNumber, conversation: ConversationId
    ) -> tuple[Ticket, Conversation] | None:
        """Return the ticket and this one of its conversations, None when one of them is not there."""

    async def chat_file(self, number: TicketNumber, conversation: str = "") -> TicketFile | None:
        """Return the ticket with one of its conversations, the customer's newest if none is named.

        Messages and deliveries are left out. None when the ticket or the conversation is not there.
        """

    def message_pieces(self, conversation: ConversationId) -> AsyncIterator[Sequence[Message]]:
        """Yield all messages of a conversation in their order, some at a time."""

    async def tickets(self, wanted: TicketFilter, page: str = "", limit: int = 50) -> TicketPage:
        """Return one page of a list; what is open by due time, all and searches newest first.

        Tickets whose clock stands still come after those that are due, and those without a due time last.
        Where few of very many fit the filter, a page may have fewer lines than ``limit``, even none, and name
        another that goes on with older ones. Raises EventRefused for a ``page`` that no list has named.
        """

    async def count(self, wanted: TicketFilter, limit: int) -> int:
        """Return how many tickets the list has, but never more than ``limit``: counting stops there."""

    async def open_tickets(self, at: datetime) -> OpenTickets:
        """Return the open tickets at a glance, as at that moment; of very many it counts some only."""

    async def waiting(self) -> Sequence[QueueEntry]:
        """Return every waiting customer, in no order."""

    async def waiting_tickets(self, order: QueueOrder) -> Sequence[TicketLine]:
        """Return the chats in which customers wait, each with its ticket, in the queue's order.

        The chats of a merged ticket have a line each, with the ticket as that customer sees it.
        """

    async def problems(self, limit: int) -> Problems:
        """Return the newest ``limit`` of each kind of what needs a person."""


async def followed(reads: StaffReads, number: TicketNumber) -> Ticket | None:
    """Return the ticket, or the one that it has become part of by merges [R20]; None when it is not there."""
    ticket = await reads.ticket(number)
    for _ in range(MAX_MERGES):
        if ticket is None or ticket.merged_into is None:
            return ticket
        ticket = await reads.ticket(ticket.merged_into)
    return ticket
