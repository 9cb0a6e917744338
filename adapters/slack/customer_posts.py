"""The desk's answers in the threads of customers who write from a shared channel."""

from __future__ import annotations

from adapters.slack.api import SlackApi
from adapters.slack.card import message_parts, message_summary
from adapters.slack.file_posts import FilePosts
from adapters.slack.find_post import find_post
from adapters.slack.memory import Memory, Place
from adapters.slack.message_posts import post_part
from adapters.slack.pacing import Pacer
from adapters.slack.payload import Block
from adapters.slack.shared_threads import SharedThread, SharedThreads
from chatdesk.conversation import Message
from chatdesk.errors import DeliveryRefused
from chatdesk.outbox import Delivery

NOTHING = "nothing to show"


class CustomerPosts:
    """Posts public messages of the desk where the customer reads them."""

    def __init__(self, api: SlackApi, pacer: Pacer, memory: Memory, files: FilePosts) -> None:
        self._api = api
        self._pacer = pacer
        self._memory = memory
        self._threads = SharedThreads(memory)
        self._files = files

    async def post(self, delivery: Delivery, message: Message) -> str:
        """Post the message and its files in the customer's thread; return the ts of its first post."""
        thread = await self._thread(message.conversation)
        posted = await self._posted(delivery, message, thread)
        shown = [] if message.deleted_at is not None else message_parts(message)
        posted = await self._post_rest(delivery, message, thread, posted, shown)
        if shown and message.files:
            await self._files.post(Place(thread.channel, thread.thread, thread.conversation), message)
        return posted[0] if posted else NOTHING

    async def revise(self, delivery: Delivery, message: Message) -> str:
        """Bring the message's posts up to date; those it needs no longer go, those it lacks are added."""
        if await self._memory.get(_key(message)) is None:
            return NOTHING
        thread = await self._thread(message.conversation)
        posted = await self._posted(delivery, message, thread)
        shown = [] if message.deleted_at is not None else message_parts(message)
        for ts, blocks in zip(posted, shown, strict=False):
            await self._api.write(
                "chat.update", channel=thread.channel, ts=ts, text=message_summary(message), blocks=blocks
            )
        for ts in posted[len(shown) :]:
            await self._take_away(thread.channel, ts)
        if not shown:
            await self._files.take_away(thread.channel, message)
        elif len(shown) < len(posted):
            await self._keep_posted(message, thread, posted[: len(shown)])
        await self._post_rest(delivery, message, thread, posted, shown)
        return posted[0]

    async def _posted(self, delivery: Delivery, message: Message, thread: SharedThread) -> list[str]:
        """Return the ts of the message's posts, with that of one that was cut off before it was noted.

        The message may have been changed meanwhile: such a post, unknown, would keep the old words for good.
        """
        posted = (await self._memory.get(_key(message)) or "").split()[1:]
        if delivery.attempts > 1 or delivery.uncertain:
            key = _part_key(delivery, len(posted))
            ts = await find_post(self._api, thread.channel, thread.thread, key, delivery.created_at)
            if ts is not None:
                posted = [*posted, ts]
                await self._keep_posted(message, thread, posted)
        return posted

    async def _post_rest(
        self,
        delivery: Delivery,
        message: Message,
        thread: SharedThread,
        posted: list[str],
        shown: list[list[Block]],
    ) -> list[str]:
        """Post what is not there yet; each post is noted before the next. Returns the ts of all."""
        for index in range(len(posted), len(shown)):
            place, key = (thread.channel, thread.thread), _part_key(delivery, index)
            ts = await post_part(self._api, self._pacer, place, key, message, shown[index])
            posted = [*posted, ts]
            await self._keep_posted(message, thread, posted)
        return posted

    async def find(self, delivery: Delivery) -> str | None:
        """Leave it to ``post``, which looks for what is there before it posts anything."""
        return None

    async def _take_away(self, channel: str, ts: str) -> None:
        try:
            await self._api.write("chat.delete", channel=channel, ts=ts)
        except DeliveryRefused as refused:
            if "message_not_found" not in str(refused):
                raise

    async def _keep_posted(self, message: Message, thread: SharedThread, posted: list[str]) -> None:
        await self._memory.put(_key(message), " ".join([thread.channel, *posted]))

    async def _thread(self, conversation: str) -> SharedThread:
        thread = await self._threads.of(conversation)
        if thread is None:
            raise DeliveryRefused("The customer's thread in Slack is not known.")
        return thread


def _key(message: Message) -> str:
    return f"to-customer:{message.conversation}:{message.seq}"


def _part_key(delivery: Delivery, index: int) -> str:
    return f"{delivery.id}:customer:{index}"
