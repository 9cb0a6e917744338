"""Facts in: what happened, in the past tense. Adapters make them; Desk.receive takes them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from chatdesk.conversation import Agent, Author, ConversationId, FileRef, Visibility
from chatdesk.sender import Standing, commenter_of, visitor_of
from chatdesk.ticket import Priority, TicketNumber, TicketType, Trigger


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened at ``at`` (aware, UTC) on ``channel``.

    ``external_id`` names the happening within its channel: a second event with the same pair is known
    as a repetition and answered with the first one's outcome.
    """

    at: datetime
    channel: str
    external_id: str

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("an event needs an aware time")

    @property
    def key(self) -> str:
        """What the event is known by for good: channel and external id."""
        return f"{self.channel}:{self.external_id}"


class ConversationEvent(Event, frozen=True, kw_only=True):
    """Something that happened in a conversation."""

    conversation: ConversationId


class TicketEvent(Event, frozen=True, kw_only=True):
    """Something staff did to a ticket."""

    ticket: TicketNumber
    agent: Agent


class SurveySubmitted(ConversationEvent, frozen=True, kw_only=True):
    """A customer sent the survey; ``live`` asks for a chat, otherwise for a ticket only [R1, R2].

    ``answers`` are checked against the desk's survey by the flow. ``company`` is the id of the client
    company that the way in itself tells, "" when it tells none; ``computer`` is the name of the managed
    computer whose icon opened the desk [R6], checked by the adapter, "" when there is none. ``files`` are
    shown with their own words. ``vouched`` are the answers that the company's own site has signed, checked by
    the adapter [threat 2]: they stand above what the page sent, and () means that nobody vouches.
    """

    visitor: str
    widget: str
    answers: tuple[tuple[str, str], ...]
    live: bool = True
    company: str = ""
    computer: str = ""
    files: tuple[FileRef, ...] = ()
    vouched: tuple[tuple[str, str], ...] = ()


class CustomerMessaged(ConversationEvent, frozen=True, kw_only=True):
    """The customer wrote."""

    visitor: str
    text: str
    files: tuple[FileRef, ...] = ()


class CustomerLeft(ConversationEvent, frozen=True, kw_only=True):
    """A waiting customer leaves the queue and keeps the ticket [R24]."""

    visitor: str


class CustomerEnded(ConversationEvent, frozen=True, kw_only=True):
    """The customer ended the chat; ``solved`` says that the matter is done."""

    visitor: str
    solved: bool = False


class CustomerRated(ConversationEvent, frozen=True, kw_only=True):
    """The customer rated the chat from 1 (bad) to 5 (good)."""

    visitor: str
    score: int
    comment: str = ""


class ReceiptReported(ConversationEvent, frozen=True, kw_only=True):
    """A side has got the conversation up to ``delivered`` and read it up to ``seen``."""

    by: Author
    delivered: int
    seen: int


class MessageEdited(ConversationEvent, frozen=True, kw_only=True):
    """The author of message ``seq`` changed its text."""

    by: Author
    seq: int
    text: str


class MessageDeleted(ConversationEvent, frozen=True, kw_only=True):
    """The author of message ``seq`` took it back."""

    by: Author
    seq: int


class AgentMessaged(ConversationEvent, frozen=True, kw_only=True):
    """A technician wrote to the customer, or an internal note [R37, R38]."""

    agent: Agent
    text: str
    files: tuple[FileRef, ...] = ()
    visibility: Visibility = Visibility.PUBLIC


class AgentJoined(ConversationEvent, frozen=True, kw_only=True):
    """A further technician joined a live chat."""

    agent: Agent


class AgentEnded(ConversationEvent, frozen=True, kw_only=True):
    """A technician ended the chat; the ticket stays as it is."""

    agent: Agent


class CallLogged(ConversationEvent, frozen=True, kw_only=True):
    """A technician logged a call, or a request sent to them directly, as a ticket [R5, R9]."""

    agent: Agent
    answers: tuple[tuple[str, str], ...]


class TranscriptSent(ConversationEvent, frozen=True, kw_only=True):
    """A transcript left the desk: downloaded or mailed, by whom and in which version."""

    by: Author
    to: str
    format: str
    internal: bool


class MailReceived(ConversationEvent, frozen=True, kw_only=True):
    """A mail came that opens a ticket, or staff placed one that was held [R3, R30].

    ``company`` is a name, "" when nobody knows. ``linked_to`` is the ticket that the mail meant but whose
    sender takes no part in it. ``acknowledge`` asks for the first mail [R14]; caps may forbid it.
    """

    sender: str
    name: str
    subject: str
    text: str
    company: str = ""
    phone: str = ""
    files: tuple[FileRef, ...] = ()
    standing: Standing = Standing.UNVERIFIED
    linked_to: TicketNumber | None = None
    acknowledge: bool = True
    placed_by: Agent | None = None

    @property
    def visitor(self) -> str:
        """Who speaks, as the conversation names them."""
        return visitor_of(self.sender)


class WrittenToTicket(ConversationEvent, frozen=True, kw_only=True):
    """Somebody known by their address did something to ``ticket``, in a conversation of their own there.

    ``opened_with`` is the merged ticket by which they know it, if the way in tells [R20].
    """

    ticket: TicketNumber
    sender: str
    name: str
    opened_with: TicketNumber | None = None

    @property
    def visitor(self) -> str:
        """Who speaks, as the conversation names them."""
        return visitor_of(self.sender)

    @property
    def admitted(self) -> bool:
        """Whether the way in has shown that they may; if not they have to take part in the ticket already."""
        return True


