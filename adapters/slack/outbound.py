"""Deliveries to the technicians' Slack: cards, messages in their threads, and their changes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest

from adapters.slack.api import SlackApi, SlackAskedToWait
from adapters.slack.block_limits import context, plain
from adapters.slack.card import is_on_card, message_parts, message_summary
from adapters.slack.cards import Cards
from adapters.slack.customer_posts import CustomerPosts
from adapters.slack.file_posts import FilePosts
from adapters.slack.find_post import find_post
from adapters.slack.memory import NAME, Memory, Place, Post
from adapters.slack.message_posts import post_part
from adapters.slack.pacing import Pacer
from adapters.slack.payload import Block
from adapters.slack.personal import Personal
from chatdesk.conversation import AuthorKind, ConversationId, Message
from chatdesk.errors import DeliveryRefused
from chatdesk.outbox import Delivery, DeliveryKind
from chatdesk.reading import StaffReads
from chatdesk.routing import TO_CUSTOMER

ON_CARD = "on the card"
NOTHING = "nothing to show"
REST = "This message has become too long to be shown here; read it in the console."
SHORTENED = "This part was taken out."


class SlackChannel:
    """The technicians' Slack as a way out [chatdesk.ports.Channel].

    ``on_shown`` is called with each delivery that was carried out.
    """

    name = NAME

    def __init__(
        self,
        api: SlackApi,
        pacer: Pacer,
        memory: Memory,
        reads: StaffReads,
        cards: Cards,
        files: FilePosts,
        customers: CustomerPosts,
        personal: Personal,
        on_shown: Callable[[Delivery], None],
    ) -> None:
        self._api = api
        self._pacer = pacer
        self._memory = memory
        self._reads = reads
        self._cards = cards
        self._files = files
        self._customers = customers
        self._personal = personal
        self._on_shown = on_shown

    async def send(self, delivery: Delivery) -> str:
        """Carry it out and return the post's ts [chatdesk.ports.Channel.send]."""
        try:
            sent = await self._send(delivery)
        except SlackAskedToWait as asked:
            self._pacer.hold(asked.channel, asked.seconds)
            raise
        self._on_shown(delivery)
        return sent

    async def find(self, delivery: Delivery) -> str | None:
        """Look whether the delivery's post is there [chatdesk.ports.Channel.find].

        None also when something is left to be done that can safely be done again.
        """
        if delivery.payload.get("to") == TO_CUSTOMER:
            return await self._customers.find(delivery)
        place = await self._cards.adopt(delivery)
        if delivery.kind is not DeliveryKind.MESSAGE or place is None:
            return None
        message = await self._message(delivery)
        post = await self._memory.shown(message.conversation, message.seq)
        if post is None:
            key = _part_key(delivery, 0)
            ts = await find_post(self._api, place.channel, place.ts, key, delivery.created_at)
            post = await self._shown(place, message, (ts,)) if ts else None
        complete = post is not None and len(post.all) == len(message_parts(message)) and not message.files
        return post.ts if post is not None and complete else None

    async def _send(self, delivery: Delivery) -> str:
        match delivery.kind:
            case DeliveryKind.TICKET:
                return await self._show_ticket(delivery)
            case DeliveryKind.MESSAGE:
                return await self._post(delivery)
            case DeliveryKind.REVISION:
                return await self._revise(delivery)
        raise DeliveryRefused(f"Slack carries no delivery of the kind {delivery.kind.value}.")

    async def _show_ticket(self, delivery: Delivery) -> str:
        """Bring its card up to date and tell its news, these also where its channel is gone."""
        try:
            ts = await self._cards.bring_up_to_date(delivery)
        except DeliveryRefused:
            await self._tell_news(delivery)
            raise
        await self._tell_news(delivery)
        return ts

    async def _tell_news(self, delivery: Delivery) -> None:
        if delivery.ticket is not None:
            await self._personal.tell_news(delivery.ticket, delivery.created_at)

    async def _post(self, delivery: Delivery) -> str:
        message = await self._message(delivery)
        if delivery.payload.get("to") == TO_CUSTOMER:
            if await self._is_copy(message):
                return NOTHING
            return await self._customers.post(delivery, message)
        place = await self._cards.place_for(delivery)
        if await self._is_on_card(delivery, message):
            return ON_CARD
        if message.deleted_at is None or await self._memory.shown(message.conversation, message.seq):
            post = await self._post_parts(place, delivery, message)
            if message.files and message.deleted_at is None:
                await self._files.post(place, message)
            return post.ts
        return NOTHING

    async def _post_parts(self, place: Place, delivery: Delivery, message: Message) -> Post:
        """Post what is not there yet; each post is noted before the next."""
        shown = message_parts(message)
        post = await self._memory.shown(message.conversation, message.seq)
        for index in range(len(post.all) if post else 0, len(shown)):
            key = _part_key(delivery, index)
            ts = None
            if delivery.attempts > 1 or delivery.uncertain:
                ts = await find_post(self._api, place.channel, place.ts, key, delivery.created_at)
            to_all = index == 0 and self._cards.tells_all(delivery, message)
            ts = ts or await self._post_message(place, key, message, shown[index], to_all=to_all)
            post = await self._shown(place, message, (*post.all, ts) if post else (ts,))
        if post is None:
            raise DeliveryRefused("The message has nothing to show.")
        return post

    async def _post_message(
        self, place: Place, key: str, message: Message, blocks: list[Block], *, to_all: bool
    ) -> str:
        """Post into the ticket's thread, and where it is for all staff into the channel as well."""
        thread = (place.channel, place.ts)
        more: dict[str, str | bool] = {"mrkdwn": False, "parse": "none", "link_names": False}
        if to_all:
            more["reply_broadcast"] = True
        return await post_part(self._api, self._pacer, thread, key, message, blocks, **more)

    async def _revise(self, delivery: Delivery) -> str:
        message = await self._message(delivery)
        if delivery.payload.get("to") == TO_CUSTOMER:
            return await self._customers.revise(delivery, message)
        post = await self._memory.shown(message.conversation, message.seq)
        if post is None and await self._was_on_card(delivery, message):
            # The card goes on showing what the ticket was opened with.
            return await self._post(delivery)
        if post is None:
            # It was typed in Slack or is not shown there; nobody may change a person's own post.
            return NOTHING
        shown = message_parts(message)
        if len(shown) > len(post.all):
            shown = [*shown[: len(post.all) - 1], [context(plain(REST))]]
        for ts, blocks in zip_longest(post.all, shown, fillvalue=[context(plain(SHORTENED))]):
            await self._api.write(
                "chat.update", channel=post.channel, ts=ts, text=message_summary(message), blocks=blocks
            )
        return post.ts

    async def _shown(self, place: Place, message: Message, posts: tuple[str, ...]) -> Post:
        post = Post(place.channel, posts[0], message.conversation, message.seq, more=posts[1:])
        await self._memory.keep_shown(post)
        return post

    async def _is_on_card(self, delivery: Delivery, message: Message) -> bool:
        if message.seq != 1 or delivery.ticket is None:
            return False
        ticket = await self._reads.ticket(delivery.ticket)
        return ticket is not None and is_on_card(ticket, message)

    async def _is_copy(self, message: Message) -> bool:
        """Tell whether it is in a copy that was split off, which staff alone have; its customer gets mail."""
        conversation = await self._reads.conversation(message.conversation)
        return conversation is not None and not conversation.visitor

    async def _was_on_card(self, delivery: Delivery, message: Message) -> bool:
        """Tell whether the message was on the card alone before its text was changed."""
        changed = message.author.kind is AuthorKind.CUSTOMER and message.deleted_at is None
        if not changed or message.seq != 1 or delivery.ticket is None:
            return False
        return await self._memory.place(delivery.ticket) is not None

    async def _message(self, delivery: Delivery) -> Message:
        conversation, seq = delivery.conversation, delivery.seq
        if conversation is None or seq is None:
            raise DeliveryRefused("The delivery names no message.")
        return await read_message(self._reads, conversation, seq)


async def read_message(reads: StaffReads, conversation: ConversationId, seq: int) -> Message:
    """Return one message as it is now. Raises DeliveryRefused when it is not there."""
    found = await reads.messages(conversation, seq - 1)
    message = next((one for one in found if one.seq == seq), None)
    if message is None:
        raise DeliveryRefused("The message is not there any more.")
    return message


def _part_key(delivery: Delivery, index: int) -> str:
    """Return what a post carries so that it can be found: the delivery's id, with the part's number."""
    return f"{delivery.id}:{index + 1}" if index else delivery.id
