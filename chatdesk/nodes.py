"""This process as one of several that work on a desk, and what it has on its way to be committed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial


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
