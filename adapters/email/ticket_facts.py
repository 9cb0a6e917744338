"""Reads what a mail is made from, out of what staff may read."""

from __future__ import annotations

from adapters.email.source import MailFacts
from chatdesk.conversation import ConversationId
from chatdesk.errors import NotFound
from chatdesk.reading import StaffReads
from chatdesk.ticket import TicketNumber


class TicketFacts:
    """Reads what a mail is made from [adapters.email.source.MailSource]."""

    def __init__(self, reads: StaffReads) -> None:
        self._reads = reads

    async def read(
        self, ticket: TicketNumber, conversation: ConversationId, *, words: bool = True
    ) -> MailFacts:
        """Return the ticket and this one of its conversations. Raises NotFound when it has no such one."""
        if not words:
            opening = await self._reads.opening(ticket, conversation)
            if opening is not None:
                return MailFacts(*opening, messages=(), revisions=(), history=())
        file = await self._reads.ticket_file(ticket)
        if file is None:
            raise NotFound("The ticket")
        found = next((one for one in file.conversations if one.id == conversation), None)
        if found is None:
            raise NotFound("The conversation")
        return MailFacts(
            ticket=file.ticket,
            conversation=found,
            messages=[message for message in file.messages if message.conversation == conversation],
            revisions=[revision for revision in file.revisions if revision.conversation == conversation],
            history=file.history,
        )
