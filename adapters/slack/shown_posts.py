"""Changes of the app's own posts, each made only where the post would say something else by it."""

from __future__ import annotations

import json

from adapters.slack.api import SlackApi
from adapters.slack.memory import Memory
from adapters.slack.payload import Block
from chatdesk.errors import DeliveryRefused

MAX_REMEMBERED = 5_000


class ShownPosts:
    """Remembers what posts show: several changes of a ticket may be answered by one.

    ``node`` is this process; the memory that nodes share has which of them changed a post last.
    """

    def __init__(self, api: SlackApi, memory: Memory, node: str) -> None:
        self._api = api
        self._memory = memory
        self._node = node
        self._shown: dict[str, str] = {}

    def remember(self, channel: str, ts: str, blocks: list[Block]) -> None:
        """Note what a post shows."""
        if len(self._shown) >= MAX_REMEMBERED:
            self._shown.clear()
        self._shown[f"{channel}:{ts}"] = json.dumps(blocks)

    async def change(self, channel: str, ts: str, words: str, blocks: list[Block]) -> None:
        """Update a post unless it shows this already; one that was deleted in Slack stays so.

        Raises DeliveryError.
        """
        key = f"{channel}:{ts}"
        by, known = await self._memory.changed_by(channel, ts), self._shown.get(key)
        last = by in ("", self._node) and known is not None
        if last and known == json.dumps(blocks):
            return
        self._shown.pop(key, None)
        if not last and by != self._node:
            # Before the change: whatever becomes of it, no other node may trust its own memory any more.
            await self._memory.keep_changed_by(channel, ts, self._node)
        try:
            await self._api.write("chat.update", channel=channel, ts=ts, text=words, blocks=blocks)
        except DeliveryRefused as refused:
            if "message_not_found" not in str(refused):
                raise
            # Somebody has deleted it in Slack; the ticket itself is not lost by that.
            return
        self.remember(channel, ts, blocks)
