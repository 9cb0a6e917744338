"""What the nodes of one desk tell one another of the people connected to them; never stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping

FactListener = Callable[[str], None]
"""Is told the key under which another node says something else now."""


class SharedFacts:
    """Small texts by key that each node keeps and the others know, such as who has a conversation open.

    A node's facts end with it. Alone, a desk knows only its own; a link passes them on [storage.node_link].
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
