"""Batches worked on with what the store remembers: one look at the database, and never a wrong word."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import ConversationId, Message, Visibility
from chatdesk.errors import ConcurrentChange, EventRefused, NotRemembered
from chatdesk.events import Outcome, TicketCancelled, TicketTaken
from chatdesk.nodes import Node
from chatdesk.ticket import TicketNumber
from storage.database import Database, postgres_address
from storage.postgres_statements import NODES_CHANNEL
from storage.store import READ_FIRST, TortoiseStore
from tests.core_builders import message, new_desk, running, survey, url
from tests.desk_builders import CHAT, MARCUS, TICKET, TUESDAY, conversation, ticket


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database, each in turn."""
    return str(request.param)


async def test_what_is_not_at_hand_is_read(tmp_path: Path, kind: str) -> None:
    async with Database(url(tmp_path, kind)) as database:
        store = TortoiseStore(database)
        with pytest.raises(NotRemembered):
            async with store.batch(remembered=True) as batch:
                await batch.conversations([CHAT])


async def test_a_remembered_conversation_is_written_without_reading_it(tmp_path: Path, kind: str) -> None:
    async with Database(url(tmp_path, kind)) as database:
        store = TortoiseStore(database)
        async with store.batch() as batch:
            await batch.write(Changes(conversations={CHAT: conversation(version=1)}))
        async with store.batch(remembered=True) as batch:
            (known,) = (await batch.conversations([CHAT])).values()
            await batch.write(
                Changes(conversations={CHAT: replace(known, last_seq=5, changed_at=TUESDAY, version=2)})
            )
        async with store.batch() as batch:
            assert (await batch.conversations([CHAT]))[CHAT].last_seq == 5
        assert (await database.reader.execute_query_dict("SELECT last_seq FROM conversation"))[0][
            "last_seq"
        ] == 5


