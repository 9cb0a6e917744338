"""Whether a post of the app's is in Slack already, by the key that it carries."""

from __future__ import annotations

from datetime import datetime, timedelta

from adapters.slack.api import SlackApi
from adapters.slack.payload import part, text

SKEW = timedelta(minutes=5)
"""How much Slack's clock may be behind the desk's."""


async def find_post(api: SlackApi, channel: str, thread: str, key: str, since: datetime) -> str | None:
    """Return the ts of our post that carries the key, in the thread or, without one, in the channel.

    Raises DeliveryDelayed or DeliveryRefused when Slack cannot be asked.
    """
    oldest = f"{(since - SKEW).timestamp():.6f}"
    query: dict[str, str | int] = {
        "channel": channel,
        "oldest": oldest,
        "limit": 200,
        "include_all_metadata": "true",
    }
    method = "conversations.history"
    if thread:
        method, query = "conversations.replies", {**query, "ts": thread}
    async for message in api.pages(method, **query):
        if text(part(message, "metadata", "event_payload"), "delivery") == key:
            return text(message, "ts")
    return None
