"""From when a ticket's time counts, read from its history [R17, R44]."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from chatdesk.changes import HistoryEntry
from chatdesk.counted_time import counted_time
from chatdesk.events import (
    AgentEnded,
    AgentMessaged,
    AnyEvent,
    Event,
    TicketEdited,
    TicketEvent,
    TicketPaused,
    TicketResolved,
    TicketResumed,
    TicketTaken,
)
from chatdesk.sla import Counted
from chatdesk.ticket import Priority, TicketNumber, TicketStatus, Trigger
from tests.core_builders import new_desk, running, survey
from tests.desk_builders import CHAT, MARCUS, TICKET, TUESDAY, VISITOR, at, external_id, fired, ticket, wrote
from tests.fake_store import FakeStore

FIRST = TicketNumber(1001)

NEW, ASSIGNED, AT_WORK, CUSTOMER, VENDOR, SCHEDULED, RESOLVED, CLOSED, MERGED, CANCELLED = TicketStatus
Step = tuple[str, TicketStatus | None, TicketStatus | None]
OPENED: Step = ("09-15 10:12", None, NEW)
TAKEN: Step = ("09-15 10:30", NEW, ASSIGNED)
WAITS: Step = ("09-15 11:00", ASSIGNED, VENDOR)
HANDED_OVER: Step = ("09-15 12:00", VENDOR, VENDOR)
BACK: Step = ("09-16 11:00", VENDOR, AT_WORK)
ASKED: Step = ("09-17 09:00", AT_WORK, CUSTOMER)
DONE_WAITING: Step = ("09-18 08:00", CUSTOMER, RESOLVED)
CLOSED_LATER: Step = ("09-18 09:00", RESOLVED, CLOSED)
REOPENED: Step = ("10-15 10:12", CLOSED, ASSIGNED)
WAIT = (at("09-15 11:00"), at("09-16 11:00"))


def counted(*steps: Step, until: str = "10-20 10:00") -> Counted:
    history = [
        HistoryEntry(TICKET, at(when), MARCUS.author, "moved", "", before, after)
        for when, before, after in steps
    ]
    return counted_time(ticket(), history, at(until))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((), Counted(TUESDAY)),
        ((OPENED, TAKEN), Counted(TUESDAY)),
        ((OPENED, TAKEN, WAITS, BACK), Counted(TUESDAY, (WAIT,))),
        ((OPENED, TAKEN, WAITS, HANDED_OVER, BACK), Counted(TUESDAY, (WAIT,))),
        ((OPENED, TAKEN, WAITS), Counted(TUESDAY, ((at("09-15 11:00"), at("10-20 10:00")),))),
        (
            (OPENED, TAKEN, WAITS, BACK, ASKED, DONE_WAITING, CLOSED_LATER),
            Counted(TUESDAY, (WAIT, (at("09-17 09:00"), at("09-18 08:00")))),
        ),
        (
            (OPENED, TAKEN, WAITS, BACK, ASKED, DONE_WAITING, CLOSED_LATER, REOPENED),
            Counted(at("10-15 10:12")),
        ),
    ],
    ids=["no history", "new", "waited", "handed over", "waits", "waited twice", "opened again"],
)
def test_time_counts_from_the_last_opening_and_not_while_it_waits(
    steps: tuple[Step, ...], expected: Counted
) -> None:
    assert counted(*steps) == expected


def test_a_wait_that_began_later_than_asked_for_is_none() -> None:
    assert counted(OPENED, TAKEN, WAITS, until="09-15 11:00").pauses == ()


def event(kind: type[Event], when: datetime, **fields: object) -> AnyEvent:
    about = {"ticket": FIRST} if issubclass(kind, TicketEvent) else {"conversation": CHAT}
    base = {"at": when, "channel": "web", "external_id": external_id(), "agent": MARCUS}
    return kind(**{**base, **about, **fields})  # type: ignore[arg-type,return-value]


async def test_a_ticket_raised_after_a_fortnight_s_wait_is_due_by_the_new_clock() -> None:
    store = FakeStore()
    eleven = at("09-15 11:00")
    async with running(new_desk(store)) as desk:
        await desk.receive(survey(CHAT))
        await desk.receive(event(TicketTaken, at("09-15 10:30")))
        await desk.receive(event(TicketEdited, eleven, priority=Priority.LOW))
        until = at("09-29 11:00")
        await desk.receive(event(TicketPaused, eleven, trigger=Trigger.WAIT_FOR_VENDOR, until=until))
        await desk.receive(event(TicketResumed, until))
        await desk.receive(event(TicketEdited, at("09-29 11:05"), priority=Priority.HIGH))
    assert store.record.tickets[FIRST].due_at == at("09-29 12:12")


async def test_a_promise_to_a_customer_who_came_back_is_due_until_a_technician_writes() -> None:
    store = FakeStore()
    back = at("10-14 10:00")
    gave_up = back + timedelta(minutes=3)
    async with running(new_desk(store)) as desk:
        await desk.receive(survey(CHAT, VISITOR))
        await desk.receive(event(TicketTaken, TUESDAY))
        await desk.receive(event(AgentMessaged, TUESDAY, text="Good morning."))
        await desk.receive(event(TicketResolved, TUESDAY, resolution="Done."))
        await desk.receive(wrote("Again.", back))
        await desk.receive(fired("no_answer", gave_up))
        await desk.receive(event(TicketTaken, gave_up))
        assert store.record.tickets[FIRST].due_at == at("10-14 14:03")
        await desk.receive(event(AgentMessaged, gave_up, text="Hello again."))
    assert store.record.tickets[FIRST].due_at == at("10-15 09:30")


async def test_an_answer_in_the_batch_of_the_promise_keeps_it() -> None:
    store = FakeStore()
    night = at("09-15 20:00")
    async with running(new_desk(store)) as desk:
        await desk.receive(survey(CHAT, VISITOR))
        await desk.receive(event(TicketTaken, TUESDAY))
        await desk.receive(event(AgentMessaged, TUESDAY, text="Good morning."))
        await desk.receive(event(AgentEnded, TUESDAY))
        batches = store.batches
        answer = event(AgentMessaged, night + timedelta(minutes=1), text="Hello again.")
        await asyncio.gather(desk.receive(wrote("Again.", night)), desk.receive(answer))
        assert store.batches == batches + 1
    about = store.record.tickets[FIRST]
    assert (about.promised_at, about.due_at) == (at("09-16 07:00"), at("09-16 09:42"))
