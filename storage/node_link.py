"""The link between the nodes of one desk on PostgreSQL: hears what others commit, tells who is here.

Commits tell what they changed, or ids only [storage.announcements]. What is missing is read here, for those
conversations only that somebody on this node listens to. A link that was lost compares every such
conversation with the database when it is back, so nothing that was told meanwhile is missed.

A node that hears of no others tells nothing of what it commits. One that comes says so first; it is answered
when all that was on its way without being told of is committed, and then reads what its people look at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import asyncpg
import structlog
from msgspec import DecodeError

from chatdesk.conversation import Author, AuthorKind, ConversationId
from chatdesk.errors import DatabaseUnavailable, StorageError
from chatdesk.hub import ConversationChanged, Hub, QueueChanged, TicketsChanged, Typing
from chatdesk.nodes import Node
from chatdesk.pauses import happens_within
from chatdesk.shared_facts import SharedFacts
from storage.announcements import Told, Typist, WentOn, beginning, following, packed, read_told
from storage.database import Database, postgres_address
from storage.memory import Memory
from storage.missing_news import MissingNews
from storage.postgres_errors import connected, translated
from storage.postgres_statements import NODES_CHANNEL

log = structlog.get_logger(__name__)

BEAT = 2.0
"""Seconds between two signs of life; a node not heard of for three of them is taken for gone.

