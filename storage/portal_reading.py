"""What the customer portal reads: only tickets and messages that the signed-in customer may see [R33].

Every ticket is theirs as the one it was opened with: of a merged ticket each requester knows their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.channels import VOUCHED_CHANNELS
from chatdesk.conversation import Conversation, Message
from chatdesk.mail_address import compared, known_forms
from chatdesk.merging import as_opened
from chatdesk.portal import PortalCustomer, is_said_to_requester, may_see, vouches_for_requester
from chatdesk.portal_reading import PortalLine, PortalPage, PortalTicket
from chatdesk.sender import STANDING, Standing, same_speaker
from chatdesk.settings.model import PORTAL
from chatdesk.ticket import Ticket, TicketNumber
from storage.conversation_rows import to_conversation, to_message
from storage.database import Database
from storage.parameters import in_list, rows_json
from storage.portal_lists import list_of
from storage.selecting import Select, Selecting
from storage.ticket_rows import to_affected, to_ticket

MAX_MESSAGES, MAX_SHOWN = 1_000, 500_000
"""Messages, and characters of them, of one ticket that a page shows: the newest."""

_CONVERSATIONS = (
    "SELECT * FROM conversation WHERE ticket = COALESCE((SELECT MAX(c.ticket) FROM conversation c "
    "WHERE c.opened_with = ? AND c.ticket <> ?), ?) ORDER BY opened_at"
)
_NAMED = (
    "SELECT * FROM affected WHERE mailbox = ? AND ticket = COALESCE("
    "(SELECT MAX(c.ticket) FROM conversation c WHERE c.opened_with = ? AND c.ticket <> ?), ?)"
)
"""Somebody among those whom the ticket affects of which the one with that number is part."""
_IS_NAMED = "SELECT 1 FROM affected WHERE mailbox = ? LIMIT 1"
_TICKETS = "SELECT * FROM ticket WHERE number IN {0}"
_MESSAGES = (
    'SELECT * FROM (SELECT m.*, SUM(LENGTH(text)) OVER (ORDER BY at DESC, "row" DESC) AS shown '
    "FROM message m WHERE visibility = 'public' AND conversation IN {0} "
    "AND (conversation IN {0} OR (author_kind = 'agent' AND deleted_at IS NULL AND text <> '')) "
    'ORDER BY at DESC, "row" DESC LIMIT {1:d}) newest WHERE shown - LENGTH(text) < {2:d} ORDER BY at, "row"'
)
_VOUCHED = rows_json(sorted(VOUCHED_CHANNELS))
_STANDING = f"%{rows_json([STANDING, Standing.VERIFIED])}%"
"""How a verified sender stands among a ticket's answers; in what somebody typed the quotes are escaped."""
_LAST_VOUCHED = (
    "SELECT * FROM ticket WHERE LOWER(requester_email) IN (?, ?) AND channel IN {0} "
    "AND (channel <> 'email' OR answers LIKE ?) ORDER BY number DESC LIMIT 1"
)
"""The newest ticket that shows whose the address is, however many somebody has typed it into since."""
_OPEN, _PAST = "o", "p"
_ABOVE_ALL = 2**62


class _Cursor(Struct, frozen=True):
    """Where a page begins: among the open or the past tickets, below a number."""

    part: str = _OPEN
    below: int = _ABOVE_ALL


