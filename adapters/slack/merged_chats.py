"""A live chat whose ticket is merged goes on in the thread where it is held, until it ends [R20].

Both of its sides are there, and the other ticket's thread may have a live chat of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.slack.memory import Memory, Place
from chatdesk.conversation import Conversation, Live, speaking_in

PART_OF = "{number} is part of {into} now; write in the thread of {into}."


class MergedChats:
    """Tells where such chats are held. Once one has ended its old thread's place names no conversation."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def thread_of(self, conversation: Conversation) -> Place | None:
        """Return the merged ticket's thread in which the chat goes on, None for any other conversation."""
        if conversation.opened_with is None or not isinstance(conversation.state, Live):
            return None
        place = await self._memory.place(conversation.opened_with)
        return place if place is not None and place.conversation == conversation.id else None

    async def speaking(self, conversations: Sequence[Conversation]) -> Conversation | None:
        """Return which of a ticket's conversations is the one of its own thread [speaking_in]."""
        here = [one for one in conversations if await self.thread_of(one) is None]
        return speaking_in(here)
