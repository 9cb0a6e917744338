"""Changes of the app's own posts, each made only where the post would say something else by it."""

from __future__ import annotations

import json

from adapters.slack.api import SlackApi
from adapters.slack.payload import Block
from chatdesk.errors import DeliveryRefused

MAX_REMEMBERED = 5_000


class ShownPosts:
    """Remembers what posts show: several changes of a ticket may be answered by one."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
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
        if self._shown.get(key) == json.dumps(blocks):
            return
        self._shown.pop(key, None)
        try:
            await self._api.write("chat.update", channel=channel, ts=ts, text=words, blocks=blocks)
        except DeliveryRefused as refused:
            if "message_not_found" not in str(refused):
                raise
            # Somebody has deleted it in Slack; the ticket itself is not lost by that.
            return
        self.remember(channel, ts, blocks)