class TortoisePortalReads:
    """Reads of one database [chatdesk.portal_reading.PortalReads]."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._selecting = Selecting(database)

    async def is_contact(self, address: str) -> bool:
        named = await self._selecting.one(_IS_NAMED, compared(address))
        return bool(named) or await self._last_vouched(address) is not None

    async def last_answers(self, customer: PortalCustomer) -> tuple[tuple[str, str], ...]:
        last = await self._last_vouched(customer.address)
        return last.answers if last else ()

    async def tickets(self, customer: PortalCustomer, page: str, limit: int) -> PortalPage:
        cursor = _read(page)
        found: list[tuple[str, int, int, bool]] = []
        for part in (_OPEN, _PAST) if cursor.part == _OPEN else (_PAST,):
            below = cursor.below if part == cursor.part else _ABOVE_ALL
            wanted = limit + 1 - len(found)
            if wanted > 0:
                found += [(part, *line) for line in await self._part(customer, part, below, wanted)]
        shown = found[:limit]
        following = f"{shown[-1][0]}{shown[-1][1]}" if len(found) > limit else ""
        tickets = await self._tickets({number for _, *pair, _ in shown for number in pair})
        lines = (
            _line(tickets[opened], tickets[number], affected=affected)
            for _, opened, number, affected in shown
        )
        return PortalPage(tuple(lines), following)

    async def ticket(self, customer: PortalCustomer, number: TicketNumber) -> PortalTicket | None:
        which = (number, number, number)
        of_ticket = Select(_CONVERSATIONS, which)
        rows, named = await self._selecting.all([of_ticket, Select(_NAMED, (customer.mailbox, *which))])
        conversations = list(map(to_conversation, rows))
        if not conversations:
            return None
        tickets = await self._tickets({n for c in conversations for n in (c.ticket, c.opened_with) if n})
        final = tickets[TicketNumber(conversations[0].ticket or 0)]
        visible = [c for c in conversations if _is_visible(customer, c, conversations, tickets)]
        # What they wrote while it affected them tells them of it no longer.
        known = {_opening(conversation) for conversation in visible if not conversation.is_aside}
        affecting = {person.known_as or person.ticket for person in map(to_affected, named)}
        known |= affecting
        if not known or number not in {final.number, *known}:
            # Also of another's ticket that was merged into theirs: nothing tells them of it.
            return None
        opened = number if number in known else min(known)
        shown = await self._shown(customer, final, tickets[opened], conversations, visible)
        if shown.whole or opened not in affecting:
            return shown
        return await self._shown_affected(customer, shown, tickets[opened], conversations, visible)

    async def _shown(
        self,
        customer: PortalCustomer,
        final: Ticket,
        opened: Ticket,
        conversations: Sequence[Conversation],
        visible: Sequence[Conversation],
    ) -> PortalTicket:
        messages, omitted = await self._messages(visible, visible)
        line = _line(opened, final)
        companies = _companies(opened.number, conversations)
        whole = compared(opened.requester_email) == customer.mailbox or customer.managed_company in companies
        by_portal = (
            c.id for c in visible if c.channel == PORTAL and same_speaker(c.visitor, customer.visitor)
        )
        return PortalTicket(line.ticket, line.opened, messages, whole, omitted, next(by_portal, None))

    async def _shown_affected(
        self,
        customer: PortalCustomer,
        shown: PortalTicket,
        opened: Ticket,
        conversations: Sequence[Conversation],
        own: Sequence[Conversation],
    ) -> PortalTicket:
        """Add what technicians said to the requester, in words alone: a file was sent to them."""
        here = (c for c in conversations if _opening(c) == opened.number)
        told = [c for c in here if is_said_to_requester(c, opened)]
        messages, omitted = await self._messages([*own, *told], own)
        theirs = {conversation.id for conversation in own}
        words = (m if m.conversation in theirs else replace(m, files=()) for m in messages)
        beside = (c.id for c in own if c.channel == PORTAL and same_speaker(c.visitor, customer.commenter))
        return replace(shown, messages=tuple(words), omitted=omitted, affected=True, own=next(beside, None))

    async def _part(
        self, customer: PortalCustomer, part: str, below: int, limit: int
    ) -> list[tuple[int, int, bool]]:
        wanted = list_of(customer, below, limit, is_open=part == _OPEN)
        found = await self._selecting.one(wanted.query, *wanted.values)
        return [(row["opened"], row["number"], bool(row["affected"])) for row in found]

    async def _tickets(self, numbers: set[int]) -> dict[int, Ticket]:
        query = _TICKETS.format(self._members("bigint"))
        found = map(to_ticket, await self._selecting.one(query, rows_json(sorted(numbers))))
        return {ticket.number: ticket for ticket in found}

    async def _messages(
        self, of: Sequence[Conversation], whole: Sequence[Conversation]
    ) -> tuple[tuple[Message, ...], bool]:
        """Return what was said in these, in those that are not ``whole`` by technicians alone."""
        query = _MESSAGES.format(self._members("text"), MAX_MESSAGES, MAX_SHOWN)
        ids = (rows_json([conversation.id for conversation in each]) for each in (of, whole))
        found = await self._selecting.one(query, *ids)
        omitted = len(found) == MAX_MESSAGES or bool(found and found[0]["shown"] >= MAX_SHOWN)
        return tuple(map(to_message, found)), omitted

    async def _last_vouched(self, address: str) -> Ticket | None:
        query, forms = _LAST_VOUCHED.format(self._members("text")), known_forms(address)
        found = await self._selecting.one(query, forms[0], forms[-1], _VOUCHED, _STANDING)
        return next(filter(vouches_for_requester, map(to_ticket, found)), None)

    def _members(self, kind: str) -> str:
        return in_list(self._database.dialect, kind).replace("$1", "?")


def _is_visible(
    customer: PortalCustomer,
    conversation: Conversation,
    conversations: Sequence[Conversation],
    tickets: dict[int, Ticket],
) -> bool:
    number = _opening(conversation)
    return may_see(customer, conversation, tickets[number], _companies(number, conversations))


def _opening(conversation: Conversation) -> TicketNumber:
    """Return the ticket that the conversation was opened with."""
    return TicketNumber(conversation.opened_with or conversation.ticket or 0)


def _companies(opened: TicketNumber, conversations: Sequence[Conversation]) -> set[str]:
    return {c.company_id for c in conversations if c.company_id and _opening(c) == opened}


def _line(opened: Ticket, final: Ticket, *, affected: bool = False) -> PortalLine:
    shown = final if opened.number == final.number else as_opened(final, opened)
    return PortalLine(shown, opened.number, affected)


def _read(page: str) -> _Cursor:
    """Read a cursor; one that was tampered with asks for the first page, a part alone for its beginning."""
    part, digits = page[:1], page[1:]
    if page in (_OPEN, _PAST):
        return _Cursor(page)
    usable = part in (_OPEN, _PAST) and digits.isascii() and digits.isdigit() and len(digits) < 16
    return _Cursor(part, int(digits)) if usable else _Cursor()
