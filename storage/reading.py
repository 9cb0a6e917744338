"""Reads on a connection of their own, answered in the core's frozen structs [chatdesk.reading]."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from chatdesk.affected import AffectedPerson
from chatdesk.config import QueueOrder
from chatdesk.conversation import (
    Conversation,
    ConversationId,
    Message,
    Visibility,
    Waiting,
    latest_of,
)
from chatdesk.errors import StorageError
from chatdesk.merging import as_opened
from chatdesk.outbox import HAD_ENOUGH, NOT_SENT, TIMER_TARGET, DeliveryStatus
from chatdesk.reading import (
    DeliveryNote,
    OpenTickets,
    Problems,
    SetAsideNote,
    TicketFile,
    TicketFilter,
    TicketLine,
    TicketPage,
    VisitorChat,
)
from chatdesk.situation import QueueEntry, queue_key
from chatdesk.ticket import Ticket, TicketNumber
from storage.columns import Record, moment, optional_moment, readable
from storage.conversation_rows import to_conversation, to_message, to_revision
from storage.database import Database
from storage.delivery_rows import to_delivery
from storage.gathered_mail import gathered_mails
from storage.message_pieces import message_pieces
from storage.orm import faults, models
from storage.queue_rows import QUEUE, to_queue
from storage.selecting import Select, Selecting
from storage.ticket_lists import TicketLists
from storage.ticket_rows import to_affected, to_answers, to_history, to_rating, to_ticket

if TYPE_CHECKING:
    from tortoise.queryset import QuerySet

MAX_MESSAGES = 20_000
MAX_SHOWN = 1_000_000
"""Characters of its newest messages that a visitor's page is shown, as often as it connects."""

AT_ONCE = 300
"""Rows that values are made of at a time: a millisecond or two of work."""
Made = TypeVar("Made")

_NEW_MESSAGES = "SELECT * FROM message WHERE conversation = ? AND seq > ?{0} ORDER BY seq LIMIT {1}"
_NEWEST_MESSAGES = (
    "SELECT * FROM (SELECT m.*, sum(length(text)) OVER (ORDER BY seq DESC) AS shown FROM message m "
    "WHERE conversation = ? AND seq > ?{0} ORDER BY seq DESC LIMIT {1}) newest "
    "WHERE shown - length(text) < {2} ORDER BY seq"
)
_REVISED_MESSAGES = (
    "SELECT * FROM message WHERE conversation = ? AND seq <= ?{0} AND seq IN "
    "(SELECT seq FROM revision WHERE conversation = ? AND changed > ?) ORDER BY seq"
)
_PUBLIC = f" AND visibility = '{Visibility.PUBLIC.value}'"
_OF_VISITOR = " AND conversation IN (SELECT id FROM conversation WHERE id = ? AND visitor = ?)"
_CONVERSATION = "SELECT * FROM conversation WHERE {0} ORDER BY opened_at DESC LIMIT 1"
_TICKET = "SELECT * FROM ticket WHERE number = ?"
_OWN_TICKETS = (
    "SELECT t.* FROM ticket t JOIN conversation c ON t.number IN (c.ticket, c.opened_with) "
    "WHERE c.id = ? AND c.visitor = ? ORDER BY CASE WHEN t.number = c.ticket THEN 0 ELSE 1 END"
)
_OWN_CHAT = (
    "SELECT c.*, t.answers FROM conversation c "
    "LEFT JOIN ticket t ON t.number = coalesce(c.opened_with, c.ticket) WHERE c.id = ? AND c.visitor = ?"
)
_WAITING = "SELECT * FROM conversation WHERE state = 'waiting'"
_AFFECTED = 'SELECT * FROM affected WHERE ticket = ? ORDER BY "row"'
_CHAT_FILE = (
    _TICKET,
    "SELECT * FROM conversation WHERE ticket = ? ORDER BY opened_at",
    "SELECT r.* FROM revision r JOIN conversation c ON c.id = r.conversation WHERE c.ticket = ? "
    'ORDER BY r."row"',
    'SELECT * FROM history WHERE ticket = ? ORDER BY "row"',
    "SELECT r.* FROM rating r JOIN conversation c ON c.id = r.conversation WHERE c.ticket = ? "
    'ORDER BY r."row"',
    "SELECT * FROM ticket WHERE number IN (SELECT opened_with FROM conversation WHERE ticket = ?)",
    _AFFECTED,
)
_TICKET_FILE = (
    *_CHAT_FILE,
    "SELECT m.* FROM message m JOIN conversation c ON c.id = m.conversation WHERE c.ticket = ? "
    'ORDER BY m.at, m."row"',
    f"SELECT * FROM delivery WHERE ticket = ? AND target <> '{TIMER_TARGET}' ORDER BY \"row\"",
)


