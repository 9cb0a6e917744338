"""Which ticket a mail belongs to: by token, by the mails it answers, by the number in its subject [R16].

A token cannot be guessed, so it is believed from anybody. The other two can be made up by whoever has seen
a number: they count only for a sender who takes part in the ticket [threat 33].
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.email.parsed import ParsedMail
from chatdesk.config import Config
from chatdesk.inbox import Inbox
from chatdesk.mail_address import compared
from chatdesk.mail_tokens import MailTokens, ReplyTo
from chatdesk.reading import StaffReads, followed
from chatdesk.sender import Standing, same_speaker, visitor_of
from chatdesk.ticket import Ticket, TicketNumber

MAX_IDS = 20


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a mail belongs. ``ticket`` is None for a new matter, then ``linked_to`` is what it named.

    ``by_token`` says that the mail carried the ticket's token; ``held`` is the held mail it answers.
    """

    ticket: Ticket | None = None
    by_token: bool = False
    linked_to: TicketNumber | None = None
    held: str | None = None


class Threading:
    """Finds where mails belong."""

    def __init__(self, config: Config, inbox: Inbox, reads: StaffReads, tokens: MailTokens) -> None:
        self._inbox = inbox
        self._reads = reads
        self._tokens = tokens
        self._own = frozenset(filter(None, (config.desk.email, *config.mail.aliases)))
        prefix = re.escape(config.desk.ticket_prefix)
        self._number = re.compile(rf"(?<![A-Za-z0-9-]){prefix}-([0-9]{{1,15}})(?![0-9A-Za-z-])", re.I)

    async def find(self, mail: ParsedMail, standing: Standing) -> Thread:
        """Return where the mail belongs, seeing how its sender stands."""
        token = self.token_in(mail.recipients)
        if token is not None and token.held is not None:
            return Thread(held=token.held)
        if token is not None and token.ticket is not None:
            ticket = await followed(self._reads, token.ticket)
            if ticket is not None:
                return Thread(ticket, by_token=True)
        named = await self._named(mail)
        ticket = await followed(self._reads, named) if named is not None else None
        if ticket is None:
            return Thread()
        if standing is not Standing.FAILED and await self._takes_part(mail.sender, ticket):
            return Thread(ticket)
        return Thread(linked_to=ticket.number)

    def token_in(self, recipients: tuple[str, ...]) -> ReplyTo | None:
        """Return what the token in one of the desk's own addresses stands for."""
        for address in recipients:
            local, _, domain = address.rpartition("@")
            base, plus, token = local.partition("+")
            if plus and f"{base}@{domain}" in self._own:
                found = self._tokens.read(token)
                if found is not None:
                    return found
        return None

    async def _named(self, mail: ParsedMail) -> TicketNumber | None:
        identities = tuple(dict.fromkeys((*mail.in_reply_to, *mail.references)))[:MAX_IDS]
        by_thread = await self._inbox.ticket_of_message(identities)
        if by_thread is not None:
            return by_thread
        for identity in identities:
            found = re.fullmatch(r"<ticket-([0-9]{1,15})@[^>]+>", identity)
            if found and identity.rpartition("@")[2].rstrip(">") in {
                own.rpartition("@")[2] for own in self._own
            }:
                return TicketNumber(int(found[1]))
        number = self._number.search(mail.subject)
        return TicketNumber(int(number[1])) if number else None

    async def _takes_part(self, sender: str, ticket: Ticket) -> bool:
        if compared(ticket.requester_email) == compared(sender):
            return True
        file = await self._reads.ticket_file(ticket.number)
        return file is not None and (
            any(same_speaker(c.visitor, visitor_of(sender)) for c in file.conversations)
            or any(compared(merged.requester_email) == compared(sender) for merged in file.origins)
        )
