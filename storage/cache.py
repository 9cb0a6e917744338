"""What a process remembers of the records it used last."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

CACHE_SIZE = 20_000

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """The most recently used records as they were when this process last committed, read or heard of them.

    Between the latest ``size`` and twice as many are kept, in two generations: what is used belongs to the
    newer one, and when that is full the older one is dropped. To keep all in the order of their use takes
    three times as long for each.

    On SQLite whoever uses it has to empty it when another process may have written [TortoiseStore.batch];
    besides, every write checks the version.
    """

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._size = size
        self._newer: dict[Key, Value] = {}
        self._older: dict[Key, Value] = {}

    def pick(self, keys: Iterable[Key]) -> tuple[dict[Key, Value], list[Key]]:
        """Return the records that are here, and the keys of those that are not."""
        found: dict[Key, Value] = {}
        missing: list[Key] = []
        newer, older = self._newer, self._older
        for key in keys:
            if key in newer:
                found[key] = newer[key]
            elif key in older:
                found[key] = newer[key] = older.pop(key)
            else:
                missing.append(key)
        self._age()
        return found, missing

    def put(self, values: Mapping[Key, Value]) -> None:
        """Keep these records."""
        self._newer.update(values)
        self._age()

    def peek(self, key: Key) -> Value | None:
        """Return the record if it is here; that it was looked at does not count as use."""
        if key in self._newer:
            return self._newer[key]
        return self._older.get(key)

    def drop(self, keys: Iterable[Key]) -> None:
        """Forget these records."""
        for key in keys:
            self._newer.pop(key, None)
            self._older.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._newer.clear()
        self._older.clear()

    def _age(self) -> None:
        if len(self._newer) >= self._size:
            self._newer, self._older = {}, self._newer
