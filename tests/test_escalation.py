"""A ticket near its target escalates once, for all staff to read, on both databases [R43]."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chatdesk.changes import Changes
from chatdesk.conversation import ConversationId, Ticketed, Visibility
from chatdesk.effects import Announce, Post, Record
from chatdesk.errors import StorageError
from chatdesk.escalation import ESCALATE, PAGE, DueTickets, Escalation, longest, near
from chatdesk.events import TimerFired
from chatdesk.ticket import Priority, Ticket, TicketNumber, TicketStatus
from flows.ticket_work import step
from storage.database import Database
from storage.reading import TortoiseStaffReads
from storage.store import TortoiseStore
from storage.ticket_lists import TicketLists
from tests.core_builders import FakeClock, new_desk, running, url
from tests.desk_builders import (
    NORTHWIND,
    TICKET,
    TUESDAY,
    at,
    conversation,
    desk,
    external_id,
    situation,
    ticket,
)

DUE = at("09-15 14:12")
ASSIGNED, WAITING, CLOSED = TicketStatus.ASSIGNED, TicketStatus.WAITING_ON_CUSTOMER, TicketStatus.CLOSED
ALL_ROWS = desk(
    ("standard  = {", 'standard  = { escalate = "30m",'), ("low       = {", 'low = { escalate = "2h",')
)


# What is written on the ticket


def escalated(about: Ticket, now: str, due: datetime = DUE) -> list[object]:
    event = TimerFired(
        at=at(now), channel="timer", external_id=external_id(), name=ESCALATE, due=due, ticket=TICKET
    )
    decision = step(about, event, situation(about))
    assert decision.ticket == about
    return list(decision.effects)


@pytest.mark.parametrize(
    ("fields", "now", "when", "text"),
    [
        (
            {},
            "09-15 13:12",
            "is due today before 2:12 PM",
            "HD-1024 is due today before 2:12 PM and not answered yet. Nobody has taken it.",
        ),
        (
            {"assignee": "marcus", "status": ASSIGNED, "first_response_at": TUESDAY},
            "09-15 13:12",
            "is due today before 2:12 PM",
            "HD-1024 is due today before 2:12 PM and not resolved yet.",
        ),
        (
            {"assignee": "marcus", "status": ASSIGNED},
            "09-15 14:20",
            "is overdue",
            "HD-1024 is overdue and not answered yet.",
        ),
    ],
    ids=["new", "answered", "overdue"],
)
def test_all_staff_read_when_it_is_due_and_what_is_missing(
    fields: dict[str, object], now: str, when: str, text: str
) -> None:
    author = NORTHWIND.desk.author
    assert escalated(ticket(due_at=DUE, **fields), now) == [
        Record("escalated", author, when),
        Post(author, text, Visibility.INTERNAL),
        Announce("escalated"),
    ]


@pytest.mark.parametrize(
    "fields",
    [{"due_at": at("09-15 15:00")}, {"due_at": None}, {"status": WAITING}, {"status": CLOSED}],
    ids=["due later", "without a target", "waiting", "over"],
)
def test_what_has_changed_since_is_left_alone(fields: dict[str, object]) -> None:
    assert escalated(ticket(**{"due_at": DUE, **fields}), "09-15 13:12") == []


# Which tickets are near


@pytest.mark.parametrize(
    ("fields", "minutes", "is_near"),
    [
        ({}, 30, True),
        ({}, 31, False),
        ({}, -10, True),
        ({"priority": Priority.LOW}, 120, True),
        ({"priority": Priority.HIGH}, 5, False),
        ({"status": WAITING}, 5, False),
    ],
)
def test_a_ticket_is_near_its_target_as_its_priority_s_row_says(
    fields: dict[str, object], minutes: int, is_near: bool
) -> None:
    about = ticket(due_at=TUESDAY + timedelta(minutes=minutes), **fields)
    assert [one for one, _ in near(ALL_ROWS.target, [about], TUESDAY)] == [about] * is_near


def test_nothing_is_looked_for_where_nothing_escalates() -> None:
    never = desk(("standard  = {", 'standard  = { escalate = "0m",'))
    assert longest(never.sla.values()) == timedelta(0)
    assert longest(ALL_ROWS.sla.values()) == timedelta(hours=2)


# From the database to the ticket's note


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


async def keep(database: Database, *tickets: Ticket) -> None:
    made = Changes(tickets={each.number: each for each in tickets})
    for each in tickets:
        chat = ConversationId(f"chat-{each.number}")
        made.conversations[chat] = conversation(
            Ticketed(), id=chat, ticket=each.number, visitor=str(each.number), version=1
        )
    async with TortoiseStore(database).batch() as batch:
        await batch.write(made)


def due_in(minutes: float, number: int = TICKET, **fields: object) -> Ticket:
    due = TUESDAY + timedelta(minutes=minutes)
    return ticket(number=TicketNumber(number), version=1, due_at=due, status=ASSIGNED, **fields)


@asynccontextmanager
async def looking(database: Database, clock: FakeClock) -> AsyncIterator[Escalation]:
    async with running(new_desk(TortoiseStore(database), config=ALL_ROWS)) as started:
        yield Escalation(ALL_ROWS, TicketLists(database), started, clock)


async def notes(database: Database, number: int = TICKET) -> list[str]:
    file = await TortoiseStaffReads(database).ticket_file(TicketNumber(number))
    assert file is not None
    return [message.text for message in file.messages if message.visibility is Visibility.INTERNAL]


async def test_a_ticket_escalates_once_however_often_and_from_wherever_it_is_looked_at(
    database: Database,
) -> None:
    clock = FakeClock()
    await keep(database, due_in(40), due_in(20, 1030, priority=Priority.HIGH))
    async with looking(database, clock) as first, looking(database, clock) as second:
        await first.look()
        assert await notes(database) == []
        clock.advance(11 * 60)
        await asyncio.gather(first.look(), second.look())
        await first.look()
    async with looking(database, clock) as restarted:
        await restarted.look()
    assert await notes(database) == [
        "HD-1024 is due today before 10:52 AM and not answered yet. Nobody has taken it."
    ]
    assert await notes(database, 1030) == []


async def test_what_nobody_could_look_at_in_time_escalates_up_to_an_hour_after_its_target(
    database: Database,
) -> None:
    await keep(database, due_in(-59), due_in(-61, 1030))
    async with looking(database, FakeClock()) as escalation:
        await escalation.look()
    assert len(await notes(database)) == 1
    assert await notes(database, 1030) == []


async def test_however_many_are_due_at_one_moment_all_escalate(database: Database) -> None:
    numbers = range(2000, 2000 + PAGE + 5)
    await keep(database, *(due_in(10, number) for number in numbers))
    async with looking(database, FakeClock()) as escalation:
        await escalation.look()
    (row,) = await database.select("SELECT count(*) AS told FROM history WHERE what = 'escalated'")
    assert row["told"] == len(numbers)


async def test_a_database_that_is_away_is_looked_at_again(tmp_path: Path) -> None:
    looks = asyncio.Semaphore(0)

    class Away(DueTickets):
        async def due_soon(
            self, after: datetime, number: TicketNumber, until: datetime, limit: int
        ) -> list[Ticket]:
            looks.release()
            raise StorageError("away")

    async with Database(url(tmp_path)) as database, running(new_desk(TortoiseStore(database))) as started:
        escalation = Escalation(NORTHWIND, Away(), started, FakeClock(), pause=0)
        loop = asyncio.create_task(escalation.run())
        async with asyncio.timeout(10):
            for _ in range(3):
                await looks.acquire()
            escalation.stop()
            await loop
