"""Finding a ticket from another browser: a code goes to its address, and who enters that is let in [R19].

Nothing here tells whether a ticket exists or whose it is: what does not fit is answered as what does, and
after the same time, until the code is there [design: who may see what].
"""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web
from msgspec import Struct

from adapters.web.limits import party
from adapters.web.visitor_events import Common
from chatdesk.chat_codes import ChatCodes
from chatdesk.config import Config
from chatdesk.desk import Desk
from chatdesk.errors import EventRefused
from chatdesk.events import ChatContinued, CodeRequested
from chatdesk.mail_address import compared, counted
from chatdesk.rate_limit import RateLimit
from chatdesk.reading import StaffReads, followed
from chatdesk.ticket import Ticket, typed_number

TEN_MINUTES, HOUR = timedelta(minutes=10), timedelta(hours=1)
WRONG = "This code does not fit, or it is too old. Please check it, or have another one mailed to you."


class Named(Struct, frozen=True):
    """A ticket as its customer named it: by number and address, both as typed."""

    ticket: str
    email: str


class _Found(Struct, frozen=True):
    """The ticket that was named, and the one it is now part of, which is the same unless it was merged."""

    named: Ticket
    now: Ticket


class TicketFinding:
    """Mails codes and takes them. One address may try 30 times in ten minutes.

    A mailbox gets at most 3 codes an hour for one asker and 10 in all; what is asked for beyond that is not
    mailed, which nobody is told.
    """

    def __init__(self, config: Config, desk: Desk, reads: StaffReads, codes: ChatCodes) -> None:
        self._prefix = config.desk.ticket_prefix
        self._desk = desk
        self._reads = reads
        self._codes = codes
        self._tries = RateLimit(30, TEN_MINUTES)
        self._of_asker = RateLimit(3, HOUR)
        self._of_mailbox = RateLimit(10, HOUR)

    def count_try(self, address: str | None, at: datetime) -> None:
        """Count one more attempt from a network address. Raises EventRefused (``attempts``)."""
        sender = party(address)
        if sender is not None and not self._tries.take(sender, at):
            text = "There were too many attempts. Please try again in ten minutes."
            raise EventRefused(text, code="attempts")

    async def mail_code(self, named: Named, common: Common, visitor: str) -> None:
        """Mail a code if the two fit together; raises what Desk.receive does, nothing if they do not fit."""
        found, at = await self._find(named), common["at"]
        if found is None or not self._may_mail(named.email, visitor, at):
            return
        file = await self._reads.chat_file(found.now.number)
        if file is None:
            return
        number = found.named.number
        request = CodeRequested(
            at=at,
            channel=common["channel"],
            external_id=common["external_id"],
            conversation=file.conversations[0].id,
            number=number,
            address=found.named.requester_email,
            code=self._codes.code(visitor, number, at),
        )
        await self._desk.receive(request)

    async def continued(
        self, named: Named, code: str, common: Common, visitor: str, widget: str
    ) -> ChatContinued:
        """Return the event of a customer whose code fits. Raises EventRefused for any other."""
        found = await self._find(named)
        if found is None or not self._codes.fits(code, visitor, found.named.number, common["at"]):
            raise EventRefused(WRONG, code="code", field="code")
        merged = found.named.number if found.now.number != found.named.number else None
        return ChatContinued(
            **common,
            ticket=found.now.number,
            sender=found.named.requester_email,
            name=found.named.requester_name,
            opened_with=merged,
            browser=visitor,
            widget=widget,
        )

    def _may_mail(self, email: str, visitor: str, at: datetime) -> bool:
        mailbox = counted(email)
        return self._of_asker.take(f"{visitor} {mailbox}", at) and self._of_mailbox.take(mailbox, at)

    async def _find(self, named: Named) -> _Found | None:
        number = typed_number(self._prefix, named.ticket)
        ticket = await self._reads.ticket(number) if number is not None else None
        if ticket is None or not ticket.requester_email:
            return None
        if compared(ticket.requester_email) != compared(named.email):
            return None
        now = await followed(self._reads, ticket.number)
        return _Found(ticket, now) if now is not None else None


FINDING = web.AppKey("ticket_finding", TicketFinding)
