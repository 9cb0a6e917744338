"""What the core asks of the outside: the clock, the store, the flows and the channels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from chatdesk.affected import AffectedPerson
from chatdesk.changes import Changes, HistoryEntry, SetAside
from chatdesk.conversation import Conversation, ConversationId, DialogueState, Message
from chatdesk.effects import Decision, TicketDecision
from chatdesk.events import AnyEvent, Outcome
from chatdesk.outbox import Delivery, DeliveryResult
from chatdesk.situation import Situation
from chatdesk.ticket import Ticket, TicketNumber
from chatdesk.waiting_line import WaitingLine

Clock = Callable[[], datetime]
"""Returns the present moment, aware and in UTC."""

NewId = Callable[[], str]
"""Returns a fresh unguessable id of 24 characters, 0 to 9 and a to v."""

ConversationFlow = Callable[[DialogueState, AnyEvent, Situation], Decision]
"""A dialogue: pure; raises EventRefused for what cannot be done."""

TicketFlow = Callable[[Ticket, AnyEvent, Situation], TicketDecision]
"""The work on a ticket: pure; raises EventRefused for what cannot be done."""


class StoreBatch(Protocol):
    """One open transaction of the store; everything read in it holds until it is committed."""

    async def received(
        self, keys: Collection[str], about: Collection[ConversationId] = ()
    ) -> Mapping[str, Outcome]:
        """Return the outcomes of those event keys that were received before.

        ``about`` are the conversations that will be asked for next: a store may read them along.
        """

    async def conversations(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        """Return the conversations that exist, by id."""

    async def begun(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        """Return those of these conversations, which are about to begin, that exist already.

        A store that answers from memory may leave out some; ``write`` raises ConcurrentChange then.
        """

    async def conversations_of(self, tickets: Collection[TicketNumber]) -> Sequence[Conversation]:
        """Return every conversation of these tickets, oldest first."""

    async def seen_of(self, tickets: Collection[TicketNumber]) -> Sequence[Conversation]:
        """Return every conversation of these tickets to look at: others may change it meanwhile."""

    async def open_conversations(self, visitors: Collection[tuple[str, str]]) -> Sequence[Conversation]:
        """Return the waiting and live conversations of these (visitor, widget) pairs."""

    async def tickets(self, numbers: Collection[TicketNumber]) -> Mapping[TicketNumber, Ticket]:
        """Return the tickets that exist, by number."""

    async def messages(self, wanted: Iterable[tuple[ConversationId, int]]) -> Sequence[Message]:
        """Return the messages known by conversation and sequence number that exist."""

    async def said(self, conversations: Collection[ConversationId]) -> Sequence[Message]:
        """Return the public messages of technicians and of the desk in these conversations, in no order."""

    async def history(self, tickets: Collection[TicketNumber]) -> Sequence[HistoryEntry]:
        """Return the history of these tickets, oldest entry first."""

    async def affected(self, tickets: Collection[TicketNumber]) -> Sequence[AffectedPerson]:
        """Return whom these tickets affect, in the order they were named."""

    async def line(self) -> WaitingLine:
        """Return the line of all waiting customers, which the steps of the batch may change."""

    async def next_number(self) -> TicketNumber:
        """Return the number the next ticket gets; no other transaction can get it while this one is open."""

    async def write(self, changes: Changes) -> None:
        """Write all of it. Raises ConcurrentChange when a version is not the one expected."""


class Store(Protocol):
    """Where the desk's record is kept."""

    @property
    def works_elsewhere(self) -> bool:
        """Tell whether its work is another process's, so that the desk is free meanwhile."""

    def batch(self, *, remembered: bool = False) -> AbstractAsyncContextManager[StoreBatch]:
        """Open a transaction; it is committed when the block ends and undone when it raises.

        With ``remembered`` the store may answer from memory and look at the database only when it
        writes: ``received`` may know of nothing then, reads may raise NotRemembered, and ``write``
        raises ConcurrentChange when an event was received before or what was remembered is outdated.

        Raises StorageError when the database cannot take it; nothing was written then.
        """

    async def set_aside(self, item: SetAside) -> None:
        """Keep an event that could not be worked on."""


class Outbox(Protocol):
    """The relay's side of the store."""

    async def lease(self, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        """Return due deliveries, at most one a lane and target, oldest first, held until ``until``.

        A delivery whose lease ran out is leased again, marked ``uncertain``.
        """

    async def finish(self, results: Sequence[DeliveryResult], now: datetime) -> None:
        """Write down what became of leased deliveries.

        A result is ignored when its delivery was leased again meanwhile: the later attempt decides.
        """

    async def renew(self, deliveries: Sequence[Delivery], until: datetime) -> Collection[str]:
        """Hold these attempts until ``until``; return the ids of those that are still held.

        What has ended, or was leased again meanwhile, is held no more: the later attempt decides.
        """

    async def next_due(self) -> datetime | None:
        """Return when the next delivery is due or its lease runs out; None when there is none."""


class Channel(Protocol):
    """A way out: something that can carry deliveries to people."""

    @property
    def name(self) -> str:
        """The target that deliveries name."""

    async def send(self, delivery: Delivery) -> str:
        """Send it and return the other side's id for it.

        Raises DeliveryDelayed (did not happen, try again), DeliveryRefused (never will) or
        DeliveryUnknown (cannot be told). Any other exception counts as unknown.
        """

    async def find(self, delivery: Delivery) -> str | None:
        """Look whether a delivery whose outcome is unknown arrived: its id there, or None if it did not.

        Raises DeliveryUnknown where the other side cannot tell.
        """


@runtime_checkable
class Patient(Protocol):
    """A channel whose calls may take longer than a lease, which is renewed meanwhile; others' are cut off."""

    @property
    def patience(self) -> timedelta:
        """How long one ``send`` may take."""


@runtime_checkable
class Interruptible(Protocol):
    """A channel that knows up to which point nothing can have arrived of what it sends."""

    def break_off(self) -> None:
        """Break off what cannot have arrived yet, and begin nothing any more: the desk is stopping.

        Each ``send`` that is broken off, and each one after that, raises DeliveryWaits; the others go on.
        """
