"""What the store remembers of all who wait and chat: so that a ticket is opened without reading the queue."""

from __future__ import annotations

from chatdesk.changes import Changes
from chatdesk.conversation import Conversation, ConversationId
from chatdesk.ticket import TicketNumber
from chatdesk.waiting_line import WaitingLine

Browser = tuple[str, str]
"""A visitor and the widget that they chat on."""


class Intake:
    """The next ticket's number, the line of waiting customers and who has a chat open; None: not read yet.

    It holds as long as nobody else has written [TortoiseStore.batch]. The line is changed by the steps of
    a batch; ``follow`` or ``take_back`` has to be called when the batch has ended.
    """

    def __init__(self) -> None:
        self.next_number: TicketNumber | None = None
        self.line: WaitingLine | None = None
        self.open: dict[Browser, ConversationId] | None = None

    def follow(self, changes: Changes) -> None:
        """Remember what a batch has committed."""
        if self.next_number is not None:
            self.next_number = TicketNumber(self.next_number + changes.numbers_used)
        if self.line is not None:
            for identity, entry in changes.queue.items():
                if entry is None:
                    self.line.pop(identity, None)
                elif self.line.get(identity) != entry:
                    self.line[identity] = entry
            self.line.keep()
        if self.open is not None:
            for conversation in changes.conversations.values():
                _note(self.open, conversation)

    def take_back(self) -> None:
        """Forget what the steps of a batch did that was not committed."""
        if self.line is not None:
            self.line.take_back()

    def forget(self) -> None:
        """Forget everything."""
        self.next_number = self.line = self.open = None


def _note(opened: dict[Browser, ConversationId], conversation: Conversation) -> None:
    browser = (conversation.visitor, conversation.widget)
    if not conversation.visitor:
        return
    if conversation.is_open:
        opened[browser] = conversation.id
    elif opened.get(browser) == conversation.id:
        del opened[browser]
