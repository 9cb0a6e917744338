"""Lists of tickets, page by page: each page is a walk along an index from where the one before ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.conversation import Conversation
from chatdesk.errors import EventRefused
from chatdesk.reading import OpenTickets, TicketFilter, TicketLine, TicketPage, TicketView, Workload
from chatdesk.search import excerpt, holds, words
from chatdesk.ticket import PAUSED, Ticket, TicketNumber
from storage.columns import Record, optional_moment, readable, timestamp
from storage.conversation_rows import to_conversation
from storage.database import Database
from storage.parameters import in_list
from storage.search import SearchedTickets, TortoiseSearch, found_in
from storage.selecting import Select, Selecting
from storage.ticket_rows import to_ticket

_ABOVE_ALL = 2**62
"""More than any ticket's number."""
Value = str | int | datetime
Condition = tuple[str, *tuple[Value, ...]]
"""A part of a query's condition, and the values for the question marks in it."""


_PAUSED = ", ".join(f"'{status}'" for status in sorted(PAUSED))
_RUNS = f"status NOT IN ({_PAUSED})"
_STANDS = f"status IN ({_PAUSED})"
_MARK = "paused"


class _Cursor(Struct, frozen=True):
    """The last ticket of a page: its number, when it was due if it was, and whether its clock stood still."""

    number: int
    due: datetime | None
    paused: bool = False

    @property
    def part(self) -> int:
        """Which part of a list by due time it is in."""
        return 2 if self.due is None else int(self.paused)


MOST_COUNTED = 20_000
"""Open tickets that are counted, and overdue ones: along an index, which takes a few milliseconds."""
_OF_TECHNICIANS = "SELECT assignee FROM ticket{0} WHERE active = TRUE AND assignee IS NOT NULL"
_COUNTED = f"SELECT assignee, count(*) AS counted FROM ({{0}} LIMIT {MOST_COUNTED}) held GROUP BY assignee"
_COMPANIES = """
    WITH RECURSIVE named(company) AS (
        SELECT MIN(company) FROM ticket WHERE company > ''
        UNION ALL SELECT (SELECT MIN(t.company) FROM ticket t WHERE t.company > named.company)
        FROM named WHERE company IS NOT NULL)
    SELECT company FROM named WHERE company IS NOT NULL LIMIT 1000"""
"""From one to the next along the index, however many tickets each has."""
LOOKED_AT = 5_000
"""Newest tickets with the first part of a filter of several that are looked at for one page."""
_NARROWED = "number, company, tier, assignee, priority"
_BY_NUMBER = (
    ("company", "idx_ticket_company_34f1e9"),
    ("tier", "ticket_by_tier"),
    ("agent", "ticket_by_technician"),
    ("unassigned", "ticket_of_nobody"),
    ("priority", "ticket_by_priority"),
)
_BY_DUE = (
    ("agent", "ticket_of_technician"),
    ("tier", "ticket_of_tier"),
    ("company", "ticket_of_company"),
    ("unassigned", "ticket_open_of_nobody"),
    ("priority", "ticket_open_by_priority"),
)
"""Which index SQLite has to walk for the first of these that a filter has: it counts nothing, and would walk
along all tickets.
"""


