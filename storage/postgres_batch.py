"""A batch on PostgreSQL, where other nodes write too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec.json import decode as from_json

from chatdesk.conversation import Conversation, ConversationId
from chatdesk.events import Outcome
from chatdesk.ticket import Ticket, TicketNumber
from storage import tables
from storage.announcements import announcements
from storage.batch import TortoiseBatch
from storage.bulk import Statement
from storage.conversation_rows import read_conversations, to_conversation, to_outcomes
from storage.parameters import in_list, rows_json
from storage.postgres_statements import LOOK_UP, hold_sql, together_sql
from storage.ticket_rows import to_ticket


class PostgresBatch(TortoiseBatch):
    """One open transaction on PostgreSQL, where other nodes write too.

    What the batch is about is locked in one order for all nodes, so that another node's batch waits for
    the commit instead of failing on it; what the cache holds is read again only where it has changed.
    """

    _about: Collection[ConversationId] = frozenset()
    """Conversations that were looked up: those of them that exist are held, and so are their tickets."""
    _held: Mapping[ConversationId, Conversation] = {}
    _tickets_held: Mapping[TicketNumber, Ticket] = {}

    async def received(
        self, keys: Collection[str], about: Collection[ConversationId] = ()
    ) -> Mapping[str, Outcome]:
        return await self._look_up(keys, about) if about else await super().received(keys)

    async def _look_up(
        self, keys: Collection[str], about: Collection[ConversationId]
    ) -> Mapping[str, Outcome]:
        """Read, and lock, in one round trip what a batch of plain messages is about."""
        found, _ = self._conversations.pick(about)
        of_found, _ = self._tickets.pick({c.ticket for c in found.values() if c.ticket is not None})
        known = [[identity, found[identity].version if identity in found else 0] for identity in about]
        tickets = {str(number): ticket.version for number, ticket in of_found.items()}
        values = [rows_json(list(keys)), rows_json(known), rows_json(tickets)]
        (row,) = await self._connection.execute_query_dict(LOOK_UP, values)
        fresh = {c.id: c for c in read_conversations(row["conversations"] or "[]")}
        of_fresh = {ticket.number: ticket for ticket in map(to_ticket, from_json(row["tickets"] or "[]"))}
        self._conversations.put(fresh)
        self._tickets.put(of_fresh)
        self._about, self._held = about, found | fresh
        numbers = {c.ticket for c in self._held.values()}
        self._tickets_held = {n: ticket for n, ticket in (of_found | of_fresh).items() if n in numbers}
        return to_outcomes(from_json(row["received"] or "[]"))

    async def conversations(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        if self._about and all(identity in self._about for identity in ids):
            return {identity: self._held[identity] for identity in ids if identity in self._held}
        found, _ = self._conversations.pick(ids)
        known = [[identity, found[identity].version if identity in found else 0] for identity in ids]
        changed = await self._connection.execute_query_dict(hold_sql(tables.CONVERSATION), [rows_json(known)])
        fresh = {c.id: c for c in map(to_conversation, changed)}
        self._conversations.put(fresh)
        return found | fresh

    async def conversations_of(self, tickets: Collection[TicketNumber]) -> Sequence[Conversation]:
        query = (
            f"SELECT * FROM conversation WHERE ticket IN {in_list(self._dialect, 'bigint')} "
            "ORDER BY id FOR NO KEY UPDATE"
        )
        found = await self._connection.execute_query_dict(query, [rows_json(list(tickets))])
        return sorted(map(to_conversation, found), key=lambda c: c.opened_at)

    async def open_conversations(self, visitors: Collection[tuple[str, str]]) -> Sequence[Conversation]:
        keys = [f"{visitor}:{widget}" for visitor, widget in visitors]
        return [to_conversation(row) for row in await self._select("conversation", "open_key", keys)]

    async def tickets(self, numbers: Collection[TicketNumber]) -> Mapping[TicketNumber, Ticket]:
        held = {number: self._tickets_held[number] for number in numbers if number in self._tickets_held}
        if len(held) == len(numbers):
            return held
        found, _ = self._tickets.pick(numbers)
        known = [[number, found[number].version if number in found else 0] for number in numbers]
        changed = await self._connection.execute_query_dict(hold_sql(tables.TICKET), [rows_json(known)])
        fresh = {ticket.number: ticket for ticket in map(to_ticket, changed)}
        self._tickets.put(fresh)
        return found | fresh

    async def _execute(self, statements: Sequence[Statement]) -> Statement | None:
        """Execute what can be in one round trip, and tell the other nodes with the commit."""
        posted = {(message.conversation, message.seq) for message in self.changes.messages}
        # One statement does not see the rows that another part of it inserts.
        late = tables.MESSAGE.name if self.changes.revised.keys() & posted else None
        unmet = await self._execute_together([each for each in statements if each.table != late])
        return unmet or await super()._execute([each for each in statements if each.table == late])

    async def _execute_together(self, statements: Sequence[Statement]) -> Statement | None:
        told = announcements(self._node, self.changes, self._went_on)
        if not statements and not told:
            return None
        query = together_sql(tuple(s.query(len(s.rows)) for s in statements), tell=bool(told))
        values: list[Any] = [rows_json(s.rows) for s in statements] + ([told] if told else [])
        (counts,) = await self._connection.execute_query_dict(query, values)
        for statement, changed in zip(statements, counts.values(), strict=False):
            if statement.changes is not None and changed != statement.changes:
                return statement
        return None