class MailReplied(WrittenToTicket, frozen=True, kw_only=True):
    """A mail came that belongs to ``ticket`` [R16].

    ``by_token`` says that it carried the ticket's unguessable token; without it the sender has to take part
    in the ticket already. ``reopens`` is False when the ticket was re-opened by mail too often.
    """

    text: str
    files: tuple[FileRef, ...] = ()
    standing: Standing = Standing.UNVERIFIED
    by_token: bool = False
    reopens: bool = True

    @property
    def admitted(self) -> bool:
        """Whether it carried the token."""
        return self.by_token


class CodeRequested(ConversationEvent, frozen=True, kw_only=True):
    """Somebody in the chat wants to go on with a ticket; they named its number and requester's address [R19].

    The adapter has compared them; ``conversation`` is any of the ticket's. ``number`` is the one that was
    named, which may have been merged; ``code`` is to be mailed to ``address``, the requester's own.
    """

    number: TicketNumber
    address: str
    code: str


class ChatContinued(WrittenToTicket, frozen=True, kw_only=True):
    """Who had a code mailed to the ticket's address goes on with it in the chat of their browser [R19].

    ``browser`` is the hash of the browser's secret, ``sender`` the address. ``conversation`` is a new one.
    """

    browser: str
    widget: str

    @property
    def visitor(self) -> str:
        """Who speaks: whoever holds the browser's secret."""
        return self.browser


class PortalCommented(WrittenToTicket, frozen=True, kw_only=True):
    """A signed-in customer commented on a ticket in the portal; one that was done opens again [R17, R33].

    With ``affected`` somebody sees the ticket only because it affects them, and nothing more follows.
    """

    text: str
    files: tuple[FileRef, ...] = ()
    affected: bool = False

    @property
    def visitor(self) -> str:
        """Who speaks, as the conversation names them."""
        return commenter_of(self.sender) if self.affected else visitor_of(self.sender)


class PortalSolved(WrittenToTicket, frozen=True, kw_only=True):
    """A signed-in customer says that the matter is done [R33]."""


class PortalPrioritised(WrittenToTicket, frozen=True, kw_only=True):
    """A signed-in customer changed the ticket's priority, where the desk lets them [R33]."""

    priority: Priority


class TimerFired(Event, frozen=True, kw_only=True):
    """A timer that a flow had set came due; ``due`` is the time it was set for."""

    name: str
    due: datetime
    conversation: ConversationId | None = None
    ticket: TicketNumber | None = None


class TicketTaken(TicketEvent, frozen=True, kw_only=True):
    """A technician took the ticket and is its assignee [R36]."""


class TicketAssigned(TicketEvent, frozen=True, kw_only=True):
    """Somebody on the staff gave the ticket to ``assignee``: dispatch, hand over, escalation [R37]."""

    assignee: Agent
    reason: str = ""


class TicketEscalated(TicketEvent, frozen=True, kw_only=True):
    """A technician gave the ticket to a tier of technicians, named by its id [R37].

    What the desk does by itself near a target is another matter [flows.escalation].
    """

    tier: str
    reason: str


class TicketPaused(TicketEvent, frozen=True, kw_only=True):
    """Work waits: for the customer (with a question), a vendor or a date.

    ``trigger`` is ASK_CUSTOMER, WAIT_FOR_VENDOR or SCHEDULE; the last two need ``until``.
    """

    trigger: Trigger
    text: str = ""
    until: datetime | None = None


class TicketResumed(TicketEvent, frozen=True, kw_only=True):
    """Work goes on before the date or the answer came."""


class TicketResolved(TicketEvent, frozen=True, kw_only=True):
    """The work is done; ``resolution`` is what the customer reads."""

    resolution: str


class TicketReopened(TicketEvent, frozen=True, kw_only=True):
    """A technician opened a resolved or closed ticket again."""

    reason: str = ""


class TicketCancelled(TicketEvent, frozen=True, kw_only=True):
    """A dispatcher cancelled a new ticket."""

    reason: str


class TicketMerged(TicketEvent, frozen=True, kw_only=True):
    """The ticket turned out to be a duplicate of ``into`` [R20].

    ``other_company`` says that staff have confirmed it although the two are of different companies.
    """

    into: TicketNumber
    other_company: bool = False


class TicketSplit(TicketEvent, frozen=True, kw_only=True):
    """An unrelated matter became a ticket of its own [R20]; ``messages`` are copied into it."""

    conversation: ConversationId
    messages: tuple[int, ...]
    subject: str


class TicketEdited(TicketEvent, frozen=True, kw_only=True):
    """Staff changed what the ticket says of itself; None leaves a field as it is [R39, R40].

    ``unneeded`` takes away the date by which it was needed.
    """

    priority: Priority | None = None
    type: TicketType | None = None
    subject: str | None = None
    workaround: str | None = None
    needed_by: datetime | None = None
    unneeded: bool = False
    reason: str = ""


class TicketAffects(TicketEvent, frozen=True, kw_only=True):
    """Staff said that the ticket affects somebody, or, ``affected`` False, that it does no longer [R33]."""

    address: str
    name: str = ""
    affected: bool = True


AnyEvent = ConversationEvent | TicketEvent | TimerFired


class Outcome(Struct, frozen=True):
    """What became of an event, told to its sender after the commit.

    ``seq`` is the highest sequence number its conversation had then; ``repeated`` marks an event that
    had been received before.
    """

    conversation: ConversationId | None
    seq: int
    ticket: TicketNumber | None
    repeated: bool = False