class _Reads:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._selecting = Selecting(database)

    async def _values(self, query: QuerySet[Any], *columns: str) -> list[dict[str, Any]]:
        try:
            return await query.using_db(self._database.reader).values(*columns)
        except faults.BaseORMException as error:
            raise StorageError(str(error)) from error

    async def _first_conversation(self, where: str, *values: str) -> Conversation | None:
        found = await self._selecting.one(_CONVERSATION.format(where), *values)
        return to_conversation(found[0]) if found else None

    async def _messages(
        self, conversation: ConversationId, after: int, visitor: str | None = None
    ) -> list[Message]:
        """Return messages, those that were changed first; public ones of their own for a visitor."""
        found = await self._selecting.all(_messages_after(conversation, after, visitor))
        return [to_message(row) for each in found for row in each]


class TortoiseVisitorReads(_Reads):
    """What a visitor may read [chatdesk.reading.VisitorReads]."""

    async def current(self, visitor: str, widget: str) -> Conversation | None:
        return await self._first_conversation("visitor = ? AND widget = ?", visitor, widget)

    async def own(self, visitor: str, conversation: ConversationId) -> Conversation | None:
        return await self._first_conversation("id = ? AND visitor = ?", conversation, visitor)

    async def messages(self, visitor: str, conversation: ConversationId, after: int) -> Sequence[Message]:
        return await self._messages(conversation, after, visitor)

    async def chat(self, visitor: str, conversation: ConversationId, after: int) -> VisitorChat | None:
        own = Select(_OWN_CHAT, (conversation, visitor))
        selects = [own, *_messages_after(conversation, after, visitor)]
        chats, *texts = await self._selecting.all(selects)
        if not chats:
            return None
        newest = texts[-1]
        return VisitorChat(
            to_conversation(chats[0]),
            tuple(to_message(row) for found in texts for row in found),
            to_answers(chats[0]["answers"] or "[]"),
            omitted=bool(newest) and newest[0]["shown"] >= MAX_SHOWN,
        )

    async def ticket(self, visitor: str, conversation: ConversationId) -> Ticket | None:
        found = await self._selecting.one(_OWN_TICKETS, conversation, visitor)
        tickets = list(map(to_ticket, found))
        return as_opened(*tickets) if len(tickets) > 1 else next(iter(tickets), None)