Who hears of none, and was not answered for one of them, takes itself for alone.
"""
GATHER = 0.02
"""Seconds in which what people do gathers, so that it is told at once."""
GRACE = 0.1
"""Seconds, at most, in which what another node has committed may be heard of later than what followed it."""
RETRY_AFTER = 0.5


class NodeLink:
    """One node's link to the others; ``run`` has to be running. ``node`` is this node itself.

    ``memory`` is what this node's batches remember, which follows what others tell. ``wake`` is called when
    another node queued deliveries: should it die, this one sends them.
    """

    def __init__(
        self,
        database: Database,
        node: Node,
        hub: Hub,
        facts: SharedFacts,
        memory: Memory,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._node = node
        self._own = beginning(node.name)
        self._hub = hub
        self._facts = facts
        self._memory = memory
        self._wake = wake
        self._missing = MissingNews(database, hub, memory)
        self._typing: list[Typist] = []
        self._changed: dict[str, str | None] = {}
        self._greet = self._whole = False
        self._asked: set[ConversationId] = set()
        self._heard_at: dict[str, float] = {}
        self._linked_at = 0.0
        self._lost = asyncio.Event()
        self._news = asyncio.Event()
        self._stopping = False
        self.connected = False
        hub.ask_missing = self._ask
        hub.is_asked = self._missing.is_wanted
        hub.on_behind = self._read_behind
        hub.on_untold = self._look_anew
        hub.on_signal = self._signal
        facts.on_own = self._say

    def stop(self) -> None:
        """Let ``run`` end."""
        self._stopping = True
        self._news.set()

    async def run(self) -> None:
        """Keep up the link until ``stop``."""
        while not self._stopping:
            try:
                await self._linked()
            except (StorageError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("node_link_lost", error=str(error))
            except Exception:
                # Whatever is wrong with the link, this node's own people are served without it.
                log.exception("node_link_broke")
            finally:
                # Others that come cannot be heard of.
                self.connected, self._node.may_have_others = False, True
            if not self._stopping:
                await asyncio.sleep(RETRY_AFTER)

    async def _linked(self) -> None:
        address = postgres_address(self._database.url)
        connection = await connected(asyncpg.connect, address, timeout=10.0, command_timeout=10.0)
        try:
            self._lost.clear()
            connection.add_termination_listener(self._on_lost)
            await translated(connection.add_listener, NODES_CHANNEL, self._on_told)
            self.connected, self._linked_at = True, asyncio.get_running_loop().time()
            self._greet = self._whole = True
            # What was told before this moment is looked for.
            self._missing.want_all()
            await self._until_lost(connection)
        finally:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                connection.terminate()

    async def _until_lost(self, connection: asyncpg.Connection) -> None:
        reading = asyncio.create_task(self._missing.run())
        try:
            while not self._stopping:
                if self._lost.is_set():
                    raise DatabaseUnavailable("the connection was closed")
                if reading.done():
                    reading.result()
                await self._tell(connection)
                self._forget_silent()
                _ = await happens_within(self._news, BEAT)
                self._news.clear()
                await asyncio.sleep(GATHER)
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    async def _tell(self, connection: asyncpg.Connection) -> None:
        """Tell the others what has gathered; nothing is a sign of life all the same.

        Who is told everything reads what was committed before: also what is on its way and is not told.
        """
        if self._whole:
            await self._node.written()
        typing, self._typing = self._typing, []
        changed, self._changed = self._changed, {}
        whole, greet, self._whole, self._greet = self._whole, self._greet, False, False
        facts = [[key, value] for key, value in (dict(self._facts.own) if whole else changed).items()]
        head: dict[str, str | bool] = {"node": self._node.name, "beat": True}
        if greet:
            head["greet"] = True
        texts = packed({**head, "whole": whole}, {}) if whole else []
        texts += packed(head, {"typing": typing, "facts": facts})
        for text in texts:
            await translated(connection.execute, "SELECT pg_notify($1, $2)", NODES_CHANNEL, text)

    def _on_lost(self, _: object) -> None:
        self._lost.set()
        self._news.set()

    def _on_told(self, _: object, __: int, ___: str, text: object) -> None:
        text = str(text)
        if text.startswith(self._own):
            return
        try:
            told = read_told(text)
        except DecodeError as error:
            # Another program's word for something: whatever it was about is looked for.
            log.warning("announcement_unreadable", error=str(error))
            self._memory.clear()
            self._missing.want_all()
            return
        if told.beat:
            self._on_beat(told)
        for item in told.went_on:
            self._on_went_on(item)
        self._memory.forget(told.conversations, told.changed)
        if told.conversations:
            self._missing.want(told.conversations, told.changed)
        if told.tickets or told.announced:
            self._hub.pass_on_to_desk(TicketsChanged(frozenset(told.tickets), told.announced))
        if told.queue:
            self._hub.pass_on_to_desk(QueueChanged())
        if told.deliveries:
            self._wake()

    def _on_went_on(self, told: WentOn) -> None:
        remembered = self._memory.follow(told)
        if not self._hub.listeners(told.id):
            return
        newest = self._hub.newest(told.id)
        if newest is not None and newest.version >= told.version:
            return
        after = remembered or following(newest, told)
        if after is None:
            self._missing.want([told.id])
        else:
            self._hub.pass_on_next(ConversationChanged(after, told.messages, None))

    def _on_beat(self, told: Told) -> None:
        node = told.node
        self._heard_at[node] = asyncio.get_running_loop().time()
        self._node.may_have_others = True
        if told.greet or not self._facts.knows(node):
            # It does not know this node's facts, or this one was away: both say everything again.
            self._whole = True
            self._greet = self._greet or not self._facts.knows(node)
            self._news.set()
        if told.whole:
            self._facts.hear(node, {}, whole=True)
            # It may not have known of this node, and told nothing of what it committed until now.
            self._missing.want_all()
        elif self._facts.knows(node):
            self._facts.hear(node, dict(told.facts))
        for conversation, kind, identity, name, on, internal in told.typing:
            by = Author(AuthorKind(kind), identity, name)
            self._hub.pass_on(Typing(conversation, by, on, internal))

    def _forget_silent(self) -> None:
        now = asyncio.get_running_loop().time()
        silent, unanswered = now - 3 * BEAT, now - BEAT
        for node in [node for node, at in self._heard_at.items() if at < silent]:
            del self._heard_at[node]
            self._facts.forget(node)
        self._node.may_have_others = bool(self._heard_at) or self._linked_at >= unanswered

    def _ask(self, conversation: ConversationId) -> None:
        """Read it soon, unless what is missing of it comes by itself, as it nearly always does."""
        if not self._asked:
            asyncio.get_running_loop().call_later(GRACE, self._read_asked)
        self._asked.add(conversation)

    def _read_asked(self) -> None:
        asked, self._asked = self._asked, set()
        self._missing.want([one for one in asked if self._hub.waits(one)], whole=True)

    def _read_behind(self, conversation: ConversationId) -> None:
        self._missing.want([conversation], whole=True)

    def _look_anew(self) -> None:
        """Read all that people look at, here and on the other nodes: something was told to nobody."""
        self._missing.want_all()
        self._whole = True
        self._news.set()

    def _signal(self, typing: Typing) -> None:
        by = typing.by
        self._typing.append((typing.conversation, by.kind.value, by.id, by.name, typing.on, typing.internal))
        self._news.set()

    def _say(self, key: str, value: str | None) -> None:
        self._changed[key] = value
        self._news.set()
