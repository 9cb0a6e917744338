"""A node that is alone tells nothing of what it commits; one that comes misses none of it all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from chatdesk.changes import Changes
from chatdesk.conversation import Conversation
from chatdesk.hub import ConversationChanged, ConversationNews, Hub
from chatdesk.nodes import Node
from storage import node_link
from storage.database import Database, postgres_address
from storage.memory import Memory
from storage.postgres_statements import NODES_CHANNEL
from storage.store import TortoiseStore
from tests.core_builders import url
from tests.desk_builders import CHAT, conversation
from tests.linked_nodes import linked_node, say, until, write_next

pytestmark = pytest.mark.postgres


class WatchedNode(Node):
    """A node that shows when it waits for what is on its way."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.waits = asyncio.Event()

    async def written(self) -> None:
        if self._on_their_way:
            self.waits.set()
        await super().written()


@dataclass
class Linked:
    """A node with its store and somebody who listens to the conversation."""

    node: WatchedNode
    store: TortoiseStore
    hub: Hub
    heard: list[int]

    def shown(self, stored: Conversation) -> None:
        """Have somebody listen, who is shown the conversation as it is stored."""
        self.hub.listen(CHAT, self._hear)
        self.hub.told(stored)

    def has_heard(self, said: Sequence[int]) -> bool:
        """Tell whether all that was said, and nothing else, was heard; pages know what comes twice."""
        return sorted(set(self.heard)) == list(said)

    def _hear(self, news: ConversationNews) -> None:
        assert isinstance(news, ConversationChanged)
        self.heard.extend(message.seq for message in news.messages)


@asynccontextmanager
async def linked(database: Database, name: str) -> AsyncIterator[Linked]:
    hub, memory, node = Hub(), Memory(), WatchedNode(name)
    store = TortoiseStore(database, node=node, memory=memory)
    async with linked_node(database, node, hub, memory):
        yield Linked(node, store, hub, [])


async def said_by(node: Linked) -> Conversation:
    """Have the node say something; return the conversation after it."""
    return (await say(node.store)).conversations[CHAT]


@pytest.fixture
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    # Who is not answered counts as alone after a tenth of a second, who falls silent as gone after three.
    monkeypatch.setattr(node_link, "BEAT", 0.1)
    async with Database(url(tmp_path, "postgres")) as opened:
        async with TortoiseStore(opened).batch() as batch:
            await batch.write(Changes(conversations={CHAT: conversation(version=1)}))
        yield opened


@asynccontextmanager
async def announced(database: Database) -> AsyncIterator[asyncio.Queue[str]]:
    """Listen to what nodes announce."""
    texts: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(postgres_address(database.url))
    try:
        await listener.add_listener(NODES_CHANNEL, lambda *told: texts.put_nowait(told[3]))
        yield texts
    finally:
        await listener.close()


async def heard(texts: asyncio.Queue[str], wanted: Callable[[str], bool]) -> list[str]:
    """Wait for such an announcement; return all up to it."""
    found: list[str] = []
    async with asyncio.timeout(10):
        while not found or not wanted(found[-1]):
            found.append(await texts.get())
    return found


async def test_a_node_that_hears_of_no_other_stops_telling_what_it_commits(database: Database) -> None:
    async with announced(database) as texts, linked(database, "a") as a:
        await until(lambda: not a.node.may_have_others)
        await said_by(a)
        await database.writer.execute_query("SELECT pg_notify($1, 'the last')", [NODES_CHANNEL])
        told = await heard(texts, lambda text: text == "the last")
        assert not any("went_on" in text for text in told)


async def test_who_comes_hears_of_what_was_on_its_way_without_being_told_of(database: Database) -> None:
    async with linked(database, "a") as a:
        await until(lambda: not a.node.may_have_others)
        async with AsyncExitStack() as stack:
            async with a.store.batch() as batch:
                (said,) = (await write_next(batch)).messages
                b = await stack.enter_async_context(linked(database, "b"))
                b.shown(conversation(version=1))
                async with asyncio.timeout(10):
                    await a.node.waits.wait()
                assert b.heard == []
            await until(lambda: b.heard == [said.seq])


async def test_nodes_that_come_while_another_talks_miss_nothing(database: Database) -> None:
    async with linked(database, "a") as a:
        for number in range(5):
            await until(lambda: not a.node.may_have_others)
            before = await said_by(a)
            async with linked(database, f"b{number}") as b:
                b.shown(before)
                last = await said_by(a)
                while not a.node.may_have_others:
                    last = await said_by(a)
                for _ in range(3):
                    last = await said_by(a)
                said = list(range(before.last_seq + 1, last.last_seq + 1))
                await until(partial(b.has_heard, said))


async def test_what_is_found_to_be_committed_is_read_here_and_by_the_other_nodes(database: Database) -> None:
    async with announced(database) as texts, linked(database, "a") as a:
        a.shown(conversation(version=1))
        # Its first words are over, which have everything read as well.
        await heard(texts, lambda text: '"beat":true' in text and '"whole"' not in text)
        (said,) = (await say(TortoiseStore(database))).messages
        a.hub.publish(Changes(recovered=True))
        await heard(texts, lambda text: '"whole":true' in text)
        await until(partial(a.has_heard, [said.seq]))


async def test_what_begins_later_is_not_waited_for() -> None:
    node = Node("a")
    end_first = node.begin_writing()
    waiting = asyncio.create_task(node.written())
    await asyncio.sleep(0)
    end_second = node.begin_writing()
    assert not waiting.done()
    end_first()
    await waiting
    end_second()
    await node.written()
