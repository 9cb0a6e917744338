"""Everybody who waits for a technician, and how many of them come before somebody."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, MutableMapping

from chatdesk.config import QueueOrder
from chatdesk.conversation import ConversationId
from chatdesk.situation import QueueEntry, SortKey, queue_key


class WaitingLine(MutableMapping[ConversationId, QueueEntry]):
    """Who waits, by conversation. To find a place takes no longer when thousands wait.

    What has changed since ``keep`` can be taken back.
    """

    def __init__(self, entries: Iterable[QueueEntry] = ()) -> None:
        self._entries = {entry.conversation: entry for entry in entries}
        self._sorted: dict[QueueOrder, list[SortKey]] = {}
        self._before: dict[ConversationId, QueueEntry | None] = {}

    def place(self, order: QueueOrder, entry: QueueEntry) -> int:
        """Return the entry's place [chatdesk.situation.Line.place]."""
        mine = queue_key(order, entry.since, entry.priority)
        before = bisect_right(self._keys(order), mine)
        present = self._entries.get(entry.conversation)
        counted = present is not None and queue_key(order, present.since, present.priority) <= mine
        return 1 + before - counted

    def keep(self) -> None:
        """Take the line as it is for good."""
        self._before.clear()

    def take_back(self) -> None:
        """Make the line what it was when it was kept last."""
        before, self._before = self._before, {}
        for conversation, entry in before.items():
            if entry is None:
                self.pop(conversation, None)
            else:
                self[conversation] = entry
        self._before.clear()

    def __getitem__(self, conversation: ConversationId) -> QueueEntry:
        return self._entries[conversation]

    def __setitem__(self, conversation: ConversationId, entry: QueueEntry) -> None:
        if conversation in self._entries:
            del self[conversation]
        self._before.setdefault(conversation, None)
        self._entries[conversation] = entry
        for order, keys in self._sorted.items():
            insort(keys, queue_key(order, entry.since, entry.priority))

    def __delitem__(self, conversation: ConversationId) -> None:
        entry = self._entries.pop(conversation)
        self._before.setdefault(conversation, entry)
        for order, keys in self._sorted.items():
            del keys[bisect_left(keys, queue_key(order, entry.since, entry.priority))]

    def __iter__(self) -> Iterator[ConversationId]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _keys(self, order: QueueOrder) -> list[SortKey]:
        keys = self._sorted.get(order)
        if keys is None:
            entries = self._entries.values()
            keys = self._sorted[order] = sorted(queue_key(order, e.since, e.priority) for e in entries)
        return keys
