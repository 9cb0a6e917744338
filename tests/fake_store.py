"""A Store and an Outbox in memory, as strict as the database about versions, keys and numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from chatdesk.affected import AffectedPerson
from chatdesk.changes import Changes, HistoryEntry, Rating, SetAside
from chatdesk.conversation import Conversation, ConversationId, Message, Revision, Waiting
from chatdesk.errors import ConcurrentChange
from chatdesk.events import Outcome
from chatdesk.outbox import Delivery, DeliveryResult, DeliveryStatus
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Ticket, TicketNumber
from chatdesk.waiting_line import WaitingLine

UNFINISHED = (DeliveryStatus.PENDING, DeliveryStatus.LEASED)


@dataclass
class StoredDelivery:
    """A delivery with how far it came; ``due_at`` of a leased one is its lease's end."""

    delivery: Delivery
    status: DeliveryStatus
    due_at: datetime
    result: DeliveryResult | None = None


@dataclass
class Record:
    """Everything kept."""

    conversations: dict[ConversationId, Conversation] = field(default_factory=dict)
    tickets: dict[TicketNumber, Ticket] = field(default_factory=dict)
    messages: dict[tuple[ConversationId, int], Message] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    history: list[HistoryEntry] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)
    received: dict[str, Outcome] = field(default_factory=dict)
    deliveries: list[StoredDelivery] = field(default_factory=list)
    affected: list[AffectedPerson] = field(default_factory=list)
    last_number: int = 1000


class FakeStore:
    """The store in memory.

    What ``fail_on_write`` holds the next writes raise, ``fail_after_commit`` when they have taken effect.
    """

    def __init__(self) -> None:
        self.works_elsewhere = False
        self.record = Record()
        self.items_set_aside: list[SetAside] = []
        self.fail_on_write: list[Exception] = []
        self.fail_after_commit: list[Exception] = []
        self.fail_on_set_aside: list[Exception] = []
        self.batches = 0

    @asynccontextmanager
    async def batch(self, *, remembered: bool = False) -> AsyncIterator[FakeBatch]:
        self.batches += 1
        before = deepcopy(self.record)
        try:
            yield FakeBatch(self)
        except BaseException:
            self.record = before
            raise
        if self.fail_after_commit:
            raise self.fail_after_commit.pop(0)

    async def set_aside(self, item: SetAside) -> None:
        if self.fail_on_set_aside:
            raise self.fail_on_set_aside.pop(0)
        self.items_set_aside.append(item)


