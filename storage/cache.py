"""What a process remembers of the records it used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

CACHE_SIZE = 20_000

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """The most recently used records as they were when this process last committed, read or heard of them.

    On SQLite whoever uses it has to empty it when another process may have written [TortoiseStore.batch];
    besides, every write checks the version.
    """

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._size = size
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def pick(self, keys: Iterable[Key]) -> tuple[dict[Key, Value], list[Key]]:
        """Return the records that are here, and the keys of those that are not."""
        found: dict[Key, Value] = {}
        missing: list[Key] = []
        for key in keys:
            if key in self._values:
                self._values.move_to_end(key)
                found[key] = self._values[key]
            else:
                missing.append(key)
        return found, missing

    def put(self, values: Mapping[Key, Value]) -> None:
        """Keep these records, dropping those not used for longest."""
        for key, value in values.items():
            self._values[key] = value
            self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)

    def peek(self, key: Key) -> Value | None:
        """Return the record if it is here; that it was looked at does not count as use."""
        return self._values.get(key)

    def drop(self, keys: Iterable[Key]) -> None:
        """Forget these records."""
        for key in keys:
            self._values.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
