"""What reports read [chatdesk.report_reading]: walks along indexes of time, some rows at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from chatdesk.changes import HistoryEntry
from chatdesk.conversation import Author, AuthorKind, ConversationId
from chatdesk.report_reading import (
    DeskWord,
    EndMoved,
    From,
    MovedLater,
    OpenedTicket,
    OpenTicketNow,
    RatingGiven,
)
from chatdesk.ticket import ACTIVE, TicketNumber
from storage.columns import Record, moment, readable
from storage.database import Database
from storage.parameters import in_list, rows_json
from storage.selecting import Select, Selecting
from storage.ticket_rows import to_history, to_ticket

TICKETS = 60
"""Tickets at a time, with all that belongs to them: what is made of them takes some milliseconds."""
LINES = 300
"""Short rows at a time."""
PASSED = 1_000
"""Entries of the history that are looked at at a time, of which few are read."""
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)

_COMPANY = (
    "COALESCE((SELECT MAX(company_id) FROM conversation WHERE ticket = {0} AND opened_with IS NULL), "
    "(SELECT MAX(company_id) FROM conversation WHERE opened_with = {0}), '') AS company_id"
)
"""The company that the conversations tell which were opened with a ticket, wherever a merge has put them."""
_OF_TICKET = f"(SELECT company FROM ticket WHERE number = h.ticket) AS company, {_COMPANY.format('h.ticket')}"
"""Of an entry's ticket. As a join PostgreSQL would read whole tables for it."""
_TICKETS = (
    f"SELECT t.*, {_COMPANY.format('t.number')} FROM ticket t "
    "WHERE (opened_at, number) > (?, ?) AND opened_at < ? "
    f"ORDER BY opened_at, number LIMIT {TICKETS:d}"
)
_HISTORY = (
    "SELECT * FROM history WHERE ticket IN {0} AND (after IS NOT NULL OR what = 'opened') ORDER BY \"row\""
)
_CHATS = (
    "SELECT * FROM (SELECT id, ticket AS number, state, opened_at FROM conversation "
    "WHERE ticket IN {0} AND opened_with IS NULL "
    "UNION ALL SELECT id, opened_with, state, opened_at FROM conversation "
    "WHERE opened_with IN {0}) of_ticket ORDER BY opened_at DESC"
)
_WORDS = (
    "SELECT conversation, at, text FROM message WHERE conversation IN {0} "
    "AND author_kind = 'desk' AND visibility = 'public' ORDER BY conversation, seq"
)
_ANSWERS = (
    "SELECT t.number, m.author_id, m.author_name FROM ticket t "
    "JOIN conversation c ON c.ticket = t.number OR c.opened_with = t.number "
    "JOIN message m ON m.conversation = c.id AND m.at = t.first_response_at "
    "WHERE t.number IN {0} AND m.author_kind = 'agent' AND m.visibility = 'public'"
)
_ENDS = "after IN ('resolved', 'merged', 'cancelled') OR before IN ('resolved', 'closed')"
"""What the index history_of_ends has, in the words of its making."""
_MOVES = (
    f"SELECT h.*, {_OF_TICKET} FROM history h "
    f'WHERE ({_ENDS}) AND (at, "row") > (?, ?) AND at < ? ORDER BY at, "row" LIMIT {LINES:d}'
)
_LATER = (
    'WITH page AS (SELECT ticket, before, at, "row", '
    "(SELECT opened_at FROM ticket WHERE number = history.ticket) AS opened_at FROM history "
    f'WHERE ({_ENDS}) AND (at, "row") > (?, ?) ORDER BY at, "row" LIMIT {PASSED:d}) '
    f"SELECT h.*, {_OF_TICKET} FROM page h WHERE opened_at < ? "
    'OR "row" = (SELECT "row" FROM page ORDER BY at DESC, "row" DESC LIMIT 1) ORDER BY at, "row"'
)
"""Of a page the entries of tickets opened before, and its last one, behind which the next page begins."""
_OPEN_DATED = (
    f"SELECT t.number, t.opened_at, t.due_at, t.company, {_COMPANY.format('t.number')} FROM ticket t "
    "WHERE active = TRUE AND due_at IS NOT NULL AND (due_at, number) > (?, ?) "
    f"ORDER BY due_at, number LIMIT {LINES:d}"
)
_OPEN_UNDATED = (
    f"SELECT t.number, t.opened_at, t.due_at, t.company, {_COMPANY.format('t.number')} FROM ticket t "
    f"WHERE active = TRUE AND due_at IS NULL AND number > ? ORDER BY number LIMIT {LINES:d}"
)
_RATINGS = (
    "SELECT r.*, (SELECT company_id FROM conversation WHERE id = r.conversation) AS company_id, "
    "COALESCE((SELECT company FROM ticket WHERE number = (SELECT COALESCE(opened_with, ticket) "
    "FROM conversation WHERE id = r.conversation)), '') AS company FROM rating r "
    f'WHERE (at, "row") > (?, ?) AND at < ? ORDER BY at, "row" LIMIT {LINES:d}'
)


