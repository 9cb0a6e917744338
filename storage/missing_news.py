"""Reads what live listeners of this node were not told of yet, because another node wrote it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from pydantic_core import to_json

from chatdesk.conversation import Conversation, ConversationId, Message
from chatdesk.hub import ConversationChanged, Hub, QueueChanged, TicketsChanged
from chatdesk.ticket import Ticket
from storage import rows
from storage.database import Database

RECENT = 50
"""Messages to tell again where it is not known which of them were told; pages know each by its number."""
_CONVERSATIONS = """
    SELECT c.* FROM jsonb_array_elements($1::jsonb) AS v JOIN conversation c ON c.id = v->>0
    WHERE c.version > (v->>1)::int"""
_MESSAGES = """
    SELECT m.* FROM jsonb_array_elements($1::jsonb) AS v
    JOIN message m ON m.conversation = v->>0 AND m.seq > (v->>1)::int
    UNION
    SELECT m.* FROM jsonb_array_elements($1::jsonb) AS v
    JOIN revision r ON r.conversation = v->>0 AND r.changed > (v->>1)::int
    JOIN message m ON m.conversation = r.conversation AND m.seq = r.seq"""
_TICKETS = """
    SELECT * FROM ticket WHERE number IN (SELECT value::bigint FROM jsonb_array_elements_text($1::jsonb))"""


class MissingNews:
    """Gathers which conversations have news, and tells the hub; one round reads all that gathered."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub
        self._wanted: set[ConversationId] = set()
        self._all = False
        self._some = asyncio.Event()

    def want(self, conversations: Iterable[ConversationId]) -> None:
        """Look for news in these conversations, as far as somebody here listens to them."""
        listened = [identity for identity in conversations if self._hub.listeners(identity)]
        if listened:
            self._wanted.update(listened)
            self._some.set()

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
            everything, self._all = self._all, False
            try:
                listened = self._hub.listened()
                await self._read({i: c for i, c in listened.items() if everything or i in wanted})
            except BaseException:
                self._wanted |= wanted
                self._all = self._all or everything
                raise
            if everything:
                self._hub.pass_on_to_desk(TicketsChanged(frozenset()))
                self._hub.pass_on_to_desk(QueueChanged())

    async def _read(self, told: Mapping[ConversationId, Conversation | None]) -> None:
        if not told:
            return
        known = [[identity, c.version if c else 0] for identity, c in told.items()]
        found = [rows.to_conversation(row) for row in await self._rows(_CONVERSATIONS, known)]
        messages = await self._messages(found, told)
        tickets = await self._tickets(found)
        for conversation in found:
            ticket = tickets.get(conversation.ticket) if conversation.ticket is not None else None
            changed = sorted(messages.get(conversation.id, ()), key=lambda message: message.changed)
            self._hub.pass_on(ConversationChanged(conversation, tuple(changed), ticket))

    async def _messages(
        self, found: Iterable[Conversation], told: Mapping[ConversationId, Conversation | None]
    ) -> dict[ConversationId, list[Message]]:
        since = []
        for conversation in found:
            before = told[conversation.id]
            since.append([conversation.id, before.last_seq if before else conversation.last_seq - RECENT])
        messages: dict[ConversationId, list[Message]] = {}
        if since:
            for message in map(rows.to_message, await self._rows(_MESSAGES, since)):
                messages.setdefault(message.conversation, []).append(message)
        return messages

    async def _tickets(self, found: Iterable[Conversation]) -> dict[int, Ticket]:
        numbers = sorted({c.ticket for c in found if c.ticket is not None})
        if not numbers:
            return {}
        tickets = map(rows.to_ticket, await self._rows(_TICKETS, numbers))
        return {ticket.number: ticket for ticket in tickets}

    async def _rows(self, query: str, values: object) -> list[dict[str, object]]:
        return await self._database.reader.execute_query_dict(query, [to_json(values).decode()])
