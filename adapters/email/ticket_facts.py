"""Reads what a mail is made from, out of what staff may read."""

from __future__ import annotations

from adapters.email.source import MailFacts
from chatdesk.conversation import Conversation, ConversationId
from chatdesk.errors import NotFound
from chatdesk.reading import StaffReads, TicketFile
from chatdesk.ticket import TicketNumber


class TicketFacts:
    """Reads what a mail is made from [adapters.email.source.MailSource]."""

    def __init__(self, reads: StaffReads) -> None:
        self._reads = reads

    async def read(
        self, ticket: TicketNumber, conversation: ConversationId, *, words: bool = True
    ) -> MailFacts:
        """Return the ticket as the customer of this conversation may see it, and the conversation.

        A conversation that a merge has moved since is read with the ticket it is now part of. Raises NotFound
        when there is no such one.
        """
        if not words:
            opening = await self._reads.opening(ticket, conversation)
            if opening is not None and opening[1].opened_with is None:
                return MailFacts(*opening, messages=(), revisions=(), history=())
        file, found = await self._now(ticket, conversation)
        return MailFacts(
            ticket=file.as_seen_in(found),
            conversation=found,
            messages=[message for message in file.messages if message.conversation == conversation],
            revisions=[revision for revision in file.revisions if revision.conversation == conversation],
            history=file.history,
        )

    async def _now(
        self, number: TicketNumber, conversation: ConversationId
    ) -> tuple[TicketFile, Conversation]:
        file = await self._reads.ticket_file(number)
        if file is None:
            raise NotFound("The ticket")
        if file.ticket.merged_into is not None:
            moved = await self._reads.conversation(conversation)
            number = moved.ticket if moved and moved.ticket and moved.opened_with else number
            file = await self._reads.ticket_file(number) or file
        found = next((one for one in file.conversations if one.id == conversation), None)
        if found is None:
            raise NotFound("The conversation")
        return file, found
