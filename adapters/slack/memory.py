"""What the adapter remembers: which thread shows which ticket, which post is which message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

from chatdesk.adapter_notes import AdapterNotes
from chatdesk.conversation import ConversationId
from chatdesk.ports import Clock
from chatdesk.ticket import TicketNumber

NAME = "slack"
"""The adapter's name: in notes, as a target of deliveries and as a channel of events."""

MAX_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ticket is shown: its card, whose thread is the chat of ``conversation``.

    ``banner`` is the ts of the thread's first message, "" while there is none.
    """

    channel: str
    ts: str
    conversation: str
    banner: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """A message and the post that shows it; ``more`` are the ts of further posts of a long message.

    ``edited`` is the ts of the newest edit that is known; ``gone`` is a post that was deleted, perhaps
    before it was heard of.
    """

    channel: str
    ts: str
    conversation: str = ""
    seq: int = 0
    edited: str = ""
    internal: bool = False
    gone: bool = False
    more: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """The ts of every post of the message, in order."""
        return (self.ts, *self.more)


@dataclass(frozen=True, slots=True)
class TierCard:
    """A ticket's card in the channel of a tier; ``ts`` is "" where it could not be posted.

    ``news`` is the escalation that it tells of [chatdesk.tiers.Escalation], ``words`` are how; ``untold`` is
    a later one that the channel would not be told of, "" for none.
    """

    channel: str
    ts: str
    news: str
    words: str
    untold: str = ""


Kept = TypeVar("Kept", Place, Post)


class Memory:
    """Typed notes [chatdesk.adapter_notes]."""

    def __init__(self, notes: AdapterNotes, clock: Clock) -> None:
        self._notes = notes
        self._clock = clock
        self._threads: dict[tuple[str, str], TicketNumber] = {}

    async def place(self, number: TicketNumber) -> Place | None:
        """Return where the ticket is shown."""
        return _read(Place, await self._notes.get(NAME, f"ticket:{number}"))

    async def keep_place(self, number: TicketNumber, place: Place) -> None:
        """Note where the ticket is shown, and which ticket the thread shows."""
        await self._put(f"ticket:{number}", place)
        await self.put(f"thread:{place.channel}:{place.ts}", str(number))

    async def change_place(self, number: TicketNumber, place: Place) -> None:
        """Note another conversation or banner of a ticket that is shown already."""
        await self._put(f"ticket:{number}", place)

    async def tier_cards(self, number: TicketNumber) -> tuple[TierCard, ...]:
        """Return the ticket's cards in the channels of tiers, the newest of each channel."""
        kept = await self._notes.get(NAME, f"tier_cards:{number}")
        return tuple(TierCard(**one) for one in json.loads(kept)) if kept else ()

    async def keep_tier_card(self, number: TicketNumber, card: TierCard) -> None:
        """Note a card in a tier's channel, in the place of an earlier one there."""
        others = [one for one in await self.tier_cards(number) if one.channel != card.channel]
        kept = [asdict(one) for one in (*others, card)]
        await self.put(f"tier_cards:{number}", json.dumps(kept, separators=(",", ":")))
        if card.ts:
            await self.put(f"tier_card:{card.channel}:{card.ts}", str(number))

    async def announcing(self, number: TicketNumber) -> TierCard | None:
        """Return the card whose post in a tier's channel was begun; nobody knows whether it arrived."""
        kept = await self.get(f"announcing:{number}")
        return TierCard(**json.loads(kept)) if kept else None

    async def keep_announcing(self, number: TicketNumber, card: TierCard | None) -> None:
        """Note that the post of a card begins, or with None that it is known what became of it."""
        await self.put(f"announcing:{number}", json.dumps(asdict(card)) if card else "")

    async def ticket_on(self, channel: str, ts: str) -> TicketNumber | None:
        """Return the ticket of the card at ``ts`` in a tier's channel."""
        found = await self._notes.get(NAME, f"tier_card:{channel}:{ts}")
        return TicketNumber(int(found)) if found else None

    async def is_told_in_channel(self, number: TicketNumber, news: str) -> bool:
        """Tell whether a card in a tier's channel tells of that escalation."""
        return any(card.news == news and card.ts for card in await self.tier_cards(number))

    async def told(self, ticket: TicketNumber, agent: str) -> str:
        """Return which news of the ticket the technician was told last, "" for none."""
        return await self.get(f"told:{ticket}:{agent}") or ""

    async def keep_told(self, ticket: TicketNumber, agent: str, news: str) -> None:
        """Remember which news of the ticket the technician was told last."""
        await self.put(f"told:{ticket}:{agent}", news)

    async def ticket_at(self, channel: str, thread: str) -> TicketNumber | None:
        """Return the ticket that the thread shows."""
        known = self._threads.get((channel, thread))
        if known is not None:
            return known
        found = await self._notes.get(NAME, f"thread:{channel}:{thread}")
        if found is None:
            return None
        if len(self._threads) >= MAX_KNOWN:
            self._threads.clear()
        # Which ticket a thread shows never changes.
        self._threads[channel, thread] = TicketNumber(int(found))
        return TicketNumber(int(found))

    async def shown(self, conversation: ConversationId, seq: int) -> Post | None:
        """Return the post by which the app shows a message."""
        return _read(Post, await self._notes.get(NAME, f"message:{conversation}:{seq}"))

    async def keep_shown(self, post: Post) -> None:
        """Note the post by which the app shows a message."""
        await self._put(f"message:{post.conversation}:{post.seq}", post)

    async def said(self, channel: str, ts: str) -> Post | None:
        """Return the message that somebody's post in Slack became."""
        return _read(Post, await self._notes.get(NAME, f"post:{channel}:{ts}"))

    async def keep_said(self, post: Post) -> None:
        """Note which message somebody's post in Slack became."""
        await self._put(f"post:{post.channel}:{post.ts}", post)

    async def changed_by(self, channel: str, ts: str) -> str:
        """Return which node changed the app's post last, "" where at most the one has that posted it."""
        return await self.get(f"changed:{channel}:{ts}") or ""

    async def keep_changed_by(self, channel: str, ts: str, node: str) -> None:
        """Note which node changes the app's post."""
        await self.put(f"changed:{channel}:{ts}", node)

    async def get(self, key: str) -> str | None:
        """Return any other note."""
        return await self._notes.get(NAME, key)

    async def put(self, key: str, value: str) -> None:
        """Keep any other note."""
        await self._notes.put(NAME, key, value, self._clock())

    async def claim(self, key: str, value: str) -> str:
        """Keep a note unless there is one; return what is kept then."""
        return await self._notes.claim(NAME, key, value, self._clock())

    async def _put(self, key: str, kept: Place | Post) -> None:
        await self.put(key, json.dumps(asdict(kept), separators=(",", ":")))


def _read(kind: type[Kept], value: str | None) -> Kept | None:
    if value is None:
        return None
    found: object = json.loads(value)
    return kind(**found) if isinstance(found, Mapping) else None
