"""The card of an escalated ticket in the channel of its tier: announced once, then brought up to date [R37].

The ticket's thread stays where it is: this card leads there, and what is written under it is passed on to
nobody. Where it cannot be posted the tier's technicians are told directly [adapters.slack.personal].
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from adapters.slack.api import SlackApi, message_metadata
from adapters.slack.block_limits import context, cut, marked, plain, section
from adapters.slack.card import card_summary
from adapters.slack.card_links import CardLinks
from adapters.slack.find_post import find_post
from adapters.slack.memory import Memory, Place, TierCard
from adapters.slack.mrkdwn import escape
from adapters.slack.pacing import Pacer
from adapters.slack.payload import Block, text
from adapters.slack.shown_posts import ShownPosts
from chatdesk.config import Config
from chatdesk.errors import DeliveryRefused
from chatdesk.outbox import Delivery
from chatdesk.plain_text import clean_line
from chatdesk.reading import StaffReads
from chatdesk.staff_news import MAX_WORDS
from chatdesk.ticket import Ticket, TicketNumber, format_number
from chatdesk.tiers import Escalation, escalation_of

AGAIN = "{number} has been escalated again: its card is further down."
log = structlog.get_logger(__name__)

Draw = Callable[[], Awaitable[list[Block]]]
"""Returns the ticket's card as the ticket is now."""


class TierCards:
    """Keeps the cards of escalated tickets in the channels of tiers."""

    def __init__(
        self,
        config: Config,
        api: SlackApi,
        pacer: Pacer,
        memory: Memory,
        reads: StaffReads,
        links: CardLinks,
        posts: ShownPosts,
    ) -> None:
        self._config = config
        self._api = api
        self._pacer = pacer
        self._memory = memory
        self._reads = reads
        self._links = links
        self._posts = posts

    async def bring_up_to_date(self, ticket: Ticket, place: Place, delivery: Delivery, draw: Draw) -> None:
        """Announce the ticket to the tier it waits for, unless that was done, and let its cards be as it is.

        ``place`` is where its own card stands: in that channel it gets no second one. Raises DeliveryDelayed
        and DeliveryUnknown to be called again.
        """
        await self._settle(ticket)
        cards = await self._memory.tier_cards(ticket.number)
        due = await self._due(ticket, place, cards)
        blocks = await draw() if cards or due else []
        for card in cards:
            if card.ts:
                again = due is not None and due.tier.slack == card.channel
                await self._update(card, ticket, [] if again else blocks)
        if due is not None:
            await self._announce(due, ticket, delivery, blocks)

    async def _settle(self, ticket: Ticket) -> None:
        """Find out what became of a post that was cut off: a card that stands has to follow its ticket."""
        number, begun = ticket.number, await self._memory.announcing(ticket.number)
        if begun is None:
            return
        try:
            ts = await find_post(self._api, begun.channel, "", _key(number, begun), ticket.opened_at)
        except DeliveryRefused as refused:
            await self._keep_untold(begun, number, refused)
        else:
            if ts is not None:
                await self._memory.keep_tier_card(number, replace(begun, ts=ts))
        await self._memory.keep_announcing(number, None)

    async def _due(self, ticket: Ticket, place: Place, cards: tuple[TierCard, ...]) -> Escalation | None:
        """Return the escalation that is still to be announced."""
        tier = self._config.tier(ticket.tier or "")
        if tier is None or tier.slack in ("", place.channel):
            return None
        file = await self._reads.chat_file(ticket.number)
        # It may have been escalated once more since ``ticket`` was read: then its history would not fit it.
        found = escalation_of(self._config, file.ticket, file.history) if file else None
        if found is None or found.tier.id != tier.id:
            return None
        known = any(card.channel == tier.slack and found.key in (card.news, card.untold) for card in cards)
        return None if known else found

    async def _update(self, card: TierCard, ticket: Ticket, blocks: list[Block]) -> None:
        """Let the card show the blocks; without any, that there is a newer one."""
        if blocks:
            words, shown = card_summary(self._config, ticket), await self._blocks(card, ticket, blocks)
        else:
            words = AGAIN.format(number=self._number(ticket))
            shown = [context(plain(words))]
        try:
            await self._posts.change(card.channel, card.ts, words, shown)
        except DeliveryRefused as refused:
            # The ticket's own card is right all the same.
            log.warning("slack_tier_card_not_changed", ticket=ticket.number, error=str(refused))

    async def _announce(
        self, due: Escalation, ticket: Ticket, delivery: Delivery, blocks: list[Block]
    ) -> None:
        """Post the card; where the channel refuses it, an earlier one there follows the ticket on."""
        number = ticket.number
        card = TierCard(due.tier.slack, "", due.key, cut(clean_line(due.words), MAX_WORDS))
        try:
            card = replace(card, ts=await self._post(card, ticket, delivery, blocks))
            await self._memory.keep_tier_card(number, card)
        except DeliveryRefused as refused:
            card = await self._keep_untold(card, number, refused)
            if card.ts:
                await self._update(card, ticket, blocks)
        await self._memory.keep_announcing(number, None)

    async def _keep_untold(self, card: TierCard, number: TicketNumber, refused: DeliveryRefused) -> TierCard:
        """Note that the channel would not have it; return what is noted: an earlier card if there is one."""
        log.warning("slack_tier_not_told", ticket=number, channel=card.channel, error=str(refused))
        standing = await self._memory.tier_cards(number)
        before = next((one for one in standing if one.channel == card.channel), None)
        kept = replace(before, untold=card.news) if before else card
        await self._memory.keep_tier_card(number, kept)
        return kept

    async def _post(self, card: TierCard, ticket: Ticket, delivery: Delivery, blocks: list[Block]) -> str:
        """Post the card and return its ts. Noted first: the ticket may be taken before an answer."""
        shown = await self._blocks(card, ticket, blocks)
        await self._pacer.turn(card.channel, f"{delivery.id}:tier")
        await self._memory.keep_announcing(ticket.number, card)
        answer = await self._api.write(
            "chat.postMessage",
            channel=card.channel,
            text=escape(card.words),
            blocks=shown,
            unfurl_links=False,
            unfurl_media=False,
            metadata=message_metadata("post", delivery=_key(ticket.number, card), ticket=ticket.number),
        )
        ts = text(answer, "ts")
        self._posts.remember(card.channel, ts, shown)
        return ts

    async def _blocks(self, card: TierCard, ticket: Ticket, blocks: list[Block]) -> list[Block]:
        link = await self._links.to(ticket.number)
        number = self._number(ticket)
        thread = f"<{link}|{number}'s own thread>" if link else f"{number}'s own thread"
        where = f"Write in {thread}: what is written under this card is not passed on."
        return [section(plain(card.words)), context(marked(where)), *blocks]

    def _number(self, ticket: Ticket) -> str:
        return format_number(self._config.desk.ticket_prefix, ticket.number)


def _key(number: TicketNumber, card: TierCard) -> str:
    """Return what the card's post carries so that it can be found."""
    return f"tier:{number}:{card.news}"
