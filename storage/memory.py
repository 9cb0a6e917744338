"""What a process remembers of conversations and tickets, so that its batches need not read them."""

from __future__ import annotations

from collections.abc import Iterable

from chatdesk.changes import Changes
from chatdesk.conversation import Conversation, ConversationId
from chatdesk.ticket import Ticket, TicketNumber
from storage.announcements import WentOn, following
from storage.cache import Cache


class Memory:
    """Conversations and tickets as last committed here, read, or told by another node.

    They may be outdated all the same: what was told may be late or lost. Whoever writes compares versions.
    """

    def __init__(self) -> None:
        self.conversations: Cache[ConversationId, Conversation] = Cache()
        self.tickets: Cache[TicketNumber, Ticket] = Cache()

    def keep(self, changes: Changes) -> None:
        """Remember what this process has committed."""
        self.conversations.put(changes.conversations)
        self.tickets.put(changes.tickets)

    def clear(self) -> None:
        """Forget everything."""
        self.conversations.clear()
        self.tickets.clear()

    def follow(self, told: WentOn) -> Conversation | None:
        """Bring a conversation to what another node told, and return it; None when that cannot be done.

        What is no newer than what is remembered changes nothing. Where something is missing before what was
        told, what is remembered is outdated, and forgotten.
        """
        known = self.conversations.peek(told.id)
        if known is None or known.version >= told.version:
            return None
        after = following(known, told)
        if after is None:
            self.conversations.drop([told.id])
        else:
            self.conversations.put({told.id: after})
        return after

    def learn(self, conversations: Iterable[Conversation], tickets: Iterable[Ticket]) -> None:
        """Remember what was read for somebody else, unless something newer is remembered."""
        for conversation in conversations:
            known = self.conversations.peek(conversation.id)
            if known is None or known.version < conversation.version:
                self.conversations.put({conversation.id: conversation})
        for ticket in tickets:
            before = self.tickets.peek(ticket.number)
            if before is None or before.version < ticket.version:
                self.tickets.put({ticket.number: ticket})

    def forget(self, conversations: Iterable[ConversationId], tickets: Iterable[TicketNumber]) -> None:
        """Forget what another node has changed without telling how."""
        self.conversations.drop(conversations)
        self.tickets.drop(tickets)
