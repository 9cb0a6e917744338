"""What a node hears of another: people and batches here go on from it, late and lost announcements too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from chatdesk.changes import Changes
from chatdesk.conversation import ConversationId, Message, Visibility
from chatdesk.errors import ConcurrentChange, NotRemembered
from chatdesk.hub import ConversationChanged, ConversationNews, Hub
from chatdesk.nodes import Node
from storage import node_link
from storage.announcements import announcements
from storage.database import Database
from storage.memory import Memory
from storage.postgres_statements import NODES_CHANNEL
from storage.store import TortoiseStore
from tests import postgres_server
from tests.core_builders import url
from tests.desk_builders import CHAT, TICKET, TUESDAY, conversation, ticket
from tests.linked_nodes import DANA, linked_node, say, until

pytestmark = pytest.mark.postgres

OTHER = Node("other")


@dataclass
class Linked:
    """A node with a link, somebody on it who listens, and another node's store on the same database."""

    database: Database
    hub: Hub
    memory: Memory
    own: TortoiseStore
    other: TortoiseStore
    heard: asyncio.Queue[ConversationNews]

    async def tell(self, text: str) -> None:
        """Announce something in the other node's name."""
        await self.database.writer.execute_query("SELECT pg_notify($1, $2)", [NODES_CHANNEL, text])

    async def next(self) -> tuple[int, list[str]]:
        """Wait for news; return the conversation's version and the messages' texts."""
        async with asyncio.timeout(10):
            news = await self.heard.get()
        assert isinstance(news, ConversationChanged)
        return news.conversation.version, [message.text for message in news.messages]

    def remembered(self) -> int | None:
        """Return the version of the conversation as this node remembers it."""
        known = self.memory.conversations.peek(CHAT)
        return known.version if known else None


@pytest.fixture
async def linked(tmp_path: Path) -> AsyncIterator[Linked]:
    async with Database(url(tmp_path, "postgres")) as database, running_link(database) as found:
        yield found


@asynccontextmanager
async def running_link(database: Database) -> AsyncIterator[Linked]:
    hub, memory, heard, node = Hub(), Memory(), asyncio.Queue[ConversationNews](), Node("own")
    own = TortoiseStore(database, node=node, memory=memory)
    begun = conversation(version=1)
    async with own.batch() as batch:
        await batch.write(Changes(conversations={CHAT: begun}, tickets={TICKET: ticket(version=1)}))
    hub.listen(CHAT, heard.put_nowait)
    hub.told(begun)
    async with linked_node(database, node, hub, memory):
        await until(lambda: not hub.is_asked(CHAT))
        yield Linked(database, hub, memory, own, TortoiseStore(database, node=OTHER), heard)


async def test_batches_go_on_from_what_another_node_told_without_reading(linked: Linked) -> None:
    await say(linked.other)
    version, texts = await linked.next()
    assert (version, linked.remembered()) == (2, 2)
    committed = await say(linked.own, remembered=True)
    assert committed.conversations[CHAT].version == 3
    (posted,) = committed.messages
    assert texts == [f"number {posted.seq - 1}"]


async def test_an_announcement_that_comes_late_takes_nothing_back(linked: Linked) -> None:
    first = await say(linked.other)
    await linked.next()
    await say(linked.other)
    await linked.next()
    for text in announcements(OTHER, first, [CHAT]):
        await linked.tell(text)
    await say(linked.other)
    assert (await linked.next())[0] == 4
    assert linked.remembered() == 4
    assert linked.heard.empty()


async def written_after_another(linked: Linked) -> Changes:
    """Have this node commit after another that was not heard of yet; return what that had committed."""
    first = await say(TortoiseStore(linked.database))
    linked.hub.publish(await say(linked.own))
    return first


