"""Nodes linked by one PostgreSQL, and what they say in a conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import Author, AuthorKind, Message, Visibility
from chatdesk.hub import Hub
from chatdesk.nodes import Node
from chatdesk.shared_facts import SharedFacts
from storage.batch import TortoiseBatch
from storage.database import Database
from storage.memory import Memory
from storage.node_link import NodeLink
from storage.store import TortoiseStore
from tests.desk_builders import CHAT, TUESDAY

DANA = Author(AuthorKind.CUSTOMER, "dana", "Dana Reyes")


@asynccontextmanager
async def linked_node(database: Database, node: Node, hub: Hub, memory: Memory) -> AsyncIterator[None]:
    """Run a node's link, from its first word to the others on."""
    link = NodeLink(database, node, hub, SharedFacts(), memory, lambda: None)
    running = asyncio.create_task(link.run())
    try:
        await until(lambda: link.connected)
        yield
    finally:
        link.stop()
        await running


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what links do in tasks of their own."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.005)


async def write_next(batch: TortoiseBatch) -> Changes:
    """Write the conversation's next message; return what is committed with the batch."""
    known = (await batch.conversations([CHAT]))[CHAT]
    seq = known.last_seq + 1
    said = Message(CHAT, seq, DANA, Visibility.PUBLIC, f"number {seq}", TUESDAY, changed=seq)
    changed = replace(known, last_seq=seq, version=known.version + 1)
    changes = Changes(conversations={CHAT: changed}, messages=[said])
    await batch.write(changes)
    return changes


async def say(store: TortoiseStore, *, remembered: bool = False) -> Changes:
    """Have a node write the next message; return what it committed."""
    async with store.batch(remembered=remembered) as batch:
        return await write_next(batch)
