"""Places in the queue: each page is told its own, and told again only when it is another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from adapters.web.queue_places import QueuePlaces
from chatdesk.config import QueueOrder
from chatdesk.conversation import ConversationId
from chatdesk.hub import QueueChanged
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Priority
from tests.desk_builders import TUESDAY


class Page:
    """A visitor's open page, and the places it was told."""

    def __init__(self, name: str) -> None:
        self.conversation_id = ConversationId(name)
        self.waits = True
        self.places: list[int] = []
        self.told = asyncio.Event()

    def tell_place(self, place: int) -> None:
        self.places.append(place)
        self.told.set()


class Reads:
    """The queue, in the order of names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def waiting(self) -> Sequence[QueueEntry]:
        return [
            QueueEntry(ConversationId(name), TUESDAY + timedelta(seconds=ord(name)), Priority.STANDARD)
            for name in self.names
        ]


async def places_of(reads: Reads, *pages: Page) -> QueuePlaces:
    """Return places after all pages have been told theirs."""
    any_reads: Any = reads
    places = QueuePlaces(any_reads, QueueOrder.RECEIVED)
    for page in pages:
        any_page: Any = page
        places.add(any_page)
    places.refresh()
    for page in pages:
        await page.told.wait()
    return places


async def test_who_joins_behind_the_others_is_told_and_the_others_are_not() -> None:
    reads, first, last = Reads(), Page("a"), Page("b")
    reads.names = ["a"]
    places = await places_of(reads, first)
    any_page: Any = last
    places.add(any_page)
    reads.names = ["a", "b"]
    places.on_news(QueueChanged())
    await last.told.wait()
    assert (first.places, last.places) == ([1], [2])


async def test_who_moves_up_is_told() -> None:
    reads, first, last = Reads(), Page("a"), Page("b")
    reads.names = ["a", "b"]
    places = await places_of(reads, first, last)
    first.waits = False
    reads.names = ["b"]
    last.told.clear()
    places.on_news(QueueChanged())
    await last.told.wait()
    assert last.places == [2, 1]


async def test_who_comes_back_is_told_again() -> None:
    reads, page, again = Reads(), Page("a"), Page("a")
    reads.names = ["a"]
    places = await places_of(reads, page)
    gone: Any = page
    back: Any = again
    places.remove(gone)
    places.add(back)
    places.refresh()
    await again.told.wait()
    assert again.places == [1]
