"""The desk's answers in the threads of customers who write from a shared channel."""

from __future__ import annotations

from adapters.slack.api import SlackApi, message_metadata
from adapters.slack.card import message_parts, message_summary, username
from adapters.slack.cards import find_post
from adapters.slack.memory import Memory
from adapters.slack.pacing import Pacer
from adapters.slack.payload import text
from adapters.slack.shared_channels import SharedThread, shared_thread
from chatdesk.conversation import Message
from chatdesk.errors import DeliveryRefused
from chatdesk.outbox import Delivery

NOTHING = "nothing to show"


class CustomerPosts:
    """Posts public messages of the desk where the customer reads them."""

    def __init__(self, api: SlackApi, pacer: Pacer, memory: Memory) -> None:
        self._api = api
        self._pacer = pacer
        self._memory = memory

    async def post(self, delivery: Delivery, message: Message) -> str:
        """Post the message in the customer's thread and return the ts of its first post."""
        thread = await self._thread(message.conversation)
        posted = await self._posted(message)
        shown = [] if message.deleted_at is not None else message_parts(message)
        for index in range(len(posted), len(shown)):
            key = f"{delivery.id}:customer:{index}"
            ts = None
            if delivery.attempts > 1 or delivery.uncertain:
                ts = await find_post(self._api, thread.channel, thread.thread, key, delivery.created_at)
            if ts is None:
                await self._pacer.turn(thread.channel, key)
                answer = await self._api.write(
                    "chat.postMessage",
                    channel=thread.channel,
                    thread_ts=thread.thread,
                    text=message_summary(message),
                    blocks=shown[index],
                    username=username(message),
                    unfurl_links=False,
                    unfurl_media=False,
                    metadata=message_metadata("post", delivery=key),
                )
                ts = text(answer, "ts")
            posted = [*posted, ts]
            await self._memory.put(_key(message), " ".join([thread.channel, *posted]))
        return posted[0] if posted else NOTHING

    async def revise(self, message: Message) -> str:
        """Bring the message's posts up to date; a deleted one's are taken away."""
        kept = (await self._memory.get(_key(message)) or "").split()
        if not kept:
            return NOTHING
        channel, *posted = kept
        shown = [] if message.deleted_at is not None else message_parts(message)
        for index, ts in enumerate(posted):
            if index >= len(shown):
                await self._take_away(channel, ts)
                continue
            await self._api.write(
                "chat.update",
                channel=channel,
                ts=ts,
                text=message_summary(message),
                blocks=shown[index],
            )
        return posted[0]

    async def find(self, delivery: Delivery) -> str | None:
        """Leave it to ``post``, which looks for what is there before it posts anything."""
        return None

    async def _take_away(self, channel: str, ts: str) -> None:
        try:
            await self._api.write("chat.delete", channel=channel, ts=ts)
        except DeliveryRefused as refused:
            if "message_not_found" not in str(refused):
                raise

    async def _posted(self, message: Message) -> list[str]:
        return (await self._memory.get(_key(message)) or "").split()[1:]

    async def _thread(self, conversation: str) -> SharedThread:
        thread = await shared_thread(self._memory, conversation)
        if thread is None:
            raise DeliveryRefused("The customer's thread in Slack is not known.")
        return thread


def _key(message: Message) -> str:
    return f"to-customer:{message.conversation}:{message.seq}"