class TortoiseStaffReads(_Reads):
    """What staff may read [chatdesk.reading.StaffReads]."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._lists = TicketLists(database)

    async def conversation(self, identity: ConversationId) -> Conversation | None:
        return await self._first_conversation("id = ?", identity)

    async def messages(self, conversation: ConversationId, after: int) -> Sequence[Message]:
        return await self._messages(conversation, after)

    async def ticket(self, number: TicketNumber) -> Ticket | None:
        found = await self._selecting.one(_TICKET, number)
        return to_ticket(found[0]) if found else None

    async def affected(self, number: TicketNumber) -> Sequence[AffectedPerson]:
        return tuple(map(to_affected, await self._selecting.one(_AFFECTED, number)))

    async def ticket_file(self, number: TicketNumber) -> TicketFile | None:
        found = await self._selecting.all([Select(query, (number,)) for query in _TICKET_FILE])
        tickets, conversations, revisions, history, ratings, origins, affected, messages, deliveries = found
        if not tickets:
            return None
        return TicketFile(
            to_ticket(tickets[0]),
            tuple(map(to_conversation, conversations)),
            await _made(to_message, messages),
            tuple(map(to_revision, revisions)),
            tuple(map(to_history, history)),
            await _made(_to_delivery_note, deliveries),
            tuple(map(to_rating, ratings)),
            tuple(map(to_ticket, origins)),
            tuple(map(to_affected, affected)),
        )

    async def opening(
        self, number: TicketNumber, conversation: ConversationId
    ) -> tuple[Ticket, Conversation] | None:
        of_ticket = Select(_CONVERSATION.format("id = ? AND ticket = ?"), (conversation, number))
        tickets, chats = await self._selecting.all([Select(_TICKET, (number,)), of_ticket])
        return (to_ticket(tickets[0]), to_conversation(chats[0])) if tickets and chats else None

    async def chat_file(self, number: TicketNumber, conversation: str = "") -> TicketFile | None:
        found = await self._selecting.all([Select(query, (number,)) for query in _CHAT_FILE])
        tickets, conversations, revisions, history, ratings, origins, affected = found
        wanted = [each for each in conversations if not conversation or each["id"] == conversation]
        chat = latest_of(list(map(to_conversation, wanted)))
        if not tickets or chat is None:
            return None
        changes = (to_revision(row) for row in revisions if row["conversation"] == chat.id)
        steps = map(to_history, history)
        given = (to_rating(row) for row in ratings if row["conversation"] == chat.id)
        return TicketFile(
            to_ticket(tickets[0]),
            (chat,),
            (),
            tuple(changes),
            tuple(steps),
            (),
            tuple(given),
            tuple(map(to_ticket, origins)),
            tuple(map(to_affected, affected)),
        )

    def message_pieces(self, conversation: ConversationId) -> AsyncIterator[Sequence[Message]]:
        return message_pieces(self._selecting, self._database.dialect, conversation)

    async def tickets(self, wanted: TicketFilter, page: str = "", limit: int = 50) -> TicketPage:
        return await self._lists.page(wanted, page, limit)

    async def count(self, wanted: TicketFilter, limit: int) -> int:
        return await self._lists.count(wanted, limit)

    async def open_tickets(self, at: datetime) -> OpenTickets:
        return await self._lists.open_tickets(at)

    async def waiting(self) -> Sequence[QueueEntry]:
        return to_queue(await self._selecting.one(QUEUE))

    async def waiting_tickets(self, order: QueueOrder) -> Sequence[TicketLine]:
        found = await self._selecting.one(_WAITING)
        chats = list(readable(to_conversation, found))
        numbers = {n for chat in chats for n in (chat.ticket, chat.opened_with) if n is not None}
        rows = await self._values(models.Ticket.filter(number__in=sorted(numbers)))
        tickets = {ticket.number: ticket for ticket in readable(to_ticket, rows, "number")}
        lines = [line for chat in chats for line in _waiting_line(chat, tickets)]
        return sorted(lines, key=lambda line: queue_key(order, _waits_since(line), line.ticket.priority))

    async def problems(self, limit: int) -> Problems:
        statuses = [DeliveryStatus.FAILED.value, DeliveryStatus.UNKNOWN.value]
        gathered = await gathered_mails(self._selecting, self._database.dialect)
        # Those are read by themselves: however many there are, they bury nothing else.
        others = models.Delivery.filter(status__in=statuses).exclude(error__endswith=HAD_ENOUGH)
        together = models.Delivery.filter(row__in=sorted(gathered, reverse=True)[:limit])
        set_aside = models.SetAside.all().order_by("-row").limit(limit)
        rows = [*await self._values(others.order_by("-row").limit(limit)), *await self._values(together)]
        rows.sort(key=lambda row: row["row"], reverse=True)
        return Problems(
            tuple(
                replace(_to_delivery_note(row), others=gathered.get(row["row"], 0)) for row in rows[:limit]
            ),
            tuple(map(_to_set_aside_note, await self._values(set_aside))),
        )


def _messages_after(conversation: ConversationId, after: int, visitor: str | None) -> list[Select]:
    only = "" if visitor is None else f"{_PUBLIC}{_OF_VISITOR}"
    owner = () if visitor is None else (conversation, visitor)
    new = _NEW_MESSAGES if visitor is None else _NEWEST_MESSAGES
    selects = [Select(new.format(only, MAX_MESSAGES, MAX_SHOWN), (conversation, after, *owner))]
    if after:
        values = (conversation, after, *owner, conversation, after)
        selects.insert(0, Select(_REVISED_MESSAGES.format(only), values))
    return selects


async def _made(make: Callable[[Record], Made], found: Sequence[Record]) -> tuple[Made, ...]:
    """Make values of rows, which may be many: others have the event loop in between."""
    made: list[Made] = []
    for first in range(0, len(found), AT_ONCE):
        made += map(make, found[first : first + AT_ONCE])
        await asyncio.sleep(0)
    return tuple(made)


def _waiting_line(chat: Conversation, tickets: Mapping[TicketNumber, Ticket]) -> Iterator[TicketLine]:
    """Yield the line of a chat that waits, unless its ticket cannot be read."""
    ticket = tickets.get(chat.ticket) if chat.ticket is not None else None
    if ticket is not None:
        opened = tickets.get(chat.opened_with) if chat.opened_with is not None else None
        yield TicketLine(as_opened(ticket, opened) if opened else ticket, chat)


def _waits_since(line: TicketLine) -> datetime:
    chat = line.conversation
    return chat.state.since if chat and isinstance(chat.state, Waiting) else line.ticket.opened_at


def _to_set_aside_note(row: Record) -> SetAsideNote:
    return SetAsideNote(row["kind"], row["key"], row["event"], row["reason"], moment(row["at"]))


def _to_delivery_note(row: Record) -> DeliveryNote:
    finished = optional_moment(row["finished_at"])
    remark = row["external_id"] if row["external_id"].startswith(NOT_SENT) else ""
    return DeliveryNote(to_delivery(row), DeliveryStatus(row["status"]), finished, row["error"] or remark)
