"""The Store on Tortoise ORM: one transaction a batch, a handful of statements whatever its size."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import structlog
from pydantic_core import to_json
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import IntegrityError, OperationalError
from tortoise.models import Model

from chatdesk.changes import Changes, SetAside
from chatdesk.conversation import Conversation, ConversationId, Message, Waiting
from chatdesk.errors import ConcurrentChange, NotRemembered, StorageError
from chatdesk.events import AnyEvent, Outcome
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Ticket, TicketNumber
from storage import models, rows
from storage.announcements import announcements
from storage.bulk import Row, Statement, hold_sql, in_list, insert_sql, together_sql, update_sql
from storage.database import Database
from storage.sqlite_client import ImmediateSqliteClient, ScriptedTransactionWrapper

log = structlog.get_logger(__name__)

TICKET_COUNTER = "ticket"
CACHE_SIZE = 20_000
_FIXED: Mapping[type[Model], tuple[str, ...]] = {
    models.Conversation: ("channel", "visitor", "widget", "flow", "flow_version", "opened_at"),
    models.Message: ("author_kind", "author_id", "author_name", "visibility", "at"),
}
"""Columns that never change once a row is written."""
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """The most recently used records as last committed by this process.

    Whoever uses it has to empty it when another process may have written [TortoiseStore.batch]; besides,
    every write checks the version.
    """

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._size = size
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def pick(self, keys: Iterable[Key]) -> tuple[dict[Key, Value], list[Key]]:
        """Return the records that are here, and the keys of those that are not."""
        found: dict[Key, Value] = {}
        missing: list[Key] = []
        for key in keys:
            if key in self._values:
                self._values.move_to_end(key)
                found[key] = self._values[key]
            else:
                missing.append(key)
        return found, missing

    def put(self, values: Mapping[Key, Value]) -> None:
        """Keep these records, dropping those not used for longest."""
        for key, value in values.items():
            self._values[key] = value
            self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()


class TortoiseStore:
    """The desk's record in a database [chatdesk.ports.Store].

    ``first_ticket`` is a new desk's first; ``node`` names this process to the others on PostgreSQL.
    """

    def __init__(self, database: Database, first_ticket: int = 1001, node: str = "") -> None:
        self._database = database
        self._node = node
        self._first_ticket = first_ticket
        self._conversations: Cache[ConversationId, Conversation] = Cache()
        self._tickets: Cache[TicketNumber, Ticket] = Cache()
        self._data_version = -1

    @asynccontextmanager
    async def batch(self, *, remembered: bool = False) -> AsyncIterator[TortoiseBatch]:
        """Open a transaction [chatdesk.ports.Store.batch]."""
        try:
            if remembered:
                batch: TortoiseBatch = self._remembered_batch()
                yield batch
                self._keep(batch.changes)
                return
            async with self._database.transaction() as connection:
                self._forget_if_outdated(connection)
                kind = PostgresBatch if self._database.dialect == "postgres" else TortoiseBatch
                batch = kind(connection, self._conversations, self._tickets, self._first_ticket, self._node)
                yield batch
        except NotRemembered:
            raise
        except BaseException:
            # What the failed batch read or wrote may not be what is stored.
            self._conversations.clear()
            self._tickets.clear()
            raise
        self._keep(batch.changes)

    def _remembered_batch(self) -> RememberedBatch:
        writer = self._database.writer
        if not isinstance(writer, ImmediateSqliteClient):
            raise NotRemembered("Other nodes write to this database too.")
        caches = (self._conversations, self._tickets)
        return RememberedBatch(writer, *caches, self._first_ticket, self._node, self._data_version)

    def _keep(self, changes: Changes) -> None:
        self._conversations.put(changes.conversations)
        self._tickets.put(changes.tickets)

    def _forget_if_outdated(self, connection: BaseDBAsyncClient) -> None:
        """Empty the caches when another connection has written since: even a refusal needs the present.

        On PostgreSQL a batch compares what it uses with the database instead [PostgresBatch].
        """
        if isinstance(connection, ScriptedTransactionWrapper):
            if connection.data_version != self._data_version:
                self._conversations.clear()
                self._tickets.clear()
            self._data_version = connection.data_version

    async def set_aside(self, item: SetAside) -> None:
        """Keep an event that could not be worked on, with the reason."""
        async with self._database.transaction() as connection:
            _ = await models.SetAside.create(
                using_db=connection,
                kind=type(item.event).__name__,
                key=_storable(item.event.key)[:255],
                event=_event_json(item.event),
                reason=_storable(item.reason),
                at=item.at,
            )


class TortoiseBatch:
    """One open transaction [chatdesk.ports.StoreBatch]."""

    def __init__(
        self,
        connection: BaseDBAsyncClient,
        conversations: Cache[ConversationId, Conversation],
        tickets: Cache[TicketNumber, Ticket],
        first_ticket: int,
        node: str,
    ) -> None:
        self._connection = connection
        self._dialect = connection.capabilities.dialect
        self._conversations = conversations
        self._tickets = tickets
        self._first_ticket = first_ticket
        self._node = node
        self.changes = Changes()

    async def received(self, keys: Collection[str]) -> Mapping[str, Outcome]:
        found = await self._select("received", "key", list(keys))
        return {
            row["key"]: Outcome(row["conversation"], row["seq"], row["ticket"], repeated=True)
            for row in found
        }

    async def conversations(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        found, missing = self._conversations.pick(ids)
        if missing:
            fresh = [rows.to_conversation(row) for row in await self._select("conversation", "id", missing)]
            self._conversations.put({c.id: c for c in fresh})
            found.update({c.id: c for c in fresh})
        return found

    async def conversations_of(self, tickets: Collection[TicketNumber]) -> Sequence[Conversation]:
        found = await self._select("conversation", "ticket", list(tickets), "bigint")
        return sorted((rows.to_conversation(row) for row in found), key=lambda c: c.opened_at)

    async def open_conversations(self, visitors: Collection[tuple[str, str]]) -> Sequence[Conversation]:
        keys = [f"{visitor}:{widget}" for visitor, widget in visitors]
        return [rows.to_conversation(row) for row in await self._select("conversation", "open_key", keys)]

    async def tickets(self, numbers: Collection[TicketNumber]) -> Mapping[TicketNumber, Ticket]:
        found, missing = self._tickets.pick(numbers)
        if missing:
            selected = await self._select("ticket", "number", missing, "bigint")
            fresh = {ticket.number: ticket for ticket in map(rows.to_ticket, selected)}
            self._tickets.put(fresh)
            found.update(fresh)
        return found

    async def messages(self, wanted: Iterable[tuple[ConversationId, int]]) -> Sequence[Message]:
        pairs = set(wanted)
        by_conversation: dict[ConversationId, list[int]] = {}
        for conversation, seq in pairs:
            by_conversation.setdefault(conversation, []).append(seq)
        found: list[Message] = []
        for conversation, seqs in by_conversation.items():
            query = models.Message.filter(conversation=conversation, seq__in=seqs)
            found += map(rows.to_message, await query.using_db(self._connection).values())
        return found

    async def queue(self) -> Sequence[QueueEntry]:
        query = (
            "SELECT c.id, c.state, c.state_data, t.priority FROM conversation c "
            "JOIN ticket t ON t.number = c.ticket WHERE c.state = 'waiting'"
        )
        found = await self._connection.execute_query_dict(query)
        return [entry for entry in map(_queue_entry, found) if entry is not None]

    async def next_number(self) -> TicketNumber:
        lock = "" if self._dialect == "sqlite" else " FOR UPDATE"
        query = f"SELECT value FROM counter WHERE name = '{TICKET_COUNTER}'{lock}"
        found = await self._connection.execute_query_dict(query)
        if found:
            return TicketNumber(found[0]["value"] + 1)
        value = self._first_ticket - 1
        try:
            _ = await models.Counter.create(using_db=self._connection, name=TICKET_COUNTER, value=value)
        except IntegrityError as error:
            raise ConcurrentChange(str(error)) from error
        return TicketNumber(self._first_ticket)

    async def write(self, changes: Changes) -> None:
        """Write the batch [chatdesk.ports.StoreBatch.write]."""
        self.changes = changes
        if changes.numbers_used:
            used = int(changes.numbers_used)
            query = f"UPDATE counter SET value = value + {used} WHERE name = '{TICKET_COUNTER}'"
            await self._connection.execute_query(query)
        statements = [
            *self._upsert(models.Ticket, ("number",), changes.tickets.values(), rows.ticket_row),
            *self._write_conversations(changes.conversations),
            *self._insert(models.Received, [_received_row(*pair) for pair in changes.received]),
            *self._insert(models.Message, [rows.message_row(m) for m in changes.messages]),
            *self._insert(models.Revision, [rows.revision_row(r) for r in changes.revisions]),
            *self._update(models.Message, ("conversation", "seq"), _revised_rows(changes)),
            *self._insert(models.History, [rows.history_row(entry) for entry in changes.history]),
            *self._insert(models.Delivery, [rows.delivery_row(d) for d in changes.deliveries]),
            *self._insert(models.Rating, [rows.rating_row(rating) for rating in changes.ratings]),
        ]
        try:
            unmet = await self._execute(statements)
        except IntegrityError as error:
            # Another node received the same event, opened the same chat or wrote the same message first.
            raise ConcurrentChange(str(error)) from error
        if unmet is not None:
            raise ConcurrentChange("Another writer changed a record first.")

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
                continued.append(rows.continued_row(conversation))
            else:
                others.append(conversation)
        yield from self._upsert(models.Conversation, ("id",), others, rows.conversation_row)
        if continued:
            query = update_sql(
                models.Conversation, ("id",), self._dialect, versioned=True, only=rows.CONTINUED
            )
            yield Statement(query, _json(continued), len(continued))

    def _upsert(
        self, model: type[Model], key: tuple[str, ...], records: Iterable[Any], to_row: Any
    ) -> Iterator[Statement]:
        """Insert new records (version 1) and update others, each only from the version it was read at."""
        yield from self._insert(model, [to_row(record) for record in records if record.version == 1])
        old = [to_row(record) for record in records if record.version > 1]
        yield from self._update(model, key, old, versioned=True)

    def _insert(self, model: type[Model], records: Sequence[Row]) -> Iterator[Statement]:
        if records:
            yield Statement(insert_sql(model, self._dialect), _json(records))

    def _update(
        self, model: type[Model], key: tuple[str, ...], records: Sequence[Row], *, versioned: bool = False
    ) -> Iterator[Statement]:
        if records:
            fixed = _FIXED.get(model, ())
            query = update_sql(model, key, self._dialect, versioned=versioned, fixed=fixed)
            yield Statement(query, _json(records), len(records) if versioned else None)

    async def _execute(self, statements: Sequence[Statement]) -> Statement | None:
        """Execute all; stop at one that changes another number of rows than it has to, and return it."""
        if isinstance(self._connection, ScriptedTransactionWrapper):
            unmet: Statement | None = await self._connection.execute_in_turn(statements)
            return unmet
        for statement in statements:
            changed, _ = await self._connection.execute_query(statement.query, [statement.rows])
            if statement.changes is not None and changed != statement.changes:
                return statement
        return None

    async def _select(
        self, table: str, column: str, values: Sequence[Any], kind: str = "text"
    ) -> Sequence[rows.Record]:
        if not values:
            return []
        members = in_list(self._dialect, kind)
        query = f'SELECT * FROM "{table}" WHERE "{column}" IN {members}'
        return await self._connection.execute_query_dict(query, [_json(values)])


class RememberedBatch(TortoiseBatch):
    """A batch that looks at SQLite only once, to write: most batches are about what is remembered.

    That an event was received before shows when its key is written; that another connection has written,
    in the transaction itself. Either way nothing is written then, and the batch is worked on again.
    """

    def __init__(
        self,
        client: ImmediateSqliteClient,
        conversations: Cache[ConversationId, Conversation],
        tickets: Cache[TicketNumber, Ticket],
        first_ticket: int,
        node: str,
        data_version: int,
    ) -> None:
        super().__init__(client, conversations, tickets, first_ticket, node)
        self._client = client
        self._data_version = data_version

    async def received(self, keys: Collection[str]) -> Mapping[str, Outcome]:
        return {}

    async def messages(self, wanted: Iterable[tuple[ConversationId, int]]) -> Sequence[Message]:
        raise NotRemembered("Messages are not remembered.")

    async def queue(self) -> Sequence[QueueEntry]:
        raise NotRemembered("The queue is not remembered.")

    async def next_number(self) -> TicketNumber:
        raise NotRemembered("Numbers are not remembered.")

    async def _execute(self, statements: Sequence[Statement]) -> Statement | None:
        try:
            done = await self._client.execute_at_once(statements, self._data_version)
        except IntegrityError:
            raise
        except OperationalError as error:
            raise StorageError(str(error)) from error
        if not done:
            raise ConcurrentChange("What was remembered is outdated.")
        return None

    async def _select(
        self, table: str, column: str, values: Sequence[Any], kind: str = "text"
    ) -> Sequence[rows.Record]:
        if values:
            raise NotRemembered(f"A {table} is not remembered.")
        return []


class PostgresBatch(TortoiseBatch):
    """One open transaction on PostgreSQL, where other nodes write too.

    What the batch is about is locked in one order for all nodes, so that another node's batch waits for
    the commit instead of failing on it; what the cache holds is read again only where it has changed.
    """

    async def conversations(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        found, _ = self._conversations.pick(ids)
        known = [[identity, found[identity].version if identity in found else 0] for identity in ids]
        changed = await self._connection.execute_query_dict(hold_sql(models.Conversation), [_json(known)])
        fresh = {c.id: c for c in map(rows.to_conversation, changed)}
        self._conversations.put(fresh)
        return found | fresh

    async def conversations_of(self, tickets: Collection[TicketNumber]) -> Sequence[Conversation]:
        query = (
            f"SELECT * FROM conversation WHERE ticket IN {in_list(self._dialect, 'bigint')} "
            "ORDER BY id FOR NO KEY UPDATE"
        )
        found = await self._connection.execute_query_dict(query, [_json(list(tickets))])
        return sorted(map(rows.to_conversation, found), key=lambda c: c.opened_at)

    async def tickets(self, numbers: Collection[TicketNumber]) -> Mapping[TicketNumber, Ticket]:
        found, _ = self._tickets.pick(numbers)
        known = [[number, found[number].version if number in found else 0] for number in numbers]
        changed = await self._connection.execute_query_dict(hold_sql(models.Ticket), [_json(known)])
        fresh = {ticket.number: ticket for ticket in map(rows.to_ticket, changed)}
        self._tickets.put(fresh)
        return found | fresh

    async def _execute(self, statements: Sequence[Statement]) -> Statement | None:
        """Execute what can be in one round trip, and tell the other nodes with the commit."""
        posted = {(message.conversation, message.seq) for message in self.changes.messages}
        # One statement does not see the rows that another part of it inserts.
        late = [
            s
            for s in statements
            if self.changes.revised.keys() & posted and s.query.startswith('UPDATE "message')
        ]
        together = [statement for statement in statements if statement not in late]
        told = announcements(self._node, self.changes)
        if not together and not told:
            return None
        query = together_sql(tuple(statement.query for statement in together), tell=bool(told))
        values = [statement.rows for statement in together] + ([_json(told)] if told else [])
        (counts,) = await self._connection.execute_query_dict(query, values)
        for statement, changed in zip(together, counts.values(), strict=False):
            if statement.changes is not None and changed != statement.changes:
                return statement
        return await super()._execute(late)


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


def _queue_entry(row: rows.Record) -> QueueEntry | None:
    """Return a place in the queue; one that cannot be read must not keep all others from theirs."""
    try:
        state = rows.to_state(row)
        priority = rows.to_priority(row)
    except ValueError as error:
        log.error("queue_entry_unreadable", conversation=row["id"], error=str(error))
        return None
    return QueueEntry(row["id"], state.since, priority) if isinstance(state, Waiting) else None


def _json(values: Sequence[Any]) -> str:
    """Return rows as JSON; a NUL, which cuts a text in SQLite and fails in PostgreSQL, becomes U+FFFD."""
    text = to_json(values).decode()
    return _NUL.sub(r"\1\\ufffd", text) if r"\u0000" in text else text


def _event_json(event: AnyEvent) -> str:
    """Return the event as JSON; as the text of its representation where a value has no JSON."""
    try:
        return to_json(event).decode()
    except ValueError:
        return to_json(ascii(event)).decode()


def _storable(text: str) -> str:
    """Return the text with what no database takes written as an escape."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def _revised_rows(changes: Changes) -> list[Row]:
    return [rows.message_row(message) for message in changes.revised.values()]


def _received_row(key: str, outcome: Outcome) -> Row:
    return [key, outcome.conversation, outcome.seq, outcome.ticket]
