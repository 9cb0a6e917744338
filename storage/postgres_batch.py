"""A batch on PostgreSQL, where other nodes write too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from chatdesk.conversation import Conversation, ConversationId
from chatdesk.ticket import Ticket, TicketNumber
from storage import rows, tables
from storage.announcements import announcements
from storage.batch import TortoiseBatch
from storage.bulk import Statement, hold_sql, in_list, rows_json, together_sql


class PostgresBatch(TortoiseBatch):
    """One open transaction on PostgreSQL, where other nodes write too.

    What the batch is about is locked in one order for all nodes, so that another node's batch waits for
    the commit instead of failing on it; what the cache holds is read again only where it has changed.
    """

    async def conversations(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        found, _ = self._conversations.pick(ids)
        known = [[identity, found[identity].version if identity in found else 0] for identity in ids]
        changed = await self._connection.execute_query_dict(hold_sql(tables.CONVERSATION), [rows_json(known)])
        fresh = {c.id: c for c in map(rows.to_conversation, changed)}
        self._conversations.put(fresh)
        return found | fresh

    async def conversations_of(self, tickets: Collection[TicketNumber]) -> Sequence[Conversation]:
        query = (
            f"SELECT * FROM conversation WHERE ticket IN {in_list(self._dialect, 'bigint')} "
            "ORDER BY id FOR NO KEY UPDATE"
        )
        found = await self._connection.execute_query_dict(query, [rows_json(list(tickets))])
        return sorted(map(rows.to_conversation, found), key=lambda c: c.opened_at)

    async def open_conversations(self, visitors: Collection[tuple[str, str]]) -> Sequence[Conversation]:
        keys = [f"{visitor}:{widget}" for visitor, widget in visitors]
        return [rows.to_conversation(row) for row in await self._select("conversation", "open_key", keys)]

    async def tickets(self, numbers: Collection[TicketNumber]) -> Mapping[TicketNumber, Ticket]:
        found, _ = self._tickets.pick(numbers)
        known = [[number, found[number].version if number in found else 0] for number in numbers]
        changed = await self._connection.execute_query_dict(hold_sql(tables.TICKET), [rows_json(known)])
        fresh = {ticket.number: ticket for ticket in map(rows.to_ticket, changed)}
        self._tickets.put(fresh)
        return found | fresh

    async def _execute(self, statements: Sequence[Statement]) -> Statement | None:
        """Execute what can be in one round trip, and tell the other nodes with the commit."""
        posted = {(message.conversation, message.seq) for message in self.changes.messages}
        # One statement does not see the rows that another part of it inserts.
        again = bool(self.changes.revised.keys() & posted)
        late = [s for s in statements if again and s.query(1).startswith('UPDATE "message"')]
        together = [statement for statement in statements if statement not in late]
        told = announcements(self._node, self.changes, self._went_on)
        if not together and not told:
            return None
        query = together_sql(tuple(s.query(len(s.rows)) for s in together), tell=bool(told))
        values: list[Any] = [rows_json(s.rows) for s in together] + ([told] if told else [])
        (counts,) = await self._connection.execute_query_dict(query, values)
        for statement, changed in zip(together, counts.values(), strict=False):
            if statement.changes is not None and changed != statement.changes:
                return statement
        return await super()._execute(late)
