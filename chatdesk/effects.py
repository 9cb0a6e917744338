"""Decisions out: what must follow from an event. Flows make them; the desk carries them out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from chatdesk.affected import AffectedPerson
from chatdesk.conversation import Author, Conversation, ConversationId, DialogueState, FileRef, Visibility
from chatdesk.ticket import Ticket, TicketNumber, TicketStatus


class MailKind(StrEnum):
    """Why a mail goes to the requester; a question is about a mail that has no ticket yet [R30].

    A code goes to whoever wants to go on with a ticket in the chat [R19].
    """

    OPENED = "opened"
    COMMENT = "comment"
    STATUS = "status"
    TRANSCRIPT = "transcript"
    QUESTION = "question"
    CODE = "code"


class OpenTicket(Struct, frozen=True):
    """Write a new ticket; its number was handed to the flow by the situation [R13]."""

    ticket: Ticket


class Post(Struct, frozen=True):
    """Append a person's or the desk's message to the conversation."""

    author: Author
    text: str
    visibility: Visibility = Visibility.PUBLIC
    files: tuple[FileRef, ...] = ()


class Revise(Struct, frozen=True):
    """Change or (with ``text`` None) delete the message ``seq``, keeping what was there before."""

    seq: int
    by: Author
    text: str | None


class Record(Struct, frozen=True):
    """Add an entry to the ticket's history: who did what, and why; ``before`` and ``after`` if it moved."""

    what: str
    by: Author
    why: str = ""
    before: TicketStatus | None = None
    after: TicketStatus | None = None


class MailRequester(Struct, frozen=True):
    """Queue a mail to the requester [R14, R15]. ``text`` is the news, in the desk's words.

    ``conversation`` is the one whose customer is written to, None for the one at hand. ``quotes`` is what the
    news repeat of a message said there in the same step, which is mailed as that reads then; "" for nothing.
    """

    kind: MailKind
    text: str
    conversation: ConversationId | None = None
    quotes: str = ""


class MailCode(Struct, frozen=True):
    """Queue the mail with a code for the chat to the address of the ticket ``number`` [R19]."""

    number: TicketNumber
    address: str
    code: str


class Announce(Struct, frozen=True):
    """Tell all staff that a ticket is new or needs somebody [R35]."""

    reason: str


class StartTimer(Struct, frozen=True):
    """Come back as TimerFired(name, due) at ``due``; a flow ignores a timer it no longer waits for.

    The timer belongs to the ticket when ``of_ticket``, otherwise to the conversation.
    """

    name: str
    due: datetime
    of_ticket: bool = False


class MoveConversations(Struct, frozen=True):
    """Give all of the ticket's conversations to ticket ``to`` [R20].

    ``promised`` is the earliest of what the ticket's people still wait for (UTC), which ``to`` owes then.
    """

    to: TicketNumber
    by: Author
    promised: datetime | None = None


class SplitOff(Struct, frozen=True):
    """Write ``ticket`` with a conversation of its own that copies ``messages`` of the present one [R20].

    ``news`` is what its requester is mailed of it [R14].
    """

    ticket: Ticket
    source: Conversation
    messages: tuple[int, ...]
    news: str


class Affect(Struct, frozen=True):
    """Keep whom the ticket affects besides its requester [R33]: all of them, in the order they were named."""

    people: tuple[AffectedPerson, ...]


class Rate(Struct, frozen=True):
    """Keep the customer's rating of the conversation, 1 to 5."""

    score: int
    comment: str


Effect = (
    OpenTicket
    | Post
    | Revise
    | Record
    | MailRequester
    | MailCode
    | Announce
    | StartTimer
    | MoveConversations
    | SplitOff
    | Affect
    | Rate
)


class Decision(Struct, frozen=True):
    """What a conversation's flow decided: the dialogue's next state, and what follows."""

    state: DialogueState
    effects: tuple[Effect, ...] = ()


class TicketDecision(Struct, frozen=True):
    """What the ticket's flow decided: the ticket as it is now, and what follows."""

    ticket: Ticket
    effects: tuple[Effect, ...] = field(default=())
