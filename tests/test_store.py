"""The store on SQLite: what only a real database can do wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatdesk.changes import Changes
from chatdesk.conversation import Author, AuthorKind, Live, Message, Visibility, Waiting
from chatdesk.errors import ConcurrentChange
from chatdesk.outbox import DeliveryStatus
from storage.cache import Cache
from storage.database import Database
from storage.outbox import TortoiseOutbox
from storage.store import TortoiseStore
from tests.asking import ask
from tests.core_builders import delivery, queue_up, url
from tests.desk_builders import CHAT, TICKET, TUESDAY, conversation, ticket

DANA = Author(AuthorKind.CUSTOMER, "dana", "Dana Reyes")


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("a\x00b", "a\ufffdb"),
        ("\x00", "\ufffd"),
        ("\x00\x00 end", "\ufffd\ufffd end"),
        (r"a\u0000b", r"a\u0000b"),
        ("back\\\x00slash", "back\\\ufffdslash"),
        ("\\\\u0000", "\\\\u0000"),
    ],
)
async def test_a_nul_is_replaced_and_cuts_no_text_short(tmp_path: Path, written: str, stored: str) -> None:
    message = Message(CHAT, 1, DANA, Visibility.PUBLIC, written, TUESDAY, changed=1)
    async with Database(url(tmp_path)) as database:
        store = TortoiseStore(database)
        async with store.batch() as batch:
            await batch.write(Changes(messages=[message]))
        async with store.batch() as batch:
            (found,) = await batch.messages([(CHAT, 1)])
    assert found.text == stored


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_change_by_another_process_is_seen_at_once(tmp_path: Path, kind: str) -> None:
    address = url(tmp_path, kind)
    async with Database(address) as database:
        store = TortoiseStore(database)
        async with store.batch() as batch:
            await batch.write(Changes(conversations={CHAT: conversation(version=1)}))
        statement = "UPDATE conversation SET state = 'live', state_data = $1, version = 2"
        _ = await ask(address, statement, '{"agents":["priya"]}')
        async with store.batch() as batch:
            assert (await batch.conversations([CHAT]))[CHAT].state == Live(("priya",))


async def test_what_was_rolled_back_is_not_remembered(tmp_path: Path) -> None:
    async with Database(url(tmp_path)) as database:
        store = TortoiseStore(database)
        with pytest.raises(ConcurrentChange):
            async with store.batch() as batch:
                await batch.write(Changes(conversations={CHAT: conversation(version=1)}))
                raise ConcurrentChange
        async with store.batch() as batch:
            assert await batch.conversations([CHAT]) == {}


async def test_a_conversation_that_cannot_be_read_keeps_no_other_from_the_queue(tmp_path: Path) -> None:
    waiting = Waiting(TUESDAY, TUESDAY)
    odd = conversation(waiting, version=1, id="odd", visitor="sam")
    changes = Changes(conversations={CHAT: conversation(waiting, version=1), odd.id: odd})
    changes.tickets[TICKET] = ticket()
    async with Database(url(tmp_path)) as database:
        store = TortoiseStore(database)
        async with store.batch() as batch:
            await batch.write(changes)
        await database.writer.execute_query("UPDATE conversation SET state_data = '{' WHERE id = 'odd'")
        async with store.batch() as batch:
            assert [entry.conversation for entry in await batch.queue()] == [CHAT]
        async with TortoiseStore(database).batch() as batch:
            with pytest.raises(ValueError, match="cannot be read"):
                await batch.conversations([odd.id])


async def test_a_delivery_that_cannot_be_read_fails_and_holds_up_no_other(tmp_path: Path) -> None:
    async with Database(url(tmp_path)) as database:
        await queue_up(TortoiseStore(database), delivery("odd"), delivery("plain"))
        await database.writer.execute_query("UPDATE delivery SET kind = 'fax' WHERE id = 'odd'")
        outbox = TortoiseOutbox(database)
        assert list(await outbox.lease(TUESDAY, TUESDAY, 10)) == []
        (row,) = await database.writer.execute_query_dict(
            "SELECT status, error FROM delivery WHERE id = 'odd'"
        )
        assert row["status"] == DeliveryStatus.FAILED
        assert "fax" in row["error"]
        assert [leased.id for leased in await outbox.lease(TUESDAY, TUESDAY, 10)] == ["plain"]


def test_a_cache_drops_what_was_not_used_for_longest() -> None:
    cache: Cache[str, int] = Cache(size=2)
    cache.put({"a": 1, "b": 2})
    assert cache.pick(["a"]) == ({"a": 1}, [])
    cache.put({"c": 3})
    assert cache.pick(["a", "b", "c"]) == ({"a": 1, "c": 3}, ["b"])


def test_a_cache_keeps_at_least_as_many_as_it_is_made_for_and_at_most_twice_as_many() -> None:
    cache: Cache[int, int] = Cache(size=10)
    for number in range(100):
        cache.put({number: number})
        kept = [known for known in range(number + 1) if cache.peek(known) == known]
        assert kept == list(range(number + 1))[-len(kept) :]
        assert min(number + 1, 10) <= len(kept) <= 20


def test_a_cache_knows_a_record_as_it_was_put_last_until_it_is_dropped() -> None:
    cache: Cache[str, int] = Cache(size=2)
    cache.put({"a": 1, "b": 1})
    cache.put({"a": 2})
    assert (cache.peek("a"), cache.pick(["a", "b"])) == (2, ({"a": 2, "b": 1}, []))
    cache.drop(["a"])
    assert (cache.peek("a"), cache.pick(["a"])) == (None, ({}, ["a"]))
    cache.clear()
    assert cache.pick(["b"]) == ({}, ["b"])