class TicketLists:
    """Reads the pages of one database's lists."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._selecting = Selecting(database)
        self._texts = TortoiseSearch(database)

    async def page(self, wanted: TicketFilter, page: str, limit: int) -> TicketPage:
        """Return one page [chatdesk.reading.StaffReads.tickets]."""
        after = _read(page)
        if wanted.text:
            return await self._searched(wanted, after, limit)
        if wanted.view is TicketView.ALL and wanted.overdue is None:
            return await self._newest(wanted, after, limit)
        return await self._page(await self._by_due(wanted, after, limit + 1), limit)

    async def count(self, wanted: TicketFilter, limit: int) -> int:
        """Return how many tickets the list has; counting stops at ``limit``."""
        where = _wanted(wanted)
        if wanted.text:
            where.append(self._one_of((await self._search(wanted.text, _ABOVE_ALL))[0]))
        return len(await self._rows("SELECT number FROM ticket", where, f"LIMIT {limit:d}"))

    async def open_tickets(self, at: datetime) -> OpenTickets:
        """Return the open tickets at a glance [chatdesk.reading.StaffReads.open_tickets]."""
        sqlite = self._database.dialect == "sqlite"
        by_technician = " INDEXED BY ticket_of_technician" if sqlite else ""
        late = f"{_OF_TECHNICIANS.format('')} AND due_at < ? AND {_RUNS}"
        held, overdue, named = await self._selecting.all(
            [
                Select(_COUNTED.format(_OF_TECHNICIANS.format(by_technician)), ()),
                Select(_COUNTED.format(late), (at,)),
                Select(_COMPANIES, ()),
            ]
        )
        missed = {row["assignee"]: row["counted"] for row in overdue}
        loads = [Workload(row["assignee"], row["counted"], missed.get(row["assignee"], 0)) for row in held]
        loads.sort(key=lambda load: load.agent)
        return OpenTickets(tuple(loads), tuple(row["company"] for row in named))

    async def due_soon(
        self, after: datetime, number: TicketNumber, until: datetime, limit: int
    ) -> Sequence[Ticket]:
        """Return open tickets by due time [chatdesk.escalation.DueTickets.due_soon]."""
        where: list[Condition] = [
            ("active = TRUE",),
            ("(due_at, number) > (?, ?)", after, number),
            ("due_at <= ?", until),
        ]
        found = await self._rows("SELECT * FROM ticket", where, f"ORDER BY due_at, number LIMIT {limit:d}")
        return list(readable(to_ticket, found, "number"))

    async def _searched(self, wanted: TicketFilter, after: _Cursor | None, limit: int) -> TicketPage:
        """Return the newest matches below the page's cursor, each with what was found in it."""
        only = _wanted(wanted)
        numbers, searched = await self._search(
            wanted.text, after.number if after else _ABOVE_ALL, narrowed=bool(only)
        )
        # Few of them may be left: the next page goes on where the search has ended, not the page.
        down_to = searched.down_to if only else 0
        here = [*only, self._one_of(numbers), ("number >= ?", down_to)]
        found = await self._page(await self._by_number(here, after, limit + 1), limit)
        asked = words(wanted.text)
        lines = tuple(_with_found(line, searched.rows, asked) for line in found.lines)
        return TicketPage(lines, found.next or (f"{down_to}|" if down_to else ""), searched.cut)

    async def _search(
        self, text: str, below: int, *, narrowed: bool = False
    ) -> tuple[list[int], SearchedTickets]:
        """Return what is found by words, and the numbers with that which stands in the text."""
        found = await self._texts.tickets(text, below, narrowed=narrowed)
        digits = "".join(char for char in text if char.isascii() and char.isdigit())
        named = {int(digits)} if 0 < len(digits) < 16 else set()
        return sorted(named.union(found.rows)), found

    async def _newest(self, wanted: TicketFilter, after: _Cursor | None, limit: int) -> TicketPage:
        """Return a page by number. A filter of several parts is a walk along the index of one of them."""
        index, where = self._index(wanted, _BY_NUMBER), _wanted(wanted)
        if len(where) < 2:
            return await self._page(await self._by_number(where, after, limit + 1, index), limit)
        (first, *values), *others = where
        below = after.number if after else _ABOVE_ALL
        walk = f"FROM ticket {index} WHERE {first} AND number < ? ORDER BY number DESC"
        looked = f"(SELECT {_NARROWED} {walk} LIMIT {LOOKED_AT:d}) AS looked"
        fits = " AND ".join(condition for condition, *_ in others)
        among = f"SELECT number FROM {looked} WHERE {fits} ORDER BY number DESC LIMIT {limit + 1:d}"
        given = (*values, below, *(value for _, *each in others for value in each))
        found = await self._by_number([(f"number IN ({among})", *given)], None, limit + 1)
        page = await self._page(found, limit)
        if page.next:
            return page
        beyond = f"SELECT number {walk} LIMIT 1 OFFSET {LOOKED_AT:d}"
        left = await self._selecting.one(beyond, *values, below)
        return replace(page, next=f"{left[0]['number'] + 1}|" if left else "")

    async def _by_number(
        self, where: list[Condition], after: _Cursor | None, limit: int, index: str = ""
    ) -> list[Ticket]:
        if after:
            where = [*where, ("number < ?", after.number)]
        return await self._tickets(where, f"ORDER BY number DESC LIMIT {limit:d}", index)

    async def _by_due(self, wanted: TicketFilter, after: _Cursor | None, limit: int) -> list[Ticket]:
        """Return tickets by due time, then those whose clock stands still, then those that have none.

        In parts, which the databases would order differently in one; each is a walk along an index.
        """
        found: list[Ticket] = []
        for part in range(after.part if after else 0, 3 if wanted.overdue is None else 1):
            if len(found) < limit:
                cursor = after if after and after.part == part else None
                found += await self._part(wanted, part, cursor, limit - len(found))
        return found

    async def _part(self, wanted: TicketFilter, part: int, after: _Cursor | None, limit: int) -> list[Ticket]:
        where, index = _wanted(wanted), self._index(wanted, _BY_DUE)
        if part == 2:
            rest: list[Condition] = [("due_at IS NULL",), ("number > ?", after.number if after else 0)]
            return await self._tickets([*where, *rest], f"ORDER BY number LIMIT {limit:d}", index)
        where += [("due_at IS NOT NULL",), (_STANDS if part else _RUNS,)]
        if after and after.due:
            where.append(("(due_at, number) > (?, ?)", after.due, after.number))
        return await self._tickets(where, f"ORDER BY due_at, number LIMIT {limit:d}", index)

    def _index(self, wanted: TicketFilter, indexes: Sequence[tuple[str, str]]) -> str:
        if self._database.dialect != "sqlite":
            return ""
        return next((f"INDEXED BY {index}" for field, index in indexes if getattr(wanted, field)), "")

    async def _page(self, found: Sequence[Ticket], limit: int) -> TicketPage:
        """Return the page of what was found, of which one more than ``limit`` tells that there is another."""
        shown = found[:limit]
        following = _written(shown[-1]) if len(found) > limit else ""
        chats = await self._conversations([ticket.number for ticket in shown])
        return TicketPage(tuple(TicketLine.of(t, chats.get(t.number, ())) for t in shown), following)

    async def _conversations(
        self, numbers: Sequence[TicketNumber]
    ) -> Mapping[TicketNumber, Sequence[Conversation]]:
        """Return the conversations of each ticket that has some, oldest first."""
        if not numbers:
            return {}
        where: list[Condition] = [self._one_of(numbers, "ticket")]
        found = await self._rows("SELECT * FROM conversation", where, "ORDER BY opened_at")
        chats: dict[TicketNumber, list[Conversation]] = {}
        for chat in readable(to_conversation, found):
            if chat.ticket is not None:
                chats.setdefault(chat.ticket, []).append(chat)
        return chats

    async def _tickets(self, where: Sequence[Condition], order: str, index: str = "") -> list[Ticket]:
        return list(map(to_ticket, await self._rows(f"SELECT * FROM ticket {index}", where, order)))

    async def _rows(self, query: str, where: Sequence[Condition], order: str) -> Sequence[Record]:
        conditions = " AND ".join(condition for condition, *_ in where) or "TRUE"
        values = [value for _, *given in where for value in given]
        return await self._selecting.one(f"{query} WHERE {conditions} {order}", *values)

    def _one_of(self, numbers: Sequence[int], column: str = "number") -> Condition:
        members = in_list(self._database.dialect, "bigint").replace("$1", "?")
        return f"{column} IN {members}", json.dumps(list(numbers))


