"""What a mail is made from, read when it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from chatdesk.changes import HistoryEntry
from chatdesk.channels import VOUCHED_CHANNELS
from chatdesk.conversation import AuthorKind, Conversation, ConversationId, Message, Revision, Visibility
from chatdesk.effects import MailKind
from chatdesk.sender import is_unverified
from chatdesk.ticket import Ticket, TicketNumber


class MailFacts(Struct, frozen=True):
    """A ticket, one of its conversations and everything said there, notes included."""

    ticket: Ticket
    conversation: Conversation
    messages: Sequence[Message]
    revisions: Sequence[Revision]
    history: Sequence[HistoryEntry]

    @property
    def is_mail(self) -> bool:
        """Whether the conversation is one of mails, so that what is sent answers one."""
        return self.conversation.channel == "email"

    def may_quote(self, kind: MailKind) -> bool:
        """Whether a mail of this kind may hold words that the requester typed.

        Anybody can type anybody's address into an open form. Until a technician has answered publicly,
        and so read what came in, mail to such an address says only what the desk itself has to say; the
        first mail, that the ticket was opened, never says more. The form cannot send its text to strangers;
        nor can a mail whose sender our own mail server could not verify.
        """
        if self.ticket.channel in VOUCHED_CHANNELS and not is_unverified(self.ticket):
            return True
        return kind is not MailKind.OPENED and any(map(_is_answer, self.messages))


def _is_answer(message: Message) -> bool:
    return message.author.kind is AuthorKind.AGENT and message.visibility is Visibility.PUBLIC


class MailSource(Protocol):
    """Reads what a mail is made from."""

    async def read(
        self, ticket: TicketNumber, conversation: ConversationId, *, words: bool = True
    ) -> MailFacts:
        """Return the facts; without ``words`` what was said and the history may be left out.

        Raises NotFound when the ticket or the conversation does not exist.
        """