class FakeBatch:
    """One open transaction on the record."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self._record = store.record

    async def received(
        self, keys: Collection[str], about: Collection[ConversationId] = ()
    ) -> Mapping[str, Outcome]:
        known = self._record.received
        return {key: replace(known[key], repeated=True) for key in keys if key in known}

    async def conversations(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        return {key: self._record.conversations[key] for key in ids if key in self._record.conversations}

    async def begun(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        return await self.conversations(ids)

    async def conversations_of(self, tickets: Collection[TicketNumber]) -> Sequence[Conversation]:
        found = [c for c in self._record.conversations.values() if c.ticket in tickets]
        return sorted(found, key=lambda c: c.opened_at)

    async def seen_of(self, tickets: Collection[TicketNumber]) -> Sequence[Conversation]:
        return await self.conversations_of(tickets)

    async def open_conversations(self, visitors: Collection[tuple[str, str]]) -> Sequence[Conversation]:
        everybody = self._record.conversations.values()
        return [c for c in everybody if c.is_open and (c.visitor, c.widget) in visitors]

    async def tickets(self, numbers: Collection[TicketNumber]) -> Mapping[TicketNumber, Ticket]:
        return {key: self._record.tickets[key] for key in numbers if key in self._record.tickets}

    async def messages(self, wanted: Iterable[tuple[ConversationId, int]]) -> Sequence[Message]:
        return [self._record.messages[key] for key in set(wanted) if key in self._record.messages]

    async def said(self, conversations: Collection[ConversationId]) -> Sequence[Message]:
        found = self._record.messages.values()
        return [m for m in found if m.conversation in conversations and m.is_of_the_desk]

    async def history(self, tickets: Collection[TicketNumber]) -> Sequence[HistoryEntry]:
        return [entry for entry in self._record.history if entry.ticket in tickets]

    async def affected(self, tickets: Collection[TicketNumber]) -> Sequence[AffectedPerson]:
        return [person for person in self._record.affected if person.ticket in tickets]

    async def line(self) -> WaitingLine:
        return WaitingLine(
            QueueEntry(c.id, c.state.since, self._record.tickets[c.ticket].priority)
            for c in self._record.conversations.values()
            if isinstance(c.state, Waiting) and c.ticket is not None
        )

    async def next_number(self) -> TicketNumber:
        return TicketNumber(self._record.last_number + 1)

    async def write(self, changes: Changes) -> None:
        if self._store.fail_on_write:
            raise self._store.fail_on_write.pop(0)
        record = self._record
        record.last_number += changes.numbers_used
        for number, ticket in changes.tickets.items():
            check_version(record.tickets.get(number), ticket)
            record.tickets[number] = ticket
        for identity, conversation in changes.conversations.items():
            check_version(record.conversations.get(identity), conversation)
            record.conversations[identity] = conversation
        self._check_one_chat_a_browser()
        for key, outcome in changes.received:
            if key in record.received:
                raise ConcurrentChange(key)
            record.received[key] = outcome
        for message in changes.messages:
            if (message.conversation, message.seq) in record.messages:
                raise ConcurrentChange(str(message.seq))
            record.messages[message.conversation, message.seq] = message
        record.messages.update(changes.revised)
        record.revisions += changes.revisions
        record.history += changes.history
        record.ratings += changes.ratings
        for change in changes.affected.values():
            gone = {(person.ticket, person.mailbox) for person in change.gone}
            record.affected = [p for p in record.affected if (p.ticket, p.mailbox) not in gone]
            record.affected += change.added
        record.deliveries += [StoredDelivery(d, DeliveryStatus.PENDING, d.due_at) for d in changes.deliveries]

    def _check_one_chat_a_browser(self) -> None:
        open_chats = [c for c in self._record.conversations.values() if c.is_open and c.visitor]
        if len({(c.visitor, c.widget) for c in open_chats}) != len(open_chats):
            raise ConcurrentChange("two open chats for one browser")


class FakeOutbox:
    """The relay's side of a FakeStore. ``failures`` are raised by the next calls."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.failures: list[Exception] = []
        self.leases = 0
        self.renewals = 0

    async def lease(self, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        self._maybe_fail()
        self.leases += 1
        due = [item for item in self._heads() if item.due_at <= now][:limit]
        leased = []
        for item in due:
            uncertain = item.status is DeliveryStatus.LEASED
            item.delivery = replace(item.delivery, attempts=item.delivery.attempts + 1, uncertain=uncertain)
            item.status, item.due_at = DeliveryStatus.LEASED, until
            leased.append(item.delivery)
        return leased

    async def finish(self, results: Sequence[DeliveryResult], now: datetime) -> None:
        self._maybe_fail()
        for result in results:
            for item in self._store.record.deliveries:
                held = item.status is DeliveryStatus.LEASED and item.delivery.attempts == result.attempt
                if item.delivery.id == result.id and held:
                    item.status, item.result = result.status, result
                    item.due_at = result.retry_at or now

    async def renew(self, deliveries: Sequence[Delivery], until: datetime) -> Collection[str]:
        self._maybe_fail()
        self.renewals += 1
        wanted = {(delivery.id, delivery.attempts) for delivery in deliveries}
        held = [
            item
            for item in self._store.record.deliveries
            if item.status is DeliveryStatus.LEASED and (item.delivery.id, item.delivery.attempts) in wanted
        ]
        for item in held:
            item.due_at = until
        return {item.delivery.id for item in held}

    async def next_due(self) -> datetime | None:
        self._maybe_fail()
        return min((item.due_at for item in self._heads()), default=None)

    def _heads(self) -> list[StoredDelivery]:
        heads: dict[tuple[str, str], StoredDelivery] = {}
        for item in self._store.record.deliveries:
            if item.status in UNFINISHED:
                heads.setdefault((item.delivery.lane, item.delivery.target), item)
        return list(heads.values())

    def _maybe_fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


def check_version(stored: Conversation | Ticket | None, new: Conversation | Ticket) -> None:
    """Raise ConcurrentChange unless ``new`` is one version on from what is stored."""
    if new.version != (stored.version if stored else 0) + 1:
        raise ConcurrentChange(f"version {new.version} does not follow")
