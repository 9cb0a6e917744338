"""One transaction of the Store: a handful of statements whatever the batch's size."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from chatdesk.affected import AffectedChange, AffectedPerson
from chatdesk.changes import Changes, HistoryEntry
from chatdesk.conversation import Conversation, ConversationId, Message
from chatdesk.errors import ConcurrentChange
from chatdesk.events import Outcome
from chatdesk.nodes import Node
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Ticket, TicketNumber
from chatdesk.waiting_line import WaitingLine
from storage import tables
from storage.bulk import Row, Statement, delete, insert, update
from storage.columns import Record
from storage.connection import Connection
from storage.conversation_rows import (
    CONTINUED,
    continued_row,
    conversation_row,
    message_row,
    revision_row,
    to_conversation,
    to_message,
    to_outcomes,
)
from storage.delivery_rows import delivery_row
from storage.intake import Browser, Intake
from storage.memory import Memory
from storage.orm import faults
from storage.parameters import in_list, numbered, rows_json
from storage.queue_rows import QUEUE, to_queue
from storage.tables import Table
from storage.ticket_rows import (
    affected_row,
    history_row,
    rating_row,
    ticket_row,
    to_affected,
    to_history,
    to_ticket,
)
from storage.writing import write_all

TICKET_COUNTER = "ticket"
_COUNT: Mapping[str, Callable[[int], str]] = {
    "sqlite": lambda _: f"UPDATE counter SET value = value + ? WHERE name = '{TICKET_COUNTER}'",
    "postgres": lambda _: (
        f"UPDATE counter SET value = value + ($1::jsonb->0->>0)::int WHERE name = '{TICKET_COUNTER}'"
    ),
}
_MESSAGES_OF = "SELECT * FROM message WHERE conversation = ? AND seq IN"
_FIXED: Mapping[Table, tuple[str, ...]] = {
    tables.CONVERSATION: ("channel", "visitor", "widget", "flow", "flow_version", "opened_at"),
    tables.MESSAGE: ("author_kind", "author_id", "author_name", "visibility", "at"),
}
"""Columns that never change once a row is written."""


class TortoiseBatch:
    """One open transaction [chatdesk.ports.StoreBatch]."""

    def __init__(
        self,
        connection: Connection,
        memory: Memory,
        first_ticket: int,
        node: Node,
        intake: Intake,
    ) -> None:
        self._connection = connection
        self._dialect = connection.capabilities.dialect
        self._conversations = memory.conversations
        self._tickets = memory.tickets
        self._first_ticket = first_ticket
        self._node = node
        self._intake = intake
        self._went_on: set[ConversationId] = set()
        self.changes = Changes()

    async def received(
        self, keys: Collection[str], about: Collection[ConversationId] = ()
    ) -> Mapping[str, Outcome]:
        return to_outcomes(await self._select("received", "key", list(keys)))

    async def conversations(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        found, missing = self._conversations.pick(ids)
        if missing:
            fresh = [to_conversation(row) for row in await self._select("conversation", "id", missing)]
            self._conversations.put({c.id: c for c in fresh})
            found.update({c.id: c for c in fresh})
        return found

    async def begun(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        return await self.conversations(ids)

    async def conversations_of(self, tickets: Collection[TicketNumber]) -> Sequence[Conversation]:
        return sorted(await self.seen_of(tickets), key=lambda c: c.opened_at)

    async def seen_of(self, tickets: Collection[TicketNumber]) -> Sequence[Conversation]:
        found = await self._select("conversation", "ticket", list(tickets), "bigint")
        return [to_conversation(row) for row in found]

    async def open_conversations(self, visitors: Collection[tuple[str, str]]) -> Sequence[Conversation]:
        if self._intake.open is None:
            self._intake.open = await self._read_open()
        ids = [self._intake.open[browser] for browser in visitors if browser in self._intake.open]
        return [*(await self.conversations(ids)).values()] if ids else []

    async def tickets(self, numbers: Collection[TicketNumber]) -> Mapping[TicketNumber, Ticket]:
        found, missing = self._tickets.pick(numbers)
        if missing:
            selected = await self._select("ticket", "number", missing, "bigint")
            fresh = {ticket.number: ticket for ticket in map(to_ticket, selected)}
            self._tickets.put(fresh)
            found.update(fresh)
        return found

    async def messages(self, wanted: Iterable[tuple[ConversationId, int]]) -> Sequence[Message]:
        pairs = set(wanted)
        by_conversation: dict[ConversationId, list[int]] = {}
        for conversation, seq in pairs:
            by_conversation.setdefault(conversation, []).append(seq)
        found: list[Message] = []
        messages_of = numbered(_MESSAGES_OF, self._dialect)
        for conversation, seqs in by_conversation.items():
            # The numbers are the desk's own.
            numbers = ", ".join(map(str, map(int, seqs)))
            query = f"{messages_of} ({numbers})"
            selected = await self._connection.execute_query_dict(query, [conversation])
            found += map(to_message, selected)
        return found

    async def said(self, conversations: Collection[ConversationId]) -> Sequence[Message]:
        found = map(to_message, await self._select("message", "conversation", list(conversations)))
        return [message for message in found if message.is_of_the_desk]

    async def history(self, tickets: Collection[TicketNumber]) -> Sequence[HistoryEntry]:
        found = await self._select("history", "ticket", list(tickets), "bigint")
        return [to_history(row) for row in sorted(found, key=lambda row: row["row"])]

    async def affected(self, tickets: Collection[TicketNumber]) -> Sequence[AffectedPerson]:
        found = await self._select("affected", "ticket", list(tickets), "bigint")
        return [to_affected(row) for row in sorted(found, key=lambda row: row["row"])]

    async def line(self) -> WaitingLine:
        if self._intake.line is None:
            self._intake.line = WaitingLine(await self.queue())
        return self._intake.line

    async def queue(self) -> Sequence[QueueEntry]:
        return to_queue(await self._connection.execute_query_dict(QUEUE))

    async def next_number(self) -> TicketNumber:
        if self._intake.next_number is None:
            self._intake.next_number = await self._read_next_number()
        return self._intake.next_number

    async def _read_open(self) -> dict[Browser, ConversationId]:
        query = "SELECT id, visitor, widget FROM conversation WHERE open_key IS NOT NULL"
        found = await self._connection.execute_query_dict(query)
        return {(row["visitor"], row["widget"]): ConversationId(row["id"]) for row in found}

    async def _read_next_number(self) -> TicketNumber:
        lock = "" if self._dialect == "sqlite" else " FOR UPDATE"
        query = f"SELECT value FROM counter WHERE name = '{TICKET_COUNTER}'{lock}"
        found = await self._connection.execute_query_dict(query)
        if found:
            return TicketNumber(found[0]["value"] + 1)
        value = self._first_ticket - 1
        try:
            insert_first = f"INSERT INTO counter (name, value) VALUES ('{TICKET_COUNTER}', {int(value)})"
            await self._connection.execute_query(insert_first)
        except (sqlite3.IntegrityError, faults.IntegrityError) as error:
            raise ConcurrentChange(str(error)) from error
        return TicketNumber(self._first_ticket)

    async def write(self, changes: Changes) -> None:
        """Write the batch [chatdesk.ports.StoreBatch.write]."""
        self.changes = changes
        try:
            unmet = await self._execute(list(self._statements(changes)))
        except (sqlite3.IntegrityError, faults.IntegrityError) as error:
            # Another node received the same event, opened the same chat or wrote the same message first.
            raise ConcurrentChange(str(error)) from error
        if unmet is not None:
            raise ConcurrentChange("Another writer changed a record first.")

    def _statements(self, changes: Changes) -> Iterator[Statement]:
        """Yield a statement for each kind of change there is; most batches are messages and no more."""
        yield from self._count(changes.numbers_used)
        if changes.tickets:
            yield from self._upsert(tables.TICKET, ("number",), changes.tickets.values(), ticket_row)
        if changes.conversations:
            yield from self._write_conversations(changes.conversations)
        for table, records, to_row in _added(changes):
            if records:
                yield insert(table, list(map(to_row, records)), self._dialect)
        if changes.affected:
            yield from self._write_affected(changes.affected.values())
        if changes.revised:
            revised = list(map(message_row, changes.revised.values()))
            yield from self._update(tables.MESSAGE, ("conversation", "seq"), revised)

    def _count(self, used: int) -> Iterator[Statement]:
        if used:
            yield Statement("counter", _COUNT[self._dialect], [[used]])

    def _write_affected(self, changes: Collection[AffectedChange]) -> Iterator[Statement]:
        gone: list[Row] = [[person.ticket, person.mailbox] for change in changes for person in change.gone]
        if gone:
            yield delete(tables.AFFECTED, ("ticket", "mailbox"), gone, self._dialect)
        added = [affected_row(person) for change in changes for person in change.added]
        yield from self._insert(tables.AFFECTED, added)

    def _write_conversations(
        self, conversations: Mapping[ConversationId, Conversation]
    ) -> Iterator[Statement]:
        """Write conversations; those that only went on, which most do, with few columns and no index."""
        before, _ = self._conversations.pick(conversations)
        others: list[Conversation] = []
        continued: list[Row] = []
        for identity, conversation in conversations.items():
            known = before.get(identity)
            if known is not None and _only_went_on(known, conversation):
                continued.append(continued_row(conversation))
                self._went_on.add(identity)
            else:
                others.append(conversation)
        yield from self._upsert(tables.CONVERSATION, ("id",), others, conversation_row)
        if continued:
            yield update(
                tables.CONVERSATION, ("id",), continued, self._dialect, versioned=True, only=CONTINUED
            )

    def _upsert(
        self, table: Table, key: tuple[str, ...], records: Iterable[Any], to_row: Any
    ) -> Iterator[Statement]:
        """Insert new records (version 1) and update others, each only from the version it was read at."""
        yield from self._insert(table, [to_row(record) for record in records if record.version == 1])
        old = [to_row(record) for record in records if record.version > 1]
        yield from self._update(table, key, old, versioned=True)

    def _insert(self, table: Table, records: Sequence[Row]) -> Iterator[Statement]:
        if records:
            yield insert(table, records, self._dialect)

    def _update(
        self, table: Table, key: tuple[str, ...], records: Sequence[Row], *, versioned: bool = False
    ) -> Iterator[Statement]:
        if records:
            fixed = _FIXED.get(table, ())
            yield update(table, key, records, self._dialect, versioned=versioned, fixed=fixed)

    async def _execute(self, statements: Sequence[Statement]) -> Statement | None:
        """Execute all; stop at one that changes another number of rows than it has to, and return it."""
        return await write_all(self._connection, statements)

    async def _select(
        self, table: str, column: str, values: Sequence[Any], kind: str = "text"
    ) -> Sequence[Record]:
        if not values:
            return []
        members = in_list(self._dialect, kind)
        query = f'SELECT * FROM "{table}" WHERE "{column}" IN {members}'
        return await self._connection.execute_query_dict(query, [rows_json(values)])


def _only_went_on(before: Conversation, after: Conversation) -> bool:
    """Tell whether nothing but the sequence number, the time and the receipts differ."""
    return (
        after.version == before.version + 1
        and after.state == before.state
        and after.ticket == before.ticket
        and after.rating == before.rating
        and after.customer_name == before.customer_name
        and after.company_id == before.company_id
    )


def _added(changes: Changes) -> tuple[tuple[Table, Sequence[Any], Callable[[Any], Row]], ...]:
    """Return what a batch only ever adds: the table, the records, and how one becomes a row."""
    return (
        (tables.RECEIVED, changes.received, _received_row),
        (tables.MESSAGE, changes.messages, message_row),
        (tables.REVISION, changes.revisions, revision_row),
        (tables.HISTORY, changes.history, history_row),
        (tables.DELIVERY, changes.deliveries, delivery_row),
        (tables.RATING, changes.ratings, rating_row),
    )


def _received_row(received: tuple[str, Outcome]) -> Row:
    key, outcome = received
    return [key, outcome.conversation, outcome.seq, outcome.ticket]