def _wanted(wanted: TicketFilter) -> list[Condition]:
    """Return the parts of the filter, in the order of ``_BY_NUMBER``; what has to be open is last."""
    where: list[Condition] = []
    if wanted.company:
        where.append(("company = ?", wanted.company))
    if wanted.tier:
        where.append(("tier = ?", wanted.tier))
    if wanted.agent is not None or wanted.view is TicketView.MINE:
        where.append(("assignee = ?", wanted.agent or ""))
    if wanted.unassigned:
        where.append(("assignee IS NULL",))
    if wanted.priority is not None:
        where.append(("priority = ?", wanted.priority.value))
    if wanted.view is not TicketView.ALL or wanted.overdue is not None:
        where.append(("active = TRUE",))
    if wanted.overdue is not None:
        where += [("due_at < ?", wanted.overdue), (_RUNS,)]
    return where


def _with_found(line: TicketLine, texts: Mapping[TicketNumber, Record], asked: Sequence[str]) -> TicketLine:
    row = texts.get(line.ticket.number)
    if row is None or holds(line.ticket.subject, asked):
        return line
    return replace(line, found=excerpt(found_in(row), asked))


def _written(last: Ticket) -> str:
    mark = f"|{_MARK}" if last.due_at and last.is_paused else ""
    return f"{last.number}|{timestamp(last.due_at) if last.due_at else ''}{mark}"


def _read(page: str) -> _Cursor | None:
    """Read what ``_written`` wrote; None for the first page. Raises EventRefused for anything else."""
    if not page:
        return None
    number, due, mark = (*page.split("|"), "", "")[:3]
    try:
        if number.isdecimal() and len(number) < 16 and mark in ("", _MARK):
            return _Cursor(int(number), optional_moment(due), mark == _MARK)
    except (ValueError, OverflowError):
        pass
    raise EventRefused(
        "There is no such page. Leave it out to begin at the first.", code="page", field="page"
    )
