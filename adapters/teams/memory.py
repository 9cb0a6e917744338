"""What the adapter remembers between two activities, in the desk's database: cards, messages, people."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from msgspec import structs

from adapters.teams.gateway import Place
from chatdesk.adapter_notes import AdapterNotes
from chatdesk.conversation import ConversationId, FileRef
from chatdesk.ports import Clock
from chatdesk.ticket import TicketNumber

ADAPTER = "teams"
MAX_KEY = 255
KEPT_CHATS = 20
"""Conversations remembered of one customer, newest last."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message as it stands in Teams: where, and the ids of its activities, several for a long one."""

    service_url: str
    conversation: str
    activity: str
    more: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        return Place(self.service_url, self.conversation)

    @property
    def all(self) -> tuple[str, ...]:
        """The ids of all its activities, in order."""
        return (self.activity, *self.more)


@dataclass(frozen=True, slots=True)
class TicketCard:
    """A ticket's card: the channel it stands in, its activity, and the thread under it.

    ``shown`` is a digest of what it shows.
    """

    service_url: str
    channel: str
    thread: str
    activity: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class TierCard:
    """A ticket's card in the channel of a tier; thread and activity are "" where none is known to stand.

    ``news`` is the escalation that it tells of [chatdesk.tiers.Escalation], ``words`` are how; ``shown`` is a
    digest of what it shows. ``untold`` is a later one that is not known to have got there, "" for none.
    """

    service_url: str
    channel: str
    thread: str
    activity: str
    news: str
    words: str
    shown: str = ""
    untold: str = ""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person as the bot reaches them, and their conversations at the desk, newest last.

    ``conversation`` is "" for a technician who only acted in the channel: the chat is opened when needed.
    """

    service_url: str
    conversation: str
    id: str
    name: str
    chats: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        return Place(self.service_url, self.conversation)


@dataclass(frozen=True, slots=True)
class Source:
    """Which message of the desk an activity is: edits, deletions and reactions name the activity only."""

    conversation: str
    seq: int
    internal: bool = False


class Memory:
    """The adapter's notes, by what they are about."""

    def __init__(self, notes: AdapterNotes, clock: Clock) -> None:
        self._notes = notes
        self._clock = clock

    async def card(self, ticket: TicketNumber) -> TicketCard | None:
        """Return the ticket's card in the channel."""
        found = await self._get(f"card:{ticket}")
        if found is None:
            return None
        # Earlier versions noted here whom they had told.
        return TicketCard(**{name: kept for name, kept in found.items() if name != "told"})

    async def keep_card(self, ticket: TicketNumber, card: TicketCard) -> None:
        """Remember the card, and the ticket its thread is about."""
        await self._put(f"card:{ticket}", asdict(card))
        await self._put(f"thread:{card.thread}", {"ticket": int(ticket)})

    async def tier_cards(self, ticket: TicketNumber) -> tuple[TierCard, ...]:
        """Return the ticket's cards in the channels of tiers, the newest of each channel."""
        found = await self._get(f"tier_cards:{ticket}")
        return tuple(TierCard(**card) for card in found["cards"]) if found else ()

    async def keep_tier_card(self, ticket: TicketNumber, card: TierCard) -> None:
        """Remember a card in a tier's channel, in the place of an earlier one there."""
        others = [one for one in await self.tier_cards(ticket) if one.channel != card.channel]
        await self._put(f"tier_cards:{ticket}", {"cards": [asdict(one) for one in (*others, card)]})
        if card.thread:
            await self._put(f"tier_thread:{card.thread}", {"ticket": int(ticket)})

    async def ticket_under(self, thread: str) -> TicketNumber | None:
        """Return the ticket whose card in a tier's channel the thread is under."""
        found = await self._get(f"tier_thread:{thread}")
        return TicketNumber(found["ticket"]) if found else None

    async def is_told_in_channel(self, ticket: TicketNumber, news: str) -> bool:
        """Tell whether a card in a tier's channel tells of that escalation."""
        return any(card.news == news and card.activity for card in await self.tier_cards(ticket))

    async def told(self, ticket: TicketNumber, agent: str) -> str:
        """Return which news of the ticket the technician was told last, "" for none."""
        found = await self._get(f"told:{ticket}:{agent}")
        return str(found["news"]) if found else ""

    async def keep_told(self, ticket: TicketNumber, agent: str, news: str) -> None:
        """Remember which news of the ticket the technician was told last."""
        await self._put(f"told:{ticket}:{agent}", {"news": news})

    async def is_over(self, conversation: ConversationId) -> bool:
        """Tell whether a chat of a merged ticket has left that ticket's thread."""
        return await self._get(f"over:{conversation}") is not None

    async def keep_over(self, conversation: ConversationId) -> None:
        """Remember that a chat of a merged ticket has left that ticket's thread."""
        if not await self.is_over(conversation):
            await self._put(f"over:{conversation}", {})

    async def ticket_of(self, thread: str) -> TicketNumber | None:
        """Return the ticket that a thread is about."""
        found = await self._get(f"thread:{thread}")
        return TicketNumber(found["ticket"]) if found else None

    async def posted(self, side: str, conversation: ConversationId, seq: int) -> Posted | None:
        """Return where a message stands on that side."""
        found = await self._get(f"message:{side}:{conversation}:{seq}")
        return Posted(**{**found, "more": tuple(found.get("more", ()))}) if found else None

    async def keep_posted(self, side: str, conversation: ConversationId, seq: int, posted: Posted) -> None:
        """Remember where a message stands on that side."""
        await self._put(f"message:{side}:{conversation}:{seq}", asdict(posted))

    async def source(self, place: Place, activity: str) -> Source | None:
        """Return the message that an activity of a person became."""
        found = await self._get(f"activity:{place.conversation}:{activity}")
        return Source(**found) if found else None

    async def keep_source(self, place: Place, activity: str, source: Source) -> None:
        """Remember the message that an activity became."""
        await self._put(f"activity:{place.conversation}:{activity}", asdict(source))

    async def person(self, key: str) -> KnownPerson | None:
        """Return the person, by Person.key."""
        found = await self._get(f"person:{key}")
        return KnownPerson(**{**found, "chats": tuple(found["chats"])}) if found else None

    async def keep_person(self, key: str, person: KnownPerson) -> None:
        """Remember the person."""
        await self._put(f"person:{key}", {**asdict(person), "chats": list(person.chats[-KEPT_CHATS:])})

    async def service_of(self, channel: str) -> str | None:
        """Return the connector that last spoke for a channel."""
        found = await self._get(f"service:{channel}")
        return str(found["url"]) if found else None

    async def keep_service(self, channel: str, url: str) -> None:
        """Remember the connector that speaks for a channel."""
        if await self.service_of(channel) != url:
            await self._put(f"service:{channel}", {"url": url})

    async def sent(self, delivery: str) -> str | None:
        """Return the activity that a delivery became."""
        found = await self._get(f"sent:{delivery}:0")
        return str(found["id"]) if found else None

    async def keep_sent(self, delivery: str, activity: str) -> None:
        """Remember that a delivery was sent."""
        await self._put(f"sent:{delivery}:0", {"id": activity})

    async def adding(self, delivery: str) -> int | None:
        """Return how many activities stood when a change last began to add one."""
        found = await self._get(f"adding:{delivery}")
        return int(found["standing"]) if found else None

    async def keep_adding(self, delivery: str, standing: int) -> None:
        """Remember that a change begins to add an activity to those that stand."""
        await self._put(f"adding:{delivery}", {"standing": standing})

    async def kept_file(self, message: str, number: int) -> FileRef | None:
        """Return a file of a message that was fetched already."""
        found = await self._get(f"file:{message}:{number}")
        return FileRef(**found) if found else None

    async def keep_file(self, message: str, number: int, file: FileRef) -> None:
        """Remember that a file of a message was fetched."""
        await self._put(f"file:{message}:{number}", structs.asdict(file))

    async def _get(self, key: str) -> dict[str, Any] | None:
        text = await self._notes.get(ADAPTER, _short(key))
        return json.loads(text) if text else None

    async def _put(self, key: str, value: object) -> None:
        await self._notes.put(ADAPTER, _short(key), json.dumps(value), self._clock())


def _short(key: str) -> str:
    """Return the key, or a digest of one that is longer than the database takes."""
    return key if len(key) <= MAX_KEY else hashlib.sha256(key.encode(errors="replace")).hexdigest()
