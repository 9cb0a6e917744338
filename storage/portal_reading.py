"""What the customer portal reads: only tickets and messages that the signed-in customer may see [R33]."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.channels import VOUCHED_CHANNELS
from chatdesk.conversation import AuthorKind, Conversation, Message
from chatdesk.mail_address import compared, known_forms
from chatdesk.portal import PortalCustomer, vouches_for_requester
from chatdesk.portal_reading import PortalPage, PortalTicket, SolvedBy
from chatdesk.sender import STANDING, Standing, same_speaker
from chatdesk.settings.model import PORTAL
from chatdesk.ticket import Ticket, TicketNumber, TicketStatus
from storage.columns import Record
from storage.conversation_rows import to_conversation, to_message
from storage.database import Database
from storage.parameters import in_list, rows_json
from storage.portal_lists import list_of
from storage.portal_sight import Sight, line_of, opening, sight_of
from storage.selecting import Select, Selecting
from storage.ticket_rows import to_affected, to_history, to_ticket

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
_PART_OF = "SELECT DISTINCT ticket FROM conversation WHERE opened_with IN {0} AND ticket IS NOT NULL"
_ALL_CONVERSATIONS = "SELECT * FROM conversation WHERE ticket IN {0} ORDER BY opened_at"
_ALL_NAMED = "SELECT * FROM affected WHERE mailbox = ? AND ticket IN {0}"
_RESOLVED = (
    f"SELECT * FROM history WHERE ticket = ? AND after = '{TicketStatus.RESOLVED.value}' "
    'ORDER BY "row" DESC LIMIT 1'
)
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
            line_of(tickets[opened], tickets[number], affected=affected)
            for _, opened, number, affected in shown
        )
        return PortalPage(tuple(lines), following)

    async def ticket(self, customer: PortalCustomer, number: TicketNumber) -> PortalTicket | None:
        sight = await self.sight(customer, number)
        if sight is None:
            return None
        messages, omitted = await self.said([sight])
        line, speaker = sight.line, customer.commenter if sight.affected else customer.visitor
        by_portal = (c.id for c in sight.own if c.channel == PORTAL and same_speaker(c.visitor, speaker))
        return PortalTicket(
            line.ticket,
            line.opened,
            messages,
            sight.whole,
            omitted,
            next(by_portal, None),
            affected=sight.affected,
            solved_by=await self._solved_by(customer, sight),
        )

    async def sight(self, customer: PortalCustomer, number: TicketNumber) -> Sight | None:
        """Return what they see of the ticket with that number, None when it is nothing."""
        which = (number, number, number)
        of_ticket = Select(_CONVERSATIONS, which)
        named = Select(_NAMED, (customer.mailbox, *which))
        conversations, affecting = await self._selecting.all([of_ticket, named])
        return next(iter(await self._sights(customer, conversations, affecting, number)), None)

    async def sights(self, customer: PortalCustomer, numbers: Collection[int]) -> list[Sight]:
        """Return what they see of each ticket with one of these numbers, or that it is part of now."""
        members, wanted = self._members("bigint"), rows_json(sorted(numbers))
        merged = await self._selecting.one(_PART_OF.format(members), wanted)
        final = rows_json(sorted({*numbers, *(row["ticket"] for row in merged)}))
        of_tickets = Select(_ALL_CONVERSATIONS.format(members), (final,))
        named = Select(_ALL_NAMED.format(members), (customer.mailbox, final))
        conversations, affecting = await self._selecting.all([of_tickets, named])
        return await self._sights(customer, conversations, affecting)

    async def said(self, sights: Sequence[Sight]) -> tuple[tuple[Message, ...], bool]:
        """Return the newest of what they read in these, oldest first, and whether earlier ones are left out.

        Of what technicians said to another the files are left out: they were sent to them.
        """
        query = _MESSAGES.format(self._members("text"), MAX_MESSAGES, MAX_SHOWN)
        own = {c.id for sight in sights for c in sight.own}
        told = {c.id for sight in sights for c in sight.told}
        found = await self._selecting.one(query, *(rows_json(sorted(ids)) for ids in (own | told, own)))
        omitted = len(found) == MAX_MESSAGES or bool(found and found[0]["shown"] >= MAX_SHOWN)
        messages = map(to_message, found)
        return tuple(m if m.conversation in own else replace(m, files=()) for m in messages), omitted

    async def newest(self, customer: PortalCustomer, limit: int) -> tuple[set[int], bool]:
        """Return the numbers of their newest open and past tickets, and whether these are all they have."""
        parts = [await self._part(customer, part, _ABOVE_ALL, limit) for part in (_OPEN, _PAST)]
        return {number for part in parts for _, number, _ in part}, all(len(part) < limit for part in parts)

    async def _sights(
        self,
        customer: PortalCustomer,
        conversations: Sequence[Record],
        named: Sequence[Record],
        asked: TicketNumber | None = None,
    ) -> list[Sight]:
        by_ticket: dict[TicketNumber, list[Conversation]] = {}
        for conversation in map(to_conversation, conversations):
            by_ticket.setdefault(TicketNumber(conversation.ticket or 0), []).append(conversation)
        chats = (chat for each in by_ticket.values() for chat in each)
        tickets = await self._tickets({n for c in chats for n in (c.ticket, c.opened_with) if n})
        affecting: dict[TicketNumber, set[TicketNumber]] = {}
        for person in map(to_affected, named):
            affecting.setdefault(person.ticket, set()).add(person.known_as or person.ticket)
        sights: list[Sight] = []
        for number, each in by_ticket.items():
            by = [asked] if asked else sorted({number, *map(opening, each)})
            found = (sight_of(customer, each, tickets, affecting.get(number, ()), one) for one in by)
            known = {sight.opened.number: sight for sight in found if sight is not None}
            # As in the list: a merged one only where they do not know what it is part of now.
            sights += [known[number]] if number in known else known.values()
        return sights

    async def _solved_by(self, customer: PortalCustomer, sight: Sight) -> SolvedBy | None:
        if not sight.final.is_done:
            return None
        found = map(to_history, await self._selecting.one(_RESOLVED, sight.final.number))
        by = next((step.by for step in found if step.by.kind is AuthorKind.CUSTOMER), None)
        return sight.solved_by(customer, by) if by else None

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

    async def _last_vouched(self, address: str) -> Ticket | None:
        query, forms = _LAST_VOUCHED.format(self._members("text")), known_forms(address)
        found = await self._selecting.one(query, forms[0], forms[-1], _VOUCHED, _STANDING)
        return next(filter(vouches_for_requester, map(to_ticket, found)), None)

    def _members(self, kind: str) -> str:
        return in_list(self._database.dialect, kind).replace("$1", "?")


def _read(page: str) -> _Cursor:
    """Read a cursor; one that was tampered with asks for the first page, a part alone for its beginning."""
    part, digits = page[:1], page[1:]
    if page in (_OPEN, _PAST):
        return _Cursor(page)
    usable = part in (_OPEN, _PAST) and digits.isascii() and digits.isdigit() and len(digits) < 16
    return _Cursor(part, int(digits)) if usable else _Cursor()