class TortoiseReportReads:
    """Reads of one database, on its read connection [chatdesk.report_reading.ReportReads].

    Each page is read for itself, so that nobody waits for a whole report; what changes meanwhile is counted
    as it is when its page is read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._selecting = Selecting(database)

    async def opened(self, begins: datetime, ends: datetime) -> AsyncIterator[Sequence[OpenedTicket]]:
        at, number = begins, 0
        while rows := await self._selecting.one(_TICKETS, at, number, ends):
            yield await self._whole(rows)
            at, number = moment(rows[-1]["opened_at"]), rows[-1]["number"]

    async def ends_moved(self, begins: datetime, ends: datetime) -> AsyncIterator[Sequence[EndMoved]]:
        at, row = begins, 0
        while rows := await self._selecting.one(_MOVES, at, row, ends):
            yield list(readable(_to_move, rows, "ticket"))
            at, row = moment(rows[-1]["at"]), rows[-1]["row"]

    async def moved_later(self, ends: datetime) -> AsyncIterator[Sequence[MovedLater]]:
        at, row = ends, 0
        while rows := await self._selecting.one(_LATER, at, row, ends):
            yield [_to_later(each) for each in rows if moment(each["opened_at"]) < ends]
            at, row = moment(rows[-1]["at"]), rows[-1]["row"]

    async def open_now(self) -> AsyncIterator[Sequence[OpenTicketNow]]:
        due, number = _BEFORE_ALL, 0
        while rows := await self._selecting.one(_OPEN_DATED, due, number):
            yield list(map(_to_open, rows))
            due, number = moment(rows[-1]["due_at"]), rows[-1]["number"]
        number = 0
        while rows := await self._selecting.one(_OPEN_UNDATED, number):
            yield list(map(_to_open, rows))
            number = rows[-1]["number"]

    async def ratings(self, begins: datetime, ends: datetime) -> AsyncIterator[Sequence[RatingGiven]]:
        at, row = begins, 0
        while rows := await self._selecting.one(_RATINGS, at, row, ends):
            yield list(map(_to_rating, rows))
            at, row = moment(rows[-1]["at"]), rows[-1]["row"]

    async def _whole(self, rows: Sequence[Record]) -> list[OpenedTicket]:
        """Return the tickets with all that belongs to them, in their order."""
        numbers, members = rows_json([row["number"] for row in rows]), self._members("bigint")
        history, chats, answers = await self._selecting.all(
            [
                Select(_HISTORY.format(members), (numbers,)),
                Select(_CHATS.format(members), (numbers, numbers)),
                Select(_ANSWERS.format(members), (numbers,)),
            ]
        )
        # Of several the oldest comes last, and is the one that opened the ticket.
        opening = {row["number"]: row for row in chats}
        ids = rows_json([row["id"] for row in opening.values()])
        words = await self._selecting.one(_WORDS.format(self._members("text")), ids)
        parts = _Parts(history, opening, answers, words)
        return list(readable(parts.ticket, rows, "number"))

    def _members(self, kind: str) -> str:
        return in_list(self._database.dialect, kind).replace("$1", "?")


class _Parts:
    """What belongs to a page's tickets, by their numbers."""

    def __init__(
        self,
        history: Sequence[Record],
        opening: dict[int, Record],
        answers: Sequence[Record],
        words: Sequence[Record],
    ) -> None:
        self._opening = opening
        self._answers = {row["number"]: row for row in answers}
        self._history: dict[int, list[HistoryEntry]] = {}
        for entry in readable(to_history, history, "ticket"):
            self._history.setdefault(entry.ticket, []).append(entry)
        self._words: dict[str, list[DeskWord]] = {}
        for row in words:
            said = DeskWord(moment(row["at"]), row["text"])
            self._words.setdefault(row["conversation"], []).append(said)

    def ticket(self, row: Record) -> OpenedTicket:
        """Return one ticket with what belongs to it. Raises ValueError for a row that cannot be read."""
        number = row["number"]
        opening, answer = self._opening.get(number), self._answers.get(number)
        return OpenedTicket(
            to_ticket(row),
            _origin(row),
            tuple(self._history.get(number, ())),
            tuple(self._words.get(opening["id"], ())) if opening else (),
            waits=opening is not None and opening["state"] == "waiting",
            answered_by=Author(AuthorKind.AGENT, answer["author_id"], answer["author_name"])
            if answer
            else None,
        )


def _to_move(row: Record) -> EndMoved:
    return EndMoved(to_history(row), _origin(row))


def _to_later(row: Record) -> MovedLater:
    return MovedLater(TicketNumber(row["ticket"]), row["before"] in ACTIVE, _origin(row))


def _to_open(row: Record) -> OpenTicketNow:
    number, opened_at = TicketNumber(row["number"]), moment(row["opened_at"])
    return OpenTicketNow(number, opened_at, _origin(row))


def _to_rating(row: Record) -> RatingGiven:
    return RatingGiven(ConversationId(row["conversation"]), row["score"], _origin(row))


def _origin(row: Record) -> From:
    return From(row["company_id"], row["company"])
