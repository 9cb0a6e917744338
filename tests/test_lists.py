"""storage.reading's lists: every ticket on one page and on no other, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chatdesk.changes import Changes
from chatdesk.config import QueueOrder
from chatdesk.conversation import ConversationId, DialogueState, Live, Ticketed, Waiting
from chatdesk.errors import EventRefused
from chatdesk.reading import TicketFilter, TicketView, Workload
from chatdesk.ticket import Priority, TicketNumber, TicketStatus
from storage.columns import Record
from storage.database import Database
from storage.queue_rows import QUEUE as WHO_WAITS
from storage.reading import _WAITING, TortoiseStaffReads
from storage.selecting import Selecting
from storage.store import TortoiseStore
from tests.core_builders import url
from tests.desk_builders import CHAT, TICKET, TUESDAY, conversation, ticket

QUEUE = TicketFilter()
HOUR = timedelta(hours=1)
ODD = TicketNumber(1025)


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


async def fill(database: Database, due: dict[int, int | None]) -> None:
    """Write tickets by number, due so many minutes after a moment, or at no time."""
    made = Changes()
    for number, minutes in due.items():
        at = None if minutes is None else TUESDAY + timedelta(minutes=minutes)
        new = ticket(number=TicketNumber(number), version=1, due_at=at, status=TicketStatus.ASSIGNED)
        made.tickets[new.number] = new
    async with TortoiseStore(database).batch() as batch:
        await batch.write(made)


async def wait(database: Database) -> None:
    """Let two chats wait, each with a ticket of its own; "odd" is the one to be spoilt."""
    waiting = Waiting(TUESDAY, TUESDAY)
    chats = [
        conversation(waiting, version=1),
        conversation(waiting, version=1, id=ConversationId("odd"), visitor="sam", ticket=ODD),
    ]
    made = Changes(conversations={chat.id: chat for chat in chats})
    made.tickets |= {number: ticket(number=number, version=1) for number in (TICKET, ODD)}
    async with TortoiseStore(database).batch() as batch:
        await batch.write(made)


async def pages(database: Database, wanted: TicketFilter, limit: int) -> list[list[int]]:
    """Return the numbers on each page of a list."""
    reads = TortoiseStaffReads(database)
    found = await reads.tickets(wanted, limit=limit)
    shown: list[list[int]] = [[line.ticket.number for line in found.lines]]
    while found.next:
        found = await reads.tickets(wanted, found.next, limit)
        shown.append([line.ticket.number for line in found.lines])
        assert len(shown) <= 9, f"the pages have no end: {shown}"
    return shown


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8])
async def test_the_queue_has_each_ticket_once_by_due_time_and_those_without_one_last(
    database: Database, limit: int
) -> None:
    await fill(database, {1: None, 2: 30, 3: 10, 4: None, 5: 10, 6: None, 7: 20})
    shown = await pages(database, QUEUE, limit)
    assert [number for page in shown for number in page] == [3, 5, 7, 2, 1, 4, 6]
    assert {len(page) for page in shown[:-1]} <= {limit}


async def change(database: Database, fields: dict[int, dict[str, object]]) -> None:
    """Write tickets that are open, by number, each with fields of its own."""
    made = Changes()
    for number, own in fields.items():
        new = {"status": TicketStatus.ASSIGNED, "due_at": TUESDAY, "version": 1, **own}
        made.tickets[TicketNumber(number)] = ticket(number=TicketNumber(number), **new)
    async with TortoiseStore(database).batch() as batch:
        await batch.write(made)


@pytest.mark.parametrize("limit", [1, 2, 3, 8])
async def test_tickets_whose_clock_stands_still_come_after_those_that_are_due(
    database: Database, limit: int
) -> None:
    hour = timedelta(hours=1)
    await change(
        database,
        {
            1: {"due_at": TUESDAY, "status": TicketStatus.WAITING_ON_CUSTOMER},
            2: {"due_at": TUESDAY + 2 * hour},
            3: {"due_at": TUESDAY - hour, "status": TicketStatus.SCHEDULED},
            4: {"due_at": None},
            5: {"due_at": TUESDAY + hour},
            6: {"due_at": None, "status": TicketStatus.WAITING_ON_VENDOR},
        },
    )
    shown = await pages(database, QUEUE, limit)
    assert [number for page in shown for number in page] == [5, 2, 3, 1, 4, 6]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (TicketFilter(company="Fabrikam"), [2]),
        (TicketFilter(priority=Priority.HIGH), [3]),
        (TicketFilter(unassigned=True), [1, 2]),
        (TicketFilter(overdue=TUESDAY + timedelta(seconds=1)), [1, 2, 3]),
        (TicketFilter(overdue=TUESDAY), []),
        (TicketFilter(TicketView.MINE, agent="priya", overdue=TUESDAY + timedelta(seconds=1)), [3]),
        (TicketFilter(unassigned=True, company="Contoso", priority=Priority.STANDARD), [1]),
    ],
)
async def test_the_queue_is_narrowed(database: Database, wanted: TicketFilter, found: list[int]) -> None:
    fields: dict[int, dict[str, object]] = {
        1: {"assignee": None, "priority": Priority.STANDARD},
        2: {"assignee": None, "company": "Fabrikam", "priority": Priority.LOW},
        3: {"assignee": "priya", "priority": Priority.HIGH},
        4: {"assignee": "priya", "priority": Priority.LOW, "status": TicketStatus.SCHEDULED},
    }
    await change(database, fields)
    assert await pages(database, wanted, 9) == [found]
    tickets = {
        line.ticket.number: line.ticket for line in (await TortoiseStaffReads(database).tickets(QUEUE)).lines
    }
    assert [number for number in sorted(tickets) if wanted.shows(tickets[number])] == found


NARROWED: list[tuple[dict[str, Any], list[int]]] = [
    ({"company": "Contoso"}, [7, 4, 3, 1]),
    ({"tier": "second"}, [6, 5, 3]),
    ({"agent": "priya"}, [5, 4, 3]),
    ({"unassigned": True}, [6, 2, 1]),
    ({"priority": Priority.HIGH}, [5, 3]),
    ({"company": "Fabrikam", "tier": "second"}, [6, 5]),
    ({"company": "Contoso", "agent": "priya", "priority": Priority.LOW}, [4]),
    ({"tier": "second", "unassigned": True}, [6]),
    ({"agent": "priya", "priority": Priority.HIGH}, [5, 3]),
    ({"agent": "nobody"}, []),
    # What is overdue is open, and by due time.
    ({"overdue": TUESDAY + timedelta(hours=1)}, [3, 1, 2]),
    ({"overdue": TUESDAY + timedelta(hours=1), "company": "Contoso"}, [3, 1]),
]


@pytest.mark.parametrize("text", ["", "printer"])
@pytest.mark.parametrize("limit", [1, 2, 9])
@pytest.mark.parametrize(("narrowed", "found"), NARROWED)
async def test_all_tickets_and_what_is_found_of_them_are_narrowed(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    narrowed: dict[str, Any],
    found: list[int],
    limit: int,
    text: str,
) -> None:
    fields: dict[int, dict[str, object]] = {
        1: {"assignee": None, "priority": Priority.STANDARD},
        2: {"assignee": None, "company": "Fabrikam", "priority": Priority.LOW},
        3: {"assignee": "priya", "priority": Priority.HIGH, "tier": "second", "due_at": TUESDAY - HOUR},
        4: {"assignee": "priya", "priority": Priority.LOW, "status": TicketStatus.SCHEDULED},
        5: {"assignee": "priya", "company": "Fabrikam", "priority": Priority.HIGH, "tier": "second"},
        6: {"assignee": None, "company": "Fabrikam", "priority": Priority.LOW, "tier": "second"},
        7: {"assignee": "marcus", "priority": Priority.LOW, "status": TicketStatus.CLOSED},
    }
    fields[5]["status"] = fields[6]["status"] = TicketStatus.CLOSED
    await change(database, {n: {"subject": "Printer jams", **own} for n, own in fields.items()})
    for most in ("storage.ticket_lists.LOOKED_AT", "storage.search.NARROWED"):
        monkeypatch.setattr(most, 2)
    shown = await pages(database, TicketFilter(TicketView.ALL, text=text, **narrowed), limit)
    listed = [number for page in shown for number in page]
    assert listed == (sorted(found, reverse=True) if text else found)
    assert max(map(len, shown)) <= limit


@pytest.mark.sqlite("its plans; PostgreSQL reads tables as small as these whole")
@pytest.mark.parametrize(("narrowed", "_found"), NARROWED)
async def test_a_page_of_all_tickets_narrowed_is_a_walk_along_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, narrowed: dict[str, Any], _found: list[int]
) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        reads, asked = TortoiseStaffReads(database), list[tuple[str, tuple[Any, ...]]]()
        visit = Selecting.one

        async def one(selecting: Selecting, query: str, *values: Any) -> list[Record]:
            asked.append((query, values))
            return await visit(selecting, query, *values)

        monkeypatch.setattr(Selecting, "one", one)
        due = "|2026-11-24 12:00:00.000000+00:00" if "overdue" in narrowed else "|"
        for page in ("", f"9{due}"):
            _ = await reads.tickets(TicketFilter(TicketView.ALL, **narrowed), page)
        plans = [await visit(Selecting(database), f"EXPLAIN QUERY PLAN {query}", *v) for query, v in asked]
    assert plans
    steps = [step["detail"] for plan in plans for step in plan]
    assert [step for step in steps if step.startswith("SCAN ticket") and "ticket_of_nobody" not in step] == []
    # The few that were looked at of a walk are put in order again.
    sorts = len(narrowed) > 1 and "overdue" not in narrowed
    assert any("TEMP B-TREE" in step for step in steps) is sorts, steps


async def test_open_tickets_are_counted_by_technician_and_all_companies_named(database: Database) -> None:
    await change(
        database,
        {
            1: {"assignee": "priya"},
            2: {"assignee": "priya", "status": TicketStatus.SCHEDULED},
            3: {"assignee": "priya", "due_at": TUESDAY + timedelta(hours=2)},
            4: {"assignee": "marcus", "company": "Fabrikam"},
            5: {"assignee": "marcus", "company": "Litware", "status": TicketStatus.CLOSED},
            6: {"assignee": None, "company": ""},
        },
    )
    found = await TortoiseStaffReads(database).open_tickets(TUESDAY + timedelta(hours=1))
    assert found.workloads == (Workload("marcus", 1, 1), Workload("priya", 3, 1))
    assert found.companies == ("Contoso", "Fabrikam", "Litware")


@pytest.mark.parametrize("limit", [1, 2, 3, 8])
async def test_a_tier_s_list_has_its_open_tickets_by_due_time_whoever_has_them(
    database: Database, limit: int
) -> None:
    await fill(database, {1: None, 2: 30, 3: 10, 4: None, 5: 10, 6: 5, 7: 20})
    made = Changes()
    for number, fields in {
        1: {"tier": "second"},
        2: {"tier": "second", "assignee": "priya"},
        3: {"tier": "network"},
        4: {"tier": "second"},
        5: {"tier": "second"},
        6: {"tier": "second", "status": TicketStatus.CLOSED},
    }.items():
        due = {2: 30, 3: 10, 5: 10, 6: 5}.get(number)
        at = TUESDAY + timedelta(minutes=due) if due is not None else None
        made.tickets[TicketNumber(number)] = ticket(
            number=TicketNumber(number), version=2, due_at=at, **fields
        )
    async with TortoiseStore(database).batch() as batch:
        await batch.write(made)
    shown = await pages(database, TicketFilter(tier="second"), limit)
    assert [number for page in shown for number in page] == [5, 2, 1, 4]
    assert await TortoiseStaffReads(database).count(TicketFilter(tier="second"), 9) == 4
    assert await pages(database, TicketFilter(tier="none"), limit) == [[]]


@pytest.mark.sqlite("its plans; PostgreSQL reads tables as small as these whole")
async def test_a_tier_s_list_is_a_walk_along_an_index_of_its_own(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        asked = "SELECT * FROM ticket INDEXED BY ticket_of_tier WHERE active = TRUE AND tier = 'second'"
        for part in ("due_at IS NOT NULL ORDER BY due_at, number", "due_at IS NULL ORDER BY number"):
            plan = await database.select(f"EXPLAIN QUERY PLAN {asked} AND {part} LIMIT 50")
            assert [
                step["detail"].startswith("SEARCH ticket USING INDEX ticket_of_tier") for step in plan
            ] == [True]


async def test_all_tickets_are_listed_newest_first(database: Database) -> None:
    await fill(database, {1: None, 2: 30, 3: 10})
    assert await pages(database, TicketFilter(TicketView.ALL), 2) == [[3, 2], [1]]


@pytest.mark.parametrize(
    ("first", "then", "shown"),
    [
        (Live(("marcus",)), Ticketed(), "chat"),
        (Waiting(TUESDAY, TUESDAY), Ticketed(), "chat"),
        (Live(("marcus",)), Waiting(TUESDAY, TUESDAY), "chat"),
        (Ticketed(), Ticketed(), "mail"),
    ],
)
async def test_a_line_shows_the_chat_that_is_live_or_waits_before_a_newer_mail(
    database: Database, first: DialogueState, then: DialogueState, shown: str
) -> None:
    chat = conversation(first, version=1, id=ConversationId("chat"))
    later = TUESDAY + timedelta(minutes=5)
    mail = conversation(then, version=1, id=ConversationId("mail"), visitor="mail", opened_at=later)
    made = Changes(conversations={chat.id: chat, mail.id: mail})
    made.tickets[TICKET] = ticket(version=1, status=TicketStatus.ASSIGNED)
    async with TortoiseStore(database).batch() as batch:
        await batch.write(made)
    (line,) = (await TortoiseStaffReads(database).tickets(TicketFilter())).lines
    assert line.conversation is not None and line.conversation.id == shown
    assert (line.newest and line.newest.id) == ("mail" if shown == "chat" else None)


@pytest.mark.parametrize(
    "page",
    [
        "x",
        "|",
        "2|x",
        "99999999999999999999|",
        "-1|",
        "2||x",
        "2|2026-13-01",
        "①|",
        "1|0001-01-01T00:00:00+14:00",
    ],
)
@pytest.mark.parametrize("view", list(TicketView))
async def test_a_page_that_no_list_has_named_is_refused(
    database: Database, page: str, view: TicketView
) -> None:
    with pytest.raises(EventRefused, match=r"There is no such page\.") as refused:
        await TortoiseStaffReads(database).tickets(TicketFilter(view, agent="marcus"), page)
    assert (refused.value.code, refused.value.field) == ("page", "page")


@pytest.mark.parametrize(
    "spoil",
    [
        "conversation SET state_data = '{' WHERE id = 'odd'",
        "conversation SET state_data = '{\"since\":7}' WHERE id = 'odd'",
        f"ticket SET priority = 'whenever' WHERE number = {ODD}",
    ],
)
async def test_who_waits_and_cannot_be_read_keeps_nobody_else_from_the_queue(
    database: Database, spoil: str
) -> None:
    await wait(database)
    await database.writer.execute_query(f"UPDATE {spoil}")
    reads = TortoiseStaffReads(database)
    async with TortoiseStore(database).batch() as batch:
        assert [entry.conversation for entry in await batch.queue()] == [CHAT]
    assert [entry.conversation for entry in await reads.waiting()] == [CHAT]
    assert [line.ticket.number for line in await reads.waiting_tickets(QueueOrder.RECEIVED)] == [TICKET]


async def test_a_ticket_whose_chat_cannot_be_read_is_listed_without_it(database: Database) -> None:
    await wait(database)
    await database.writer.execute_query("UPDATE conversation SET state_data = '{' WHERE id = 'odd'")
    lines = (await TortoiseStaffReads(database).tickets(QUEUE)).lines
    shown = {line.ticket.number: line.conversation and line.conversation.id for line in lines}
    assert shown == {TICKET: CHAT, ODD: None}


@pytest.mark.sqlite("its plans; PostgreSQL reads tables as small as these whole")
async def test_who_waits_is_found_along_an_index_of_those_who_do(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        plans = [await database.select(f"EXPLAIN QUERY PLAN {query}") for query in (_WAITING, WHO_WAITS)]
    assert [any("conversation_waiting" in step["detail"] for step in plan) for plan in plans] == [True, True]