async def test_what_is_committed_here_waits_for_what_another_node_is_about_to_tell(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is not read in time.
    monkeypatch.setattr(node_link, "GRACE", 60.0)
    first = await written_after_another(linked)
    assert linked.heard.empty()
    for text in announcements(OTHER, first, [CHAT]):
        await linked.tell(text)
    assert await linked.next() == (2, ["number 1"])
    assert await linked.next() == (3, ["number 2"])


async def test_what_another_node_does_not_tell_is_read_with_what_was_committed_here(linked: Linked) -> None:
    await written_after_another(linked)
    assert await linked.next() == (3, ["number 1", "number 2"])
    assert not linked.hub.waits(CHAT)


async def test_what_a_lost_announcement_told_is_read_and_told_in_order(linked: Linked) -> None:
    silent = TortoiseStore(linked.database)
    lost = (await say(silent)).messages[0]
    with pytest.raises(ConcurrentChange):
        await say(linked.own, remembered=True)
    told = (await say(linked.other)).messages[0]
    assert await linked.next() == (3, [lost.text, told.text])
    assert linked.remembered() == 3
    with pytest.raises(NotRemembered):
        await say(linked.own, remembered=True)
    assert (await say(linked.own, remembered=True)).messages[0].seq == told.seq + 1


async def test_what_a_node_committed_itself_is_not_heard_again(linked: Linked) -> None:
    await say(linked.own)
    await say(linked.other)
    assert (await linked.next())[0] == 3


async def test_who_is_shown_a_chat_as_it_was_hears_of_what_another_was_shown(linked: Linked) -> None:
    """The first was shown a message with the chat: the announcement of it, which came later, told nobody."""
    (before,) = filter(None, linked.hub.listened().values())
    linked.hub.unlisten(CHAT, linked.heard.put_nowait)
    shown = (await say(linked.other)).conversations[CHAT]
    linked.hub.listen(CHAT, linked.heard.put_nowait)
    linked.hub.told(shown)
    await say(linked.other)
    assert await linked.next() == (3, ["number 2"])
    linked.hub.told(before)
    assert await linked.next() == (3, ["number 1", "number 2"])


async def test_what_is_told_by_its_id_is_read_and_remembered(linked: Linked) -> None:
    async with linked.other.batch() as batch:
        known = (await batch.conversations([CHAT]))[CHAT]
        of_ticket = (await batch.tickets([TICKET]))[TICKET]
        await batch.write(
            Changes(
                conversations={CHAT: replace(known, version=2)},
                tickets={TICKET: replace(of_ticket, subject="Another", version=2)},
            )
        )
    assert (await linked.next())[0] == 2
    found = linked.memory.tickets.peek(TICKET)
    assert found is not None
    assert (linked.remembered(), found.subject) == (2, "Another")
    await say(linked.own, remembered=True)


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE conversation SET state = 'on_hold' WHERE id = 'other'",
        "UPDATE message SET visibility = 'shown' WHERE conversation = 'other'",
        f"UPDATE ticket SET status = 'on_hold' WHERE number = {TICKET}",
    ],
)
async def test_what_cannot_be_read_keeps_nothing_else_from_being_told(linked: Linked, broken: str) -> None:
    """As a newer version writes it while the nodes are updated one after the other."""
    other, silent = ConversationId("other"), TortoiseStore(linked.database)
    linked.hub.listen(other, lambda _: None)
    async with silent.batch() as batch:
        said = Message(other, 1, DANA, Visibility.PUBLIC, "Hello", TUESDAY, changed=1)
        begun = conversation(id=other, visitor="tom", version=1, last_seq=1)
        await batch.write(Changes(conversations={other: begun}, messages=[said]))
    missed = (await say(silent)).messages[0]
    await linked.database.writer.execute_query(broken)
    # Everything is looked for.
    await linked.tell("?")
    assert await linked.next() == (2, [missed.text])
    told = (await say(linked.other)).messages[0]
    assert await linked.next() == (3, [told.text])


@pytest.mark.parametrize("why", postgres_server.REFUSALS)
async def test_a_link_waits_for_a_database_that_cannot_be_connected_to(
    linked: Linked, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(node_link, "RETRY_AFTER", 0.01)
    with capture_logs() as logs:
        with postgres_server.refusing(linked.database.url, why):
            await until(lambda: len(logs) > 3)
        said = (await say(linked.other)).messages[0]
        assert await linked.next() == (2, [said.text])
    assert {entry["event"] for entry in logs} == {"node_link_lost"}


async def test_a_link_goes_on_after_a_fault_of_its_own(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_link, "RETRY_AFTER", 0.01)
    with monkeypatch.context() as faulty, capture_logs() as logs:
        faulty.setattr(node_link, "packed", None)
        await until(lambda: "node_link_broke" in {entry["event"] for entry in logs})
    said = (await say(linked.other)).messages[0]
    assert await linked.next() == (2, [said.text])


@pytest.mark.parametrize("text", ["?", '{"node":"other","went_on":[[7]]}'])
async def test_after_an_announcement_that_cannot_be_read_everything_is_looked_for(
    linked: Linked, text: str
) -> None:
    missed = (await say(TortoiseStore(linked.database))).messages[0]
    await linked.tell(text)
    assert await linked.next() == (2, [missed.text])
    assert linked.remembered() == 2
