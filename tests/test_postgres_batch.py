"""Batches on PostgreSQL that read first: what another node has changed is read, and it waits its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import Conversation, ConversationId
from chatdesk.events import Outcome
from chatdesk.ticket import Ticket, TicketNumber
from storage import tables
from storage.bulk import update
from storage.database import Database
from storage.memory import Memory
from storage.parameters import in_list
from storage.postgres_statements import LOOK_UP, all_or_nothing_sql, hold_sql
from storage.store import TortoiseStore
from tests.core_builders import url
from tests.desk_builders import CHAT, TICKET, conversation, ticket

pytestmark = pytest.mark.postgres

SECOND, GONE, OTHER = ConversationId("second"), ConversationId("gone"), TicketNumber(2048)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with two conversations, each of a ticket of its own."""
    async with Database(url(tmp_path, "postgres")) as opened:
        begun = (conversation(version=1), conversation(version=1, id=SECOND, visitor="eve", ticket=OTHER))
        of_begun = (ticket(version=1), ticket(version=1, number=OTHER))
        async with TortoiseStore(opened).batch() as batch:
            await batch.write(
                Changes(
                    conversations={c.id: c for c in begun},
                    tickets={t.number: t for t in of_begun},
                    received=[("web:1", Outcome(CHAT, 1, TICKET))],
                )
            )
        yield opened


async def looked_up(
    store: TortoiseStore, *about: ConversationId
) -> tuple[dict[ConversationId, Conversation], dict[TicketNumber, Ticket]]:
    """Return these conversations and their tickets as a batch of plain messages reads them."""
    async with store.batch() as batch:
        await batch.received({"web:new"}, set(about))
        found = dict(await batch.conversations(about))
        return found, dict(await batch.tickets({c.ticket for c in found.values() if c.ticket is not None}))


async def test_what_a_batch_of_messages_is_about_is_read_with_what_was_received(database: Database) -> None:
    async with TortoiseStore(database).batch() as batch:
        received = await batch.received({"web:1", "web:2"}, {CHAT, GONE})
        assert received == {"web:1": Outcome(CHAT, 1, TICKET, repeated=True)}
        assert await batch.conversations({CHAT, GONE}) == {CHAT: conversation(version=1)}
        assert await batch.tickets({TICKET}) == {TICKET: ticket(version=1)}


async def test_what_else_a_batch_asks_for_is_read_as_well(database: Database) -> None:
    async with TortoiseStore(database).batch() as batch:
        await batch.received({"web:new"}, {CHAT})
        assert (await batch.conversations({CHAT, SECOND})).keys() == {CHAT, SECOND}
        assert (await batch.tickets({TICKET, OTHER})).keys() == {TICKET, OTHER}


_CONVERSATIONS = update(tables.CONVERSATION, ("id",), [], "postgres", versioned=True).query(1)
_BY_KEY = {
    "what is written": (all_or_nothing_sql((_CONVERSATIONS,), tell=False), ("[]", "[0]", "[]")),
    "what is held": (hold_sql(tables.CONVERSATION), ("[]",)),
    "what is looked up": (LOOK_UP, ("[]", "[]", "{}")),
    "members of a list": (f"SELECT * FROM ticket WHERE number IN {in_list('postgres', 'bigint')}", ("[]",)),
}


@pytest.mark.parametrize("which", _BY_KEY)
async def test_rows_are_found_by_their_key_in_a_table_that_postgres_knows_little_of(
    database: Database, which: str
) -> None:
    filled = {
        "conversation": "'id', n, 'open_key', NULL",
        "ticket": "'number', 5000 + n",
        "received": "'key', 'more ' || n",
    }
    for table, changed in filled.items():
        await database.writer.execute_script(
            f"INSERT INTO {table} SELECT made.* "
            f"FROM (SELECT t FROM {table} AS t LIMIT 1) AS one, generate_series(1, 1000) AS n, "
            f"jsonb_populate_record(one.t, jsonb_build_object({changed})) AS made"
        )
    query, values = _BY_KEY[which]
    plan = [
        row["QUERY PLAN"]
        for row in await database.writer.execute_query_dict(f"EXPLAIN {query}", list(values))
    ]
    assert [step for step in plan if "Seq Scan" in step] == []
    assert any("Index Scan using" in step for step in plan)


@pytest.mark.parametrize("forgotten", ["nothing", "the conversation", "the ticket", "both"])
async def test_what_is_remembered_is_read_again_where_it_is_outdated(
    database: Database, forgotten: str
) -> None:
    memory = Memory()
    store = TortoiseStore(database, memory=memory)
    assert await looked_up(store, CHAT, SECOND) == await looked_up(store, CHAT, SECOND)
    await database.writer.execute_query(
        "UPDATE conversation SET version = 2, last_seq = 7 WHERE id = $1", [CHAT]
    )
    await database.writer.execute_query(
        "UPDATE ticket SET version = 2, subject = 'Another' WHERE number = $1", [OTHER]
    )
    memory.forget(
        [CHAT] if forgotten in ("the conversation", "both") else [],
        [OTHER] if forgotten in ("the ticket", "both") else [],
    )
    found, tickets = await looked_up(store, CHAT, SECOND)
    assert {c.id: (c.version, c.last_seq) for c in found.values()} == {
        CHAT: (2, 7),
        SECOND: (1, conversation().last_seq),
    }
    assert {t.number: t.version for t in tickets.values()} == {TICKET: 1, OTHER: 2}


async def test_a_conversation_that_moved_to_another_ticket_is_read_with_that(database: Database) -> None:
    store = TortoiseStore(database)
    await looked_up(store, CHAT)
    await database.writer.execute_query("UPDATE conversation SET version = 2, ticket = $1", [OTHER])
    found, tickets = await looked_up(store, CHAT)
    assert (found[CHAT].ticket, set(tickets)) == (OTHER, {OTHER})


async def test_what_is_told_while_a_batch_is_open_does_not_change_what_it_read(database: Database) -> None:
    memory = Memory()
    async with TortoiseStore(database, memory=memory).batch() as batch:
        await batch.received({"web:new"}, {CHAT})
        memory.forget([CHAT], [TICKET])
        (known,) = (await batch.conversations({CHAT})).values()
        assert (await batch.tickets({TICKET})).keys() == {TICKET}
        await batch.write(Changes(conversations={CHAT: replace(known, last_seq=9, version=2)}))
    found, _ = await looked_up(TortoiseStore(database), CHAT)
    assert found[CHAT].last_seq == 9


@pytest.mark.parametrize("held", ["conversation", "ticket"])
async def test_another_node_waits_for_what_a_batch_has_read_along(database: Database, held: str) -> None:
    async with TortoiseStore(database).batch() as batch:
        await batch.received({"web:new"}, {CHAT})
        query = f"UPDATE {held} SET version = version + 1 WHERE version = 1"
        other = asyncio.create_task(database.writer.execute_query(query))
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1"
        async with asyncio.timeout(10):
            while not await database.reader.execute_query_dict(waits, [f"UPDATE {held}%"]):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        (known,) = (await batch.conversations({CHAT})).values()
        await batch.write(Changes(conversations={CHAT: replace(known, last_seq=9, version=2)}))
    await other
    found, _ = await looked_up(TortoiseStore(database), CHAT)
    assert found[CHAT].last_seq == 9
