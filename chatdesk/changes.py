"""What one commit changed: written by the store as a whole, then told to live listeners."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from chatdesk.affected import AffectedChange
from chatdesk.conversation import Author, Conversation, ConversationId, Message, Revision
from chatdesk.events import AnyEvent, Outcome
from chatdesk.outbox import Delivery
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Ticket, TicketNumber, TicketStatus

OPENED, OUTSIDE_HOURS = "opened", "outside business hours"
"""What the history says of a new ticket, and the reason it gives for one that was opened after hours."""
MERGED_IN = "merged in"
"""What the history calls that another ticket became part of this one."""
PROMISE_BROUGHT = "promise brought along"
"""What the history calls that somebody merged into this ticket still waits for what they were promised."""
NOW_AFFECTED, AFFECTED_NO_LONGER = "affected person added", "affected person removed"
"""What the history calls that staff said whom the ticket affects, and whom no longer."""
TRANSCRIPT_SENT = "transcript sent"
"""What the history calls a transcript that left the desk."""


class HistoryEntry(Struct, frozen=True):
    """One line of a ticket's history: who did what, when and why; the states if it moved."""

    ticket: TicketNumber
    at: datetime
    by: Author
    what: str
    why: str = ""
    before: TicketStatus | None = None
    after: TicketStatus | None = None


class Rating(Struct, frozen=True):
    """A customer's rating of a conversation, 1 to 5."""

    conversation: ConversationId
    score: int
    comment: str
    at: datetime

    @property
    def words(self) -> str:
        """The rating as staff read it: "4 of 5", with the comment if there is one."""
        score = f"{self.score} of 5"
        return f"{score}: {self.comment}" if self.comment.strip() else score


class SetAside(Struct, frozen=True):
    """An event that could not be worked on, kept with the reason for staff to see."""

    event: AnyEvent
    reason: str
    at: datetime


class Changes(Struct):
    """Everything one batch writes. Conversations and tickets hold their new versions, by key.

    A conversation or ticket with version 1 is new. ``revised`` holds edited and deleted messages, by
    conversation and sequence number, also those posted by the same batch. ``affected`` holds whom tickets
    affect where that has changed. ``announced`` are the tickets
    staff must be told of. ``queue`` holds who waits now, and None for who does no longer. ``recovered`` says
    that events of the batch had been committed by an attempt whose answer was lost, so that nobody was told.
    """

    conversations: dict[ConversationId, Conversation] = field(default_factory=dict)
    tickets: dict[TicketNumber, Ticket] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    revised: dict[tuple[ConversationId, int], Message] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    history: list[HistoryEntry] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)
    received: list[tuple[str, Outcome]] = field(default_factory=list)
    affected: dict[TicketNumber, AffectedChange] = field(default_factory=dict)
    announced: dict[TicketNumber, str] = field(default_factory=dict)
    queue: dict[ConversationId, QueueEntry | None] = field(default_factory=dict)
    queue_changed: bool = False
    numbers_used: int = 0
    recovered: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write: receipts that say nothing new, or refusals only."""
        return not (self.received or self.conversations)
