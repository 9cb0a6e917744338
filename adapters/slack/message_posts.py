"""One post of a message in a thread, whoever reads it there."""

from __future__ import annotations

from adapters.slack.api import SlackApi, message_metadata
from adapters.slack.card import message_summary, username
from adapters.slack.pacing import Pacer
from adapters.slack.payload import Block, text
from chatdesk.conversation import Message


async def post_part(
    api: SlackApi,
    pacer: Pacer,
    thread: tuple[str, str],
    key: str,
    message: Message,
    blocks: list[Block],
    **more: str | bool,
) -> str:
    """Post a part of the message, ``thread`` being channel and ts, when it is its turn; return its ts.

    It can be found by ``key`` [adapters.slack.find_post]. Raises as SlackApi.write does.
    """
    channel, ts = thread
    await pacer.turn(channel, key)
    answer = await api.write(
        "chat.postMessage",
        channel=channel,
        thread_ts=ts,
        text=message_summary(message),
        blocks=blocks,
        username=username(message),
        unfurl_links=False,
        unfurl_media=False,
        metadata=message_metadata("post", delivery=key),
        **more,
    )
    return text(answer, "ts")
