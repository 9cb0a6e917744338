"""Which thread of a shared channel is which conversation, and which one a customer had last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from adapters.slack.memory import NAME, Memory


@dataclass(frozen=True, slots=True)
class SharedThread:
    """A customer's thread and the conversation it is; ``visitor`` is the desk's name for who speaks there."""

    channel: str
    thread: str
    conversation: str
    visitor: str
    ticket: int = 0

    @classmethod
    def new(cls, channel: str, thread: str) -> SharedThread:
        """Return the thread with ids that a repeated request gets again."""
        place = f"{NAME}:{channel}:{thread}"
        identity = hashlib.sha256(place.encode()).hexdigest()[:32]
        return cls(channel, thread, identity, place)


class SharedThreads:
    """Remembers customers' threads."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def at(self, channel: str, thread: str) -> SharedThread | None:
        """Return the conversation that the thread is."""
        return _read(await self._memory.get(f"shared-thread:{channel}:{thread}"))

    async def of(self, conversation: str) -> SharedThread | None:
        """Return the thread in which the conversation is held now."""
        return _read(await self._memory.get(f"shared:{conversation}"))

    async def last(self, channel: str, user: str) -> SharedThread | None:
        """Return the thread of the customer's latest ticket."""
        return _read(await self._memory.get(f"shared-last:{channel}:{user}"))

    async def keep(self, thread: SharedThread) -> None:
        """Let the conversation be held in this thread from now on."""
        await self._memory.put(f"shared-thread:{thread.channel}:{thread.thread}", _written(thread))
        await self._memory.put(f"shared:{thread.conversation}", _written(thread))

    async def move_back(self, thread: SharedThread, before: SharedThread) -> None:
        """Let the conversation be held where it was before, and this thread be nothing."""
        await self._memory.put(f"shared-thread:{thread.channel}:{thread.thread}", "")
        await self._memory.put(f"shared:{before.conversation}", _written(before))

    async def keep_last(self, user: str, thread: SharedThread) -> None:
        """Let this be the thread of the customer's latest ticket."""
        await self._memory.put(f"shared-last:{thread.channel}:{user}", _written(thread))


def _written(thread: SharedThread) -> str:
    return json.dumps(asdict(thread))


def _read(kept: str | None) -> SharedThread | None:
    return SharedThread(**json.loads(kept)) if kept else None
