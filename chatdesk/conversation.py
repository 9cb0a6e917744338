"""The conversation: who speaks, what was said, who may see it, and where the dialogue stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NewType

from msgspec import Struct

from chatdesk.ticket import TicketNumber

ConversationId = NewType("ConversationId", str)

ASIDE = "affects:"
"""What the visitor's name begins with where somebody comments whom the ticket affects [R33]."""


class Visibility(StrEnum):
    """Who may read a message: everyone in the conversation, or staff only [R38]."""

    PUBLIC = "public"
    INTERNAL = "internal"


class AuthorKind(StrEnum):
    """Which side of the conversation speaks."""

    CUSTOMER = "customer"
    AGENT = "agent"
    DESK = "desk"


class Author(Struct, frozen=True, cache_hash=True):
    """Who wrote something. ``id`` is an agent's id, or a visitor's key for a customer."""

    kind: AuthorKind
    id: str
    name: str


class Agent(Struct, frozen=True):
    """A technician as events name them."""

    id: str
    name: str

    @property
    def author(self) -> Author:
        """The technician as a message's author."""
        return Author(AuthorKind.AGENT, self.id, self.name)


class FileRef(Struct, frozen=True):
    """A file of a message. ``size`` is in bytes; the bytes are read with the same rights as the message."""

    id: str
    name: str
    media_type: str
    size: int


class Message(Struct, frozen=True):
    """One message. Within its conversation it is known by ``seq``; numbers rise, gaps are normal.

    ``changed`` is the sequence number of the latest edit or deletion, or ``seq`` itself.
    """

    conversation: ConversationId
    seq: int
    author: Author
    visibility: Visibility
    text: str
    at: datetime
    files: tuple[FileRef, ...] = ()
    changed: int = 0
    edited_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def is_answer(self) -> bool:
        """Whether it is a technician's word to the customer: only that answers and keeps a promise [R44]."""
        return self.author.kind is AuthorKind.AGENT and self.visibility is Visibility.PUBLIC

    @property
    def is_of_the_desk(self) -> bool:
        """Whether it is a word of a technician, or of the desk itself, to the customer."""
        return self.author.kind is not AuthorKind.CUSTOMER and self.visibility is Visibility.PUBLIC


class Revision(Struct, frozen=True):
    """What a message said before an edit or a deletion; ``changed`` is the sequence number of the change."""

    conversation: ConversationId
    seq: int
    changed: int
    by: Author
    at: datetime
    before: str
    deleted: bool


class Surveying(Struct, frozen=True):
    """The survey is not answered yet; nothing is stored."""


class Waiting(Struct, frozen=True):
    """In the queue for a technician since ``since``; given up at ``until`` [R24, R25]."""

    since: datetime
    until: datetime


class Live(Struct, frozen=True):
    """A technician and the customer talk. ``agents`` are ids, the one who took it first."""

    agents: tuple[str, ...]


class Ticketed(Struct, frozen=True):
    """No chat now; a technician will make contact by ``promised_at`` [R25, R27].

    ``earliest`` says that it was promised as the desk's next opening: contact comes from then on, not before.

    ``waiting_since`` is set where the customer was told to keep waiting if they like; it keeps their place
    in the queue for when they write again.
    """

    promised_at: datetime | None = None
    earliest: bool = False
    waiting_since: datetime | None = None

    @property
    def may_wait(self) -> bool:
        """Whether who takes the ticket finds the customer in the chat, waiting."""
        return self.waiting_since is not None


class Ended(Struct, frozen=True):
    """The dialogue is over; the customer's next message opens it again [R17]."""

    at: datetime


DialogueState = Surveying | Waiting | Live | Ticketed | Ended
_OPEN = (Live, Waiting)


class Receipts(Struct, frozen=True):
    """Up to which sequence number each side has got and read the conversation."""

    customer_delivered: int = 0
    customer_seen: int = 0
    staff_delivered: int = 0
    staff_seen: int = 0

    def advanced(self, customer: bool, delivered: int, seen: int) -> Receipts:
        """Return the receipts moved forward; they never move back. ``customer`` names the side."""
        delivered = max(delivered, seen)
        if customer:
            return Receipts(
                max(self.customer_delivered, delivered),
                max(self.customer_seen, seen),
                self.staff_delivered,
                self.staff_seen,
            )
        return Receipts(
            self.customer_delivered,
            self.customer_seen,
            max(self.staff_delivered, delivered),
            max(self.staff_seen, seen),
        )


class Conversation(Struct, frozen=True):
    """A chat, a mail thread or a call; from its survey on it belongs to one ticket.

    ``visitor`` is the hash of the browser's secret (or the channel's own name for the person); only its
    holder may speak as the customer. ``opened_with`` is the ticket it was opened with where a merge has given
    it to another: the requester of that one is the customer here [R20]. ``last_seq`` is the highest sequence
    number given out.
    ``version`` counts the writes and settles conflicts between writers.
    """

    id: ConversationId
    channel: str
    visitor: str
    customer_name: str
    widget: str
    company_id: str
    ticket: TicketNumber | None
    flow: str
    flow_version: int
    state: DialogueState
    opened_at: datetime
    changed_at: datetime
    last_seq: int = 0
    receipts: Receipts = Receipts()
    rating: int | None = None
    opened_with: TicketNumber | None = None
    version: int = 0

    @property
    def is_open(self) -> bool:
        """Whether somebody waits or talks in it now."""
        return isinstance(self.state, _OPEN)

    @property
    def is_aside(self) -> bool:
        """Whether it holds the comments of somebody whom the ticket affects: nobody is answered there."""
        return self.visitor.startswith(ASIDE)


def promised_in(conversation: Conversation) -> datetime | None:
    """Return what its dialogue has promised the customer last, as long as nobody talks or waits in it."""
    state = conversation.state
    return state.promised_at if type(state) is Ticketed else None


def latest_of(conversations: Sequence[Conversation]) -> Conversation | None:
    """Return the latest of a ticket's conversations, oldest first, in which its customer speaks.

    Only where there is no such one it is that of somebody whom the ticket affects; None where there is none.
    """
    others = (one for one in reversed(conversations) if not one.is_aside)
    return next(others, conversations[-1] if conversations else None)


def speaking_in(conversations: Sequence[Conversation]) -> Conversation | None:
    """Return the one of a ticket's conversations, oldest first, in which the customer is spoken to.

    An open one, else the latest; None for a ticket without any.
    """
    return next((one for one in conversations if one.is_open), latest_of(conversations))
