"""Decisions out: what must follow from an event. Flows make them; the desk carries them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chatdesk.conversation import Author, Conversation, DialogueState, FileRef, Visibility
from chatdesk.ticket import Ticket, TicketNumber, TicketStatus


class MailKind(StrEnum):
    """Why a mail goes to the requester; a question is about a mail that has no ticket yet [R30]."""

    OPENED = "opened"
    COMMENT = "comment"
    STATUS = "status"
    TRANSCRIPT = "transcript"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """Write a new ticket; its number was handed to the flow by the situation [R13]."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Post:
    """Append a person's or the desk's message to the conversation."""

    author: Author
    text: str
    visibility: Visibility = Visibility.PUBLIC
    files: tuple[FileRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Revise:
    """Change or (with ``text`` None) delete the message ``seq``, keeping what was there before."""

    seq: int
    by: Author
    text: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """Add an entry to the ticket's history: who did what, and why; ``before`` and ``after`` if it moved."""

    what: str
    by: Author
    why: str = ""
    before: TicketStatus | None = None
    after: TicketStatus | None = None


@dataclass(frozen=True, slots=True)
class MailRequester:
    """Queue a mail to the ticket's requester [R14, R15]. ``text`` is the news, in the desk's words."""

    kind: MailKind
    text: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell all staff that a ticket is new or needs somebody [R35]."""

    reason: str


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Come back as TimerFired(name, due) at ``due``; a flow ignores a timer it no longer waits for.

    The timer belongs to the ticket when ``of_ticket``, otherwise to the conversation.
    """

    name: str
    due: datetime
    of_ticket: bool = False


@dataclass(frozen=True, slots=True)
class MoveConversations:
    """Give all of the ticket's conversations to ticket ``to`` [R20]."""

    to: TicketNumber
    by: Author


@dataclass(frozen=True, slots=True)
class SplitOff:
    """Write ``ticket`` with a conversation of its own that copies ``messages`` of the present one [R20]."""

    ticket: Ticket
    source: Conversation
    messages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """Keep the customer's rating of the conversation, 1 to 5."""

    score: int
    comment: str


Effect = (
    OpenTicket
    | Post
    | Revise
    | Record
    | MailRequester
    | Announce
    | StartTimer
    | MoveConversations
    | SplitOff
    | Rate
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a conversation's flow decided: the dialogue's next state, and what follows."""

    state: DialogueState
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketDecision:
    """What the ticket's flow decided: the ticket as it is now, and what follows."""

    ticket: Ticket
    effects: tuple[Effect, ...] = field(default=())
