"""What a mail is made from, read when it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.changes import HistoryEntry
from chatdesk.conversation import (
    Conversation,
    ConversationId,
    FileRef,
    Message,
    Revision,
    Visibility,
)
from chatdesk.effects import MailKind
from chatdesk.mail_address import compared
from chatdesk.outbox import Delivery
from chatdesk.sender import is_vouched
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

    def addressed_to(self, address: str) -> MailFacts:
        """Return these for a mail to that address: who is not the requester is not called by their name."""
        ticket = self.ticket
        if compared(address) == compared(ticket.requester_email):
            return self
        return replace(self, ticket=replace(ticket, requester_name=self.conversation.customer_name))

    def news_of(self, delivery: Delivery) -> str:
        """Return what a queued mail tells: an answer as it reads now, "" when it was taken back since.

        Of other news, the message that they quote is told as it reads now.
        """
        answer, text = self._answer(delivery), str(delivery.payload.get("text") or "")
        if answer is None:
            return text
        quotes = str(delivery.payload.get("quotes") or "")
        if quotes:
            return _requoted(text, quotes, "" if answer.deleted_at is not None else answer.text)
        if answer.deleted_at is not None:
            return ""
        return answer.text or ", ".join(file.name for file in answer.files)

    def files_of(self, delivery: Delivery) -> tuple[FileRef, ...]:
        """Return the files of a queued answer, unless it was taken back since."""
        answer = self._answer(delivery)
        shown = answer is not None and answer.deleted_at is None and answer.visibility is Visibility.PUBLIC
        return answer.files if answer is not None and shown else ()

    def _answer(self, delivery: Delivery) -> Message | None:
        if delivery.seq is None or delivery.conversation != self.conversation.id:
            return None
        return next((message for message in self.messages if message.seq == delivery.seq), None)

    def revised_since(self, moment: datetime) -> bool:
        """Tell whether something that was said publicly was edited or taken back since then (aware)."""
        said = (message for message in self.messages if message.visibility is Visibility.PUBLIC)
        return any(one.edited_at is not None and one.edited_at >= moment for one in said)

    def answered_since(self, moment: datetime) -> bool:
        """Tell whether a technician has answered publicly since that moment (aware)."""
        return any(message.at >= moment for message in self.messages if message.is_answer)

    @property
    def is_vouched(self) -> bool:
        """Whether the requester's address is known to be theirs, and not merely what somebody typed."""
        return is_vouched(self.ticket)

    def may_quote(self, kind: MailKind) -> bool:
        """Whether a mail of this kind may hold words that the requester typed.

        Anybody can type anybody's address into an open form. Until a technician has answered publicly,
        and so read what came in, mail to such an address says only what the desk itself has to say; the
        first mail, that the ticket was opened, never says more. The form cannot send its text to strangers;
        nor can a mail whose sender our own mail server could not verify.
        """
        if self.is_vouched:
            return True
        return kind is not MailKind.OPENED and any(message.is_answer for message in self.messages)


def _requoted(text: str, quotes: str, reads: str) -> str:
    """Return news in which what they quote, behind a colon, reads so now; "" for what was taken back."""
    return text.replace(f": {quotes}", f": {reads}" if reads else ".", 1)


class MailSource(Protocol):
    """Reads what a mail is made from."""

    async def read(
        self, ticket: TicketNumber, conversation: ConversationId, *, words: bool = True
    ) -> MailFacts:
        """Return the facts; without ``words`` what was said and the history may be left out.

        Raises NotFound when the ticket or the conversation does not exist.
        """
