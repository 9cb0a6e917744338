"""What the nodes of one desk tell one another of the people connected to them; never stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

FactListener = Callable[[str], None]


def _nothing() -> None:
    return None


class Node:
    """This process as other nodes know it: by its ``name``, "" where there can be none.

    Whether they have to be told what is committed here is known by who hears from them, who sets
    ``may_have_others``; until it is certain that there are none, they are told.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.may_have_others = bool(name)
        self._on_their_way: set[asyncio.Future[None]] = set()

    def begin_writing(self) -> Callable[[], None]:
        """Note that something is on its way to be committed; what is returned is called at its end."""
        if not self.name:
            return _nothing
        ended = asyncio.get_running_loop().create_future()
        self._on_their_way.add(ended)
        return partial(self._end_writing, ended)

    async def written(self) -> None:
        """Wait until all that is on its way now was committed, or was not."""
        if self._on_their_way:
            await asyncio.wait(tuple(self._on_their_way))

    def _end_writing(self, ended: asyncio.Future[None]) -> None:
        self._on_their_way.discard(ended)
        ended.set_result(None)


ALONE = Node()


class SharedFacts:
    """Small texts by key that each node keeps and the others know, such as who has a conversation open.

    A node's facts end with it. Alone, a desk knows only its own; a link passes them on [Link.run].
    """

    def __init__(self) -> None:
        self._own: dict[str, str] = {}
        self._others: dict[str, dict[str, str]] = {}
        self._listeners: list[FactListener] = []
        self.on_own: Callable[[str, str | None], None] | None = None

    @property
    def own(self) -> Mapping[str, str]:
        """This node's facts."""
        return self._own

    def put(self, key: str, value: str | None) -> None:
        """Set one of this node's facts; None takes it back."""
        if self._own.get(key) == value:
            return
        if value is None:
            del self._own[key]
        else:
            self._own[key] = value
        if self.on_own is not None:
            self.on_own(key, value)

    def of_others(self, key: str) -> list[str]:
        """Return what other nodes say under the key."""
        return [facts[key] for facts in self._others.values() if key in facts]

    def listen(self, listener: FactListener) -> None:
        """Call ``listener`` with each key under which another node says something else now."""
        self._listeners.append(listener)

    def hear(self, node: str, facts: Mapping[str, str | None], *, whole: bool = False) -> None:
        """Take what another node says; ``whole`` begins its facts anew."""
        before = self._others.get(node, {})
        after = {} if whole else dict(before)
        for key, value in facts.items():
            if value is None:
                after.pop(key, None)
            else:
                after[key] = value
        self._others[node] = after
        self._tell({key for key in before.keys() | after.keys() if before.get(key) != after.get(key)})

    def knows(self, node: str) -> bool:
        """Tell whether anything was heard of the node."""
        return node in self._others

    def forget(self, node: str) -> None:
        """The node is gone."""
        self._tell(set(self._others.pop(node, {})))

    def _tell(self, keys: set[str]) -> None:
        for key in keys:
            for listener in self._listeners:
                listener(key)