@pytest.mark.sqlite("its data_version")
async def test_whatever_another_process_has_written_stops_the_write_on_sqlite(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        store = TortoiseStore(database)
        async with store.batch() as batch:
            await batch.write(Changes(conversations={CHAT: conversation(version=1)}))
        with closing(sqlite3.connect(tmp_path / "desk.sqlite3", isolation_level=None)) as other:
            other.execute("INSERT INTO counter (name, value) VALUES ('elsewhere', 1)")
        with pytest.raises(ConcurrentChange):
            async with store.batch(remembered=True) as batch:
                (known,) = (await batch.conversations([CHAT])).values()
                await batch.write(
                    Changes(conversations={CHAT: replace(known, last_seq=5, changed_at=TUESDAY, version=2)})
                )
        assert (await database.reader.execute_query_dict("SELECT version FROM conversation"))[0][
            "version"
        ] == 1


async def test_an_event_received_before_is_not_written_again(tmp_path: Path, kind: str) -> None:
    async with Database(url(tmp_path, kind)) as database:
        store = TortoiseStore(database)
        seen = Changes(
            conversations={CHAT: conversation(version=1)}, received=[("web:1", Outcome(CHAT, 1, None))]
        )
        async with store.batch() as batch:
            await batch.write(seen)
        with pytest.raises(ConcurrentChange):
            async with store.batch(remembered=True) as batch:
                (known,) = (await batch.conversations([CHAT])).values()
                again = Changes(
                    conversations={CHAT: replace(known, last_seq=5, changed_at=TUESDAY, version=2)},
                    received=[("web:1", Outcome(CHAT, 5, None))],
                )
                await batch.write(again)
        assert (await database.reader.execute_query_dict("SELECT version FROM conversation"))[0][
            "version"
        ] == 1


async def test_a_repeated_message_is_answered_with_its_first_outcome(tmp_path: Path, kind: str) -> None:
    async with (
        Database(url(tmp_path, kind)) as database,
        running(new_desk(TortoiseStore(database))) as desk,
    ):
        chat = (await desk.receive(survey())).conversation
        assert chat is not None
        first = await desk.receive(message("m1", chat=chat, key="m1"))
        await desk.receive(message("m2", chat=chat))
        again = await desk.receive(message("m1", chat=chat, key="m1"))
        assert again == replace(first, repeated=True)
        rows = await database.reader.execute_query_dict("SELECT COUNT(*) AS n FROM message")
        assert rows[0]["n"] == first.seq + 1


async def test_a_repetition_that_would_be_refused_now_is_answered_as_before(
    tmp_path: Path, kind: str
) -> None:
    async with (
        Database(url(tmp_path, kind)) as database,
        running(new_desk(TortoiseStore(database))) as desk,
    ):
        number = (await desk.receive(survey())).ticket or TicketNumber(0)
        cancel = TicketCancelled(
            at=TUESDAY, channel="web", external_id="c1", ticket=number, agent=MARCUS, reason="a test"
        )
        first = await desk.receive(cancel)
        again = await desk.receive(cancel)
        assert again == replace(first, repeated=True)
        with pytest.raises(EventRefused):
            await desk.receive(
                TicketTaken(at=TUESDAY, channel="web", external_id="t1", ticket=number, agent=MARCUS)
            )


OTHERS_WRITE = {
    "conversation": "UPDATE conversation SET version = version + 1",
    "ticket": "UPDATE ticket SET version = version + 1",
}


@pytest.mark.parametrize("table", sorted(OTHERS_WRITE))
async def test_what_another_node_has_changed_stops_the_write_on_postgres(tmp_path: Path, table: str) -> None:
    said = Message(CHAT, 5, MARCUS.author, Visibility.PUBLIC, "Hello", TUESDAY, changed=5)
    async with Database(url(tmp_path, "postgres")) as database:
        store = TortoiseStore(database, node=Node("a"))
        async with store.batch() as batch:
            begun = Changes(
                conversations={CHAT: conversation(version=1)}, tickets={TICKET: ticket(version=1)}
            )
            await batch.write(begun)
        await database.writer.execute_query(OTHERS_WRITE[table])
        with pytest.raises(ConcurrentChange):
            async with store.batch(remembered=True) as batch:
                (known,) = (await batch.conversations([CHAT])).values()
                await batch.tickets([TICKET])
                later = replace(known, last_seq=5, changed_at=TUESDAY, version=2)
                await batch.write(Changes(conversations={CHAT: later}, messages=[said]))
        assert await database.reader.execute_query_dict("SELECT * FROM message") == []
        with pytest.raises(NotRemembered, match="Another node"):
            async with store.batch(remembered=True):
                pass


async def test_what_is_written_from_memory_is_told_to_the_other_nodes(tmp_path: Path) -> None:
    address = url(tmp_path, "postgres")
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with Database(address) as database:
        store = TortoiseStore(database, node=Node("a"))
        async with store.batch() as batch:
            await batch.write(Changes(conversations={CHAT: conversation(version=1)}))
        listener = await asyncpg.connect(postgres_address(address))
        try:
            await listener.add_listener(NODES_CHANNEL, lambda *told: heard.put_nowait(told[3]))
            await go_on(store, remembered=True)
            async with asyncio.timeout(5):
                told = json.loads(await heard.get())
        finally:
            await listener.close()
    ((identity, *_),) = told["went_on"]
    assert (told["node"], identity) == ("a", CHAT)


async def test_the_more_often_another_node_was_faster_the_longer_batches_read_first(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        store = TortoiseStore(database, node=Node("a"))
        async with store.batch() as batch:
            await batch.write(Changes(conversations={CHAT: conversation(version=1)}))
        conflicts = [await batches_until_outdated(store, database) for _ in range(8)]
        assert conflicts == [1, 2, 3, 5, 9, 17, READ_FIRST + 1, READ_FIRST + 1]
        assert await batches_until_outdated(store, database, remembered=1) == READ_FIRST + 2
        assert await batches_until_outdated(store, database) == READ_FIRST // 2 + 1


async def test_after_a_large_batch_was_outdated_many_read_first(tmp_path: Path) -> None:
    names = [ConversationId(f"chat{number}") for number in range(READ_FIRST + 1)]
    async with Database(url(tmp_path, "postgres")) as database:
        store = TortoiseStore(database, node=Node("a"))
        begun = {name: conversation(id=name, visitor=name, version=1) for name in names}
        async with store.batch() as batch:
            await batch.write(Changes(conversations={CHAT: conversation(version=1), **begun}))
        await database.writer.execute_query(OTHERS_WRITE["conversation"])
        with pytest.raises(ConcurrentChange):
            async with store.batch(remembered=True) as batch:
                known = await batch.conversations(names)
                changed = {c.id: replace(c, version=c.version + 1) for c in known.values()}
                await batch.write(Changes(conversations=changed))
        assert await batches_until_outdated(store, database) == READ_FIRST + 1


async def batches_until_outdated(store: TortoiseStore, database: Database, remembered: int = 0) -> int:
    """Have another node write before each batch, after this many from memory; return which one conflicts."""
    count = 0
    while True:
        count += 1
        try:
            async with store.batch(remembered=True) as batch:
                known = (await batch.conversations([CHAT]))[CHAT]
                if not remembered:
                    await database.writer.execute_query(OTHERS_WRITE["conversation"])
                await batch.write(Changes(conversations={CHAT: replace(known, version=known.version + 1)}))
            remembered -= 1
        except NotRemembered:
            await go_on(store, remembered=False)
        except ConcurrentChange:
            await go_on(store, remembered=False)
            return count


async def go_on(store: TortoiseStore, *, remembered: bool) -> None:
    async with store.batch(remembered=remembered) as batch:
        known = (await batch.conversations([CHAT]))[CHAT]
        await batch.write(Changes(conversations={CHAT: replace(known, version=known.version + 1)}))
