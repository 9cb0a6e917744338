"""The one card of each ticket, and the banner of its thread: posted once, then brought up to date."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from adapters.slack.api import SlackApi, message_metadata
from adapters.slack.block_limits import marked, section
from adapters.slack.card import banner, card, card_summary
from adapters.slack.find_post import find_post
from adapters.slack.memory import Memory, Place
from adapters.slack.merged_chats import MergedChats
from adapters.slack.pacing import Pacer
from adapters.slack.payload import Block, text
from adapters.slack.people import People
from adapters.slack.shown_posts import ShownPosts
from adapters.slack.tier_cards import TierCards
from adapters.slack.turns import Turns
from chatdesk.config import Config, StaffChannel
from chatdesk.conversation import Conversation, ConversationId, Live, Message
from chatdesk.errors import DeliveryRefused
from chatdesk.escalation import tells_all_staff
from chatdesk.outbox import Delivery
from chatdesk.reading import StaffReads
from chatdesk.ticket import Ticket, TicketNumber, format_number


class Cards:
    """Keeps each ticket's card and banner as the ticket is."""

    def __init__(
        self,
        config: Config,
        channel: StaffChannel,
        api: SlackApi,
        pacer: Pacer,
        memory: Memory,
        reads: StaffReads,
        people: People,
        posts: ShownPosts,
        tiers: TierCards,
    ) -> None:
        self._config = config
        self._channel = channel
        self._api = api
        self._pacer = pacer
        self._memory = memory
        self._reads = reads
        self._people = people
        self._merged = MergedChats(memory)
        self._posts = posts
        self._tiers = tiers
        self._turns = Turns()

    async def bring_up_to_date(self, delivery: Delivery) -> str:
        """Show the ticket as it is now; asked again it changes nothing. Returns its card's ts.

        Raises DeliveryRefused where that cannot be changed, after the tiers' cards; DeliveryDelayed and
        DeliveryUnknown to be called again.
        """
        async with self._turns.of(str(delivery.ticket)):
            return await self._bring_up_to_date(delivery)

    async def _bring_up_to_date(self, delivery: Delivery) -> str:
        ticket, conversation = await self._read(delivery)
        if conversation.opened_with not in (None, ticket.number):
            await self._follow_chat(conversation, conversation.opened_with)
        known = await self._memory.place(ticket.number)
        if known is None:
            place = await self._post(ticket, conversation, delivery)
        else:
            place = await self._follow(known, ticket, conversation)
            conversation = await self._conversation(place, conversation)
        refused = await self._show_own(place, ticket, conversation, delivery, stood=known is not None)
        if ticket.merged_into is not None:
            await self._leave_ended(conversation, ticket.number)
        draw = partial(self._card, ticket, conversation)
        await self._tiers.bring_up_to_date(ticket, place, delivery, draw)
        if refused is not None:
            raise refused
        return place.ts

    async def place_for(self, delivery: Delivery) -> Place:
        """Return where the delivery's ticket is shown; its card is posted if there is none."""
        number = delivery.ticket
        place = await self._memory.place(number) if number is not None else None
        if place is not None and place.conversation == delivery.conversation:
            return place
        ticket, conversation = await self._read(delivery)
        held = await self._merged.thread_of(conversation)
        if held is not None:
            return held
        if place is None:
            return await self._post(ticket, conversation, delivery)
        return await self._follow(place, ticket, conversation)

    async def adopt(self, delivery: Delivery) -> Place | None:
        """Look for a card whose post was cut off, and remember it; None when there is none."""
        ticket, conversation = await self._read(delivery)
        place = await self._memory.place(ticket.number)
        if place is not None:
            return place
        channel = self._channel.channel_for(conversation.company_id, ticket.answers)
        ts = await find_post(self._api, channel, "", f"card:{ticket.number}", ticket.opened_at)
        if ts is None:
            return None
        place = Place(channel, ts, conversation.id)
        await self._memory.keep_place(ticket.number, place)
        return place

    async def show_typing(self, number: TicketNumber, typing: str) -> None:
        """Show in the banner that the customer types (``typing`` is mrkdwn), or with "" no longer."""
        # What was read earlier must not be written later than what was read after it.
        async with self._turns.of(str(number)):
            ticket, place = await self._reads.ticket(number), await self._memory.place(number)
            if ticket is None or place is None or not place.banner:
                return
            conversation = await self._reads.conversation(ConversationId(place.conversation))
            if conversation is not None:
                await self._write_banner(place, ticket, conversation, typing)

    async def names(self, ticket: Ticket, conversation: Conversation) -> dict[str, str]:
        """Return the names of the technicians concerned, by id."""
        present = conversation.state.agents if isinstance(conversation.state, Live) else ()
        return await self._people.agent_names((ticket.assignee, *present))

    def tells_all(self, delivery: Delivery, message: Message) -> bool:
        """Tell whether a message in a ticket's thread is for the whole channel: that it is due soon [R43]."""
        number = format_number(self._config.desk.ticket_prefix, delivery.ticket or 0)
        return tells_all_staff(message, number)

    async def _post(self, ticket: Ticket, conversation: Conversation, delivery: Delivery) -> Place:
        if delivery.attempts > 1 or delivery.uncertain:
            found = await self.adopt(delivery)
            if found is not None:
                return found
        channel = self._channel.channel_for(conversation.company_id, ticket.answers)
        await self._pacer.turn(channel, delivery.id)
        blocks = await self._card(ticket, conversation)
        answer = await self._api.write(
            "chat.postMessage",
            channel=channel,
            text=card_summary(self._config, ticket),
            blocks=blocks,
            unfurl_links=False,
            unfurl_media=False,
            metadata=message_metadata("post", delivery=f"card:{ticket.number}", ticket=ticket.number),
        )
        place = Place(channel, text(answer, "ts"), conversation.id)
        await self._memory.keep_place(ticket.number, place)
        self._posts.remember(channel, place.ts, blocks)
        return place

    async def _show_own(
        self, place: Place, ticket: Ticket, conversation: Conversation, delivery: Delivery, *, stood: bool
    ) -> DeliveryRefused | None:
        """Bring card and banner up to date; a refusal is returned: others are told of the ticket elsewhere.

        ``stood`` says that the card was not posted just now.
        """
        try:
            if stood:
                await self._update(place, ticket, conversation)
            await self._show_banner(place, ticket, conversation, delivery)
        except DeliveryRefused as refused:
            return refused
        return None

    async def _update(self, place: Place, ticket: Ticket, conversation: Conversation) -> None:
        blocks = await self._card(ticket, conversation)
        await self._posts.change(place.channel, place.ts, card_summary(self._config, ticket), blocks)

    async def _card(self, ticket: Ticket, conversation: Conversation) -> list[Block]:
        names, affected = await self.names(ticket, conversation), await self._reads.affected(ticket.number)
        rating = await self._rating(ticket, conversation)
        return card(self._config, ticket, conversation, names, affected, rating)

    async def _rating(self, ticket: Ticket, conversation: Conversation) -> str:
        if conversation.rating is None:
            return ""
        file = await self._reads.chat_file(ticket.number, conversation.id)
        return file.ratings[-1].words if file and file.ratings else ""

    async def _show_banner(
        self, place: Place, ticket: Ticket, conversation: Conversation, delivery: Delivery
    ) -> None:
        if place.banner:
            await self._write_banner(place, ticket, conversation, "")
            return
        key = f"banner:{ticket.number}"
        ts = None
        if delivery.attempts > 1 or delivery.uncertain:
            ts = await find_post(self._api, place.channel, place.ts, key, ticket.opened_at)
        if ts is None:
            await self._pacer.turn(place.channel, f"{delivery.id}:banner")
            words, blocks = await self._banner(ticket, conversation, "")
            answer = await self._api.write(
                "chat.postMessage",
                channel=place.channel,
                thread_ts=place.ts,
                text=words,
                blocks=blocks,
                unfurl_links=False,
                unfurl_media=False,
                metadata=message_metadata("post", delivery=key),
            )
            ts = text(answer, "ts")
            self._posts.remember(place.channel, ts, blocks)
        await self._memory.change_place(ticket.number, replace(place, banner=ts))

    async def _write_banner(
        self, place: Place, ticket: Ticket, conversation: Conversation, typing: str
    ) -> None:
        words, blocks = await self._banner(ticket, conversation, typing)
        await self._posts.change(place.channel, place.banner, words, blocks)

    async def _banner(
        self, ticket: Ticket, conversation: Conversation, typing: str
    ) -> tuple[str, list[Block]]:
        words = banner(self._config, ticket, conversation, await self.names(ticket, conversation))
        shown = f"{words}\n{typing}" if typing else words
        return words, [section(marked(shown))]

    async def _follow_chat(self, conversation: Conversation, number: TicketNumber) -> None:
        """Let card and thread of the merged ticket ``number`` say how the chat stands that is held there."""
        async with self._turns.of(str(number)):
            ticket, place = await self._reads.ticket(number), await self._memory.place(number)
            if ticket is None or place is None or place.conversation != conversation.id:
                return
            await self._update(place, ticket, conversation)
            if place.banner:
                await self._write_banner(place, ticket, conversation, "")
            await self._leave_ended(conversation, number)

    async def _leave_ended(self, conversation: Conversation, number: TicketNumber) -> None:
        """Let the thread of the merged ticket be no chat's any more once it says that its own is over."""
        place = await self._memory.place(number)
        if place and place.conversation == conversation.id and not isinstance(conversation.state, Live):
            await self._memory.change_place(number, replace(place, conversation=""))

    async def _follow(self, place: Place, ticket: Ticket, conversation: Conversation) -> Place:
        """Let the thread be that of another conversation of the ticket when that one is open."""
        if (
            place.conversation == conversation.id
            or not conversation.is_open
            or ticket.merged_into is not None
        ):
            return place
        if await self._merged.thread_of(conversation) is not None:
            return place
        moved = replace(place, conversation=conversation.id)
        await self._memory.change_place(ticket.number, moved)
        return moved

    async def _conversation(self, place: Place, given: Conversation) -> Conversation:
        if place.conversation == given.id:
            return given
        return await self._reads.conversation(ConversationId(place.conversation)) or given

    async def _read(self, delivery: Delivery) -> tuple[Ticket, Conversation]:
        if delivery.ticket is None or delivery.conversation is None:
            raise DeliveryRefused("The delivery names no ticket or no conversation.")
        ticket = await self._reads.ticket(delivery.ticket)
        conversation = await self._reads.conversation(delivery.conversation)
        if ticket is None or conversation is None:
            raise DeliveryRefused("The ticket is not there any more.")
        return ticket, conversation
