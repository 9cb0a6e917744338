"""Reads what live listeners of this node were not told of yet, because another node wrote it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Set
from typing import Any

from msgspec.json import decode as from_json
from msgspec.json import encode as to_json

from chatdesk.conversation import Conversation, ConversationId, Message
from chatdesk.hub import ConversationChanged, Hub, QueueChanged, TicketsChanged
from chatdesk.ticket import Ticket
from storage.columns import readable
from storage.conversation_rows import to_conversation, to_message
from storage.database import Database
from storage.memory import Memory
from storage.parameters import elements, in_list
from storage.ticket_rows import to_ticket

RECENT = 50
"""Messages to tell again where it is not known which of them were told; pages know each by its number."""
_NEWS = f"""
    WITH known AS (
        SELECT value->>0 AS id, (value->>1)::int AS version, (value->>2)::int AS seq FROM {elements()}
    ), found AS MATERIALIZED (
        SELECT c.*, COALESCE(k.seq, c.last_seq - {RECENT}) AS since
        FROM known k JOIN conversation c ON c.id = k.id WHERE c.version > k.version
    ), news AS (
        SELECT m.* FROM found f JOIN message m ON m.conversation = f.id AND m.seq > f.since
        UNION
        SELECT m.* FROM found f JOIN revision r ON r.conversation = f.id AND r.changed > f.since
        JOIN message m ON m.conversation = r.conversation AND m.seq = r.seq WHERE r.seq <= f.since
    )
    SELECT (SELECT json_agg(found) FROM found)::text AS conversations,
        (SELECT json_agg(news) FROM news)::text AS messages"""
_TICKETS = f"SELECT * FROM ticket WHERE number IN {in_list('postgres', 'bigint')}"


class MissingNews:
    """Gathers which conversations have news, and tells the hub; one round reads all that gathered."""

    def __init__(self, database: Database, hub: Hub, memory: Memory) -> None:
        self._database = database
        self._hub = hub
        self._memory = memory
        self._wanted: set[ConversationId] = set()
        self._reading: Set[ConversationId] = frozenset()
        self._whole: set[ConversationId] = set()
        self._changed: set[int] = set()
        self._all = False
        self._some = asyncio.Event()

    def want(
        self, conversations: Iterable[ConversationId], tickets: Iterable[int] = (), *, whole: bool = False
    ) -> None:
        """Look for news in these conversations, as far as somebody here listens to them.

        Their tickets are read when they are among ``tickets``, which have changed, or when it is not known
        (``whole``).
        """
        listened = [identity for identity in conversations if self._hub.listeners(identity)]
        if listened:
            self._wanted.update(listened)
            self._changed.update(tickets)
            if whole:
                self._whole.update(listened)
            self._some.set()

    def is_wanted(self, conversation: ConversationId) -> bool:
        """Tell whether news of the conversation are still to be read and told."""
        return self._all or conversation in self._wanted or conversation in self._reading

    def want_all(self) -> None:
        """Look for news everywhere."""
        self._all = True
        self._some.set()

    async def run(self) -> None:
        """Read and tell until cancelled. Raises StorageError; what was wanted stays wanted."""
        while True:
            await self._some.wait()
            self._some.clear()
            wanted, self._wanted = self._wanted, set()
            whole, self._whole = self._whole, set()
            changed, self._changed = self._changed, set()
            everything, self._all = self._all, False
            listened = self._hub.listened()
            told = {i: c for i, c in listened.items() if everything or i in wanted}
            self._reading = told.keys()
            try:
                await self._read(told, changed, told.keys() if everything else whole)
            except BaseException:
                self._wanted |= wanted
                self._whole |= whole
                self._changed |= changed
                self._all = self._all or everything
                raise
            finally:
                self._reading = frozenset()
            if everything:
                self._hub.pass_on_to_desk(TicketsChanged(frozenset()))
                self._hub.pass_on_to_desk(QueueChanged())

    async def _read(
        self,
        told: Mapping[ConversationId, Conversation | None],
        changed: Set[int],
        whole: Set[ConversationId],
    ) -> None:
        if not told:
            return
        known = [[i, c.version, c.last_seq] if c else [i, 0, None] for i, c in told.items()]
        (row,) = await self._rows(_NEWS, known)
        found = list(readable(to_conversation, from_json(row["conversations"] or "[]")))
        messages: dict[ConversationId, list[Message]] = {}
        for message in readable(to_message, from_json(row["messages"] or "[]"), "row"):
            messages.setdefault(message.conversation, []).append(message)
        tickets = await self._tickets(c.ticket for c in found if c.ticket in changed or c.id in whole)
        # Whoever listens is about to write, often: their batches need not read it again.
        self._memory.learn(found, tickets.values())
        for conversation in found:
            ticket = tickets.get(conversation.ticket) if conversation.ticket is not None else None
            news = sorted(messages.get(conversation.id, ()), key=lambda message: message.changed)
            self._hub.pass_on(ConversationChanged(conversation, tuple(news), ticket))

    async def _tickets(self, wanted: Iterable[int | None]) -> dict[int, Ticket]:
        numbers = sorted({number for number in wanted if number is not None})
        if not numbers:
            return {}
        tickets = readable(to_ticket, await self._rows(_TICKETS, numbers), "number")
        return {ticket.number: ticket for ticket in tickets}

    async def _rows(self, query: str, values: object) -> list[dict[str, Any]]:
        return await self._database.reader.execute_query_dict(query, [to_json(values).decode()])
