"""What a report reads: rows of its period, some at a time, however many tickets the desk has had before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from chatdesk.changes import HistoryEntry
from chatdesk.conversation import Author, ConversationId
from chatdesk.ticket import Ticket, TicketNumber


class From(Struct, frozen=True):
    """Where something came from: the company's id, "" where no way in told it, and the name as typed."""

    company_id: str
    company: str


class DeskWord(Struct, frozen=True):
    """A public message of the desk itself."""

    at: datetime
    text: str


class OpenedTicket(Struct, frozen=True):
    """A ticket as it is now.

    ``history`` is its own, oldest first. ``words`` are what the desk said in the conversation that it was
    opened by, oldest first, where that can be a chat; ``waits`` tells that its customer waits there now.
    ``answered_by`` is the technician who wrote the first response, None where that was no message.
    """

    ticket: Ticket
    origin: From
    history: tuple[HistoryEntry, ...] = ()
    words: tuple[DeskWord, ...] = ()
    waits: bool = False
    answered_by: Author | None = None


class EndMoved(Struct, frozen=True):
    """An entry of a ticket's history by which it was over or was opened again."""

    entry: HistoryEntry
    origin: From


class MovedLater(Struct, frozen=True):
    """That a ticket was over or was opened again later; ``was_open`` tells what it was until then."""

    number: TicketNumber
    was_open: bool
    origin: From


class OpenTicketNow(Struct, frozen=True):
    """A ticket that is open now."""

    number: TicketNumber
    opened_at: datetime
    origin: From


class RatingGiven(Struct, frozen=True):
    """A customer's rating of a conversation, 1 to 5."""

    conversation: ConversationId
    score: int
    origin: From


class ReportReads(Protocol):
    """Reads what a report counts. Moments are aware; what is yielded is a page."""

    def opened(self, begins: datetime, ends: datetime) -> AsyncIterator[Sequence[OpenedTicket]]:
        """Yield the tickets opened from ``begins`` on and before ``ends``, oldest first."""

    def ends_moved(self, begins: datetime, ends: datetime) -> AsyncIterator[Sequence[EndMoved]]:
        """Yield by what tickets were over or opened again, from ``begins`` on and before ``ends``."""

    def moved_later(self, ends: datetime) -> AsyncIterator[Sequence[MovedLater]]:
        """Yield what became later of tickets opened before ``ends``, oldest first; a page may be empty."""

    def open_now(self) -> AsyncIterator[Sequence[OpenTicketNow]]:
        """Yield every ticket that is open, in no order."""

    def ratings(self, begins: datetime, ends: datetime) -> AsyncIterator[Sequence[RatingGiven]]:
        """Yield the ratings given from ``begins`` on and before ``ends``, oldest first."""
