"""`python -m bench.start`: from the start of the process to the first durable acknowledgement.

The desk over an empty database (which it makes first), over a big one, and over the big one after a SIGKILL
in the midst of surveys; the hand-made floor the same. A client tries to connect every few milliseconds, on
the desk sends a survey, on the floor a survey too, and waits for its acknowledgement.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bench.chats import Kind, Target
from bench.desk_rows import fill
from bench.machine import cores, free_port, processor_time, say_when_busy, stay_on
from bench.report import Verdict, show_verdicts
from bench.servers import Place, launch, new_place
from bench.surveys import Client, connect
from bench.websocket import Socket
from storage.batch import TICKET_COUNTER
from storage.database import Database

LIMIT, FLAT = 2.0, 1.25
"""The desk's start at most so many times the floor's, and with a big database its own with an empty one."""
KINDS: tuple[Kind, ...] = ("ticket floor", "desk")
EMPTY, BIG, KILLED = "empty database", "big database", "big, after kill -9"
_EVERY = 0.005
_PATIENCE = 60.0
_WRITING = 0.5
"""Seconds in which surveys come in before the kill."""


@dataclass(frozen=True)
class Started:
    """A server that has acknowledged its first survey after ``seconds``, ``work`` of them its processor's."""

    process: int
    target: Target
    seconds: float
    work: float


Measured = dict[str, Started]
"""How a server started over each database."""


@contextmanager
def started(kind: Kind, place: Place, core: int | None) -> Iterator[Started]:
    """Start a server, wait for its first acknowledgement, and kill it at the end."""
    port = free_port()
    target = Target(kind, f"http://127.0.0.1:{port}", place.database)
    began = time.perf_counter()
    process = launch(kind, place, core, port)
    try:
        uvloop.run(_acknowledged(target))
        seconds = time.perf_counter() - began
        yield Started(process.pid, target, seconds, processor_time(process.pid))
    finally:
        process.kill()
        process.wait()


async def _acknowledged(target: Target) -> None:
    """Wait until the server has acknowledged a survey. Raises TimeoutError."""
    async with asyncio.timeout(_PATIENCE):
        socket: Socket | None = None
        while socket is None:
            try:
                socket = await connect(target)
            except OSError:
                await asyncio.sleep(_EVERY)
        await Client([socket], secrets.randbelow(1_000_000)).send()
        socket.close()


async def _surveys_until_killed(one: Started) -> None:
    """Send surveys, and kill the server in the midst of them."""
    clients = [Client([await connect(one.target)], number) for number in range(8)]
    tasks = [asyncio.create_task(client.run()) for client in clients]
    await asyncio.sleep(_WRITING)
    os.kill(one.process, signal.SIGKILL)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _fill(place: Place, tickets: int) -> None:
    async with Database(place.url) as database:
        await fill(database, tickets)
        async with database.transaction() as connection:
            counter = f"INSERT INTO counter (name, value) VALUES ('{TICKET_COUNTER}', {tickets})"
            await connection.execute_query(counter)


def measure(kind: Kind, core: int | None, big: Place) -> Measured:
    """Start one server over each database; ``big`` is the desk's, whose floor has none of its own."""
    found: Measured = {}
    with new_place() as empty:
        with started(kind, empty, core) as one:
            found[EMPTY] = one
        place = big if kind == "desk" else empty
        with started(kind, place, core) as one:
            found[BIG] = one
            uvloop.run(_surveys_until_killed(one))
        with started(kind, place, core) as one:
            found[KILLED] = one
    return found


def start(
    tickets: Annotated[int, typer.Option(help="Tickets of the big database.", max=1_000_000)] = 100_000,
    rounds: Annotated[int, typer.Option(help="Rounds; each measures the floor, then the desk.")] = 5,
) -> None:
    """Measure the time from the start to the first acknowledgement beside the hand-made floor's."""
    console = Console()
    server_core, load_core = cores()
    with new_place() as big:
        asyncio.run(_fill(big, tickets))
        say_when_busy(console)
        stay_on(load_core)
        for kind in KINDS:  # The first start compiles, and reads from the disk.
            measure(kind, server_core, big)
        found: dict[Kind, list[Measured]] = {kind: [] for kind in KINDS}
        for _ in range(rounds):
            for kind in KINDS:
                found[kind].append(measure(kind, server_core, big))
    _report(console, found, tickets)


def _report(console: Console, found: dict[Kind, list[Measured]], tickets: int) -> None:
    table = Table(
        "start over", "floor s", "chatdesk s", "x floor", "processor: floor s", "chatdesk s", "x floor"
    )
    verdicts, medians = [], {}
    for case in (EMPTY, BIG, KILLED):
        floor, desk = (median(one[case].seconds for one in found[kind]) for kind in KINDS)
        work, ours = (median(one[case].work for one in found[kind]) for kind in KINDS)
        times = (f"{floor:.2f}", f"{desk:.2f}", f"{desk / floor:.2f}")
        table.add_row(case, *times, f"{work:.2f}", f"{ours:.2f}", f"{ours / work:.2f}")
        verdicts.append(Verdict(f"{case}: at most {LIMIT:.0f} x floor", desk / floor, desk / floor <= LIMIT))
        medians[case] = desk
    growth = medians[BIG] / medians[EMPTY]
    what = f"flat: with {tickets:,} tickets at most {FLAT} x its start with none"
    console.print(table)
    show_verdicts(console, [*verdicts, Verdict(what, growth, growth <= FLAT)])


if __name__ == "__main__":
    typer.run(start)
