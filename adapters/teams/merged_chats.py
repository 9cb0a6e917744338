"""A live chat whose ticket is merged goes on in the thread where it is held, until it ends [R20].

Both of its sides are there, and the other ticket's thread may have a live chat of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.teams.services import TeamsServices
from chatdesk.conversation import Conversation, Live, speaking_in
from chatdesk.ticket import TicketNumber


async def thread_of(services: TeamsServices, conversation: Conversation) -> TicketNumber | None:
    """Return the ticket in whose thread the conversation is held."""
    memory, merged = services.memory, conversation.opened_with
    if merged is None or not isinstance(conversation.state, Live) or await memory.is_over(conversation.id):
        return conversation.ticket
    return merged if await memory.card(merged) is not None else conversation.ticket


async def held_for(
    services: TeamsServices, number: TicketNumber, conversations: Sequence[Conversation]
) -> Conversation | None:
    """Return which of the conversations is the one of that ticket's thread [speaking_in]."""
    return speaking_in([one for one in conversations if await thread_of(services, one) == number])


async def note_ended(services: TeamsServices, conversations: Sequence[Conversation]) -> None:
    """Note which chats have left the threads of merged tickets: should they begin again, it is elsewhere."""
    for one in conversations:
        if one.opened_with is not None and not isinstance(one.state, Live):
            await services.memory.keep_over(one.id)
