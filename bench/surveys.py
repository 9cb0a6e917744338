"""`python -m bench.surveys`: surveys that become tickets a second, on the desk and on the hand-made floor.

Each client sends the next survey when the last is acknowledged: on the desk a request without a chat,
validated and numbered, with its history, its first messages and a mail queued, in one commit. The floor does
the same, but for the messages [bench.ticket_floor]. The desk lets one socket send no more than 50 surveys a
second, so each client uses several by turns, on either server. Measured is the steady state: what the desk
loads three seconds after its start is loaded before.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import Annotated

import typer
import uvloop
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table

from bench.chats import Kind, Target, mails_to_send, survey_answers
from bench.machine import cores, processor_time, say_when_busy, stay_on
from bench.report import Verdict, show_verdicts
from bench.servers import Server, server
from bench.websocket import Socket

MUST, AIM = 0.4, 0.7
KINDS: tuple[Kind, ...] = ("ticket floor", "desk")
SOCKETS = 8
"""Sockets of a client, each a visitor of its own: so it may send the desk 400 surveys a second."""


@dataclass(frozen=True)
class Measured:
    """``rate`` is tickets a second, ``cost`` the server's processor time in microseconds a ticket,
    ``unsent`` the mails that were still to be sent at the end.
    """

    rate: float
    cost: float
    load_share: float
    unsent: int


class Client:
    """Sends survey after survey, one at a time, on its sockets by turns."""

    def __init__(self, sockets: Sequence[Socket], name: int) -> None:
        self._turns = itertools.cycle(sockets)
        self._name = name
        self._number = 0
        self.acknowledged = 0

    async def run(self) -> None:
        """Send survey after survey until cancelled. Raises ConnectionError when one is refused."""
        while True:
            await self.send()

    async def send(self) -> None:
        """Send a survey and wait until it is acknowledged. Raises ConnectionError when it is refused."""
        socket = next(self._turns)
        self._number += 1
        identity = f"{self._name}-{self._number}"
        answers = survey_answers(self._name * 1_000_000 + self._number)
        socket.send(to_json({"t": "start", "id": identity, "answers": answers, "live": False}))
        told = await socket.text_with(f'"id":"{identity}"'.encode())
        if b'"t":"ack"' not in told:
            raise ConnectionError(f"the survey was answered with {told!r}")
        self.acknowledged += 1


async def connect(target: Target) -> Socket:
    """Connect and say hello."""
    if target.kind == "ticket floor":
        return await Socket.connect(target.host, target.port, "/surveys", {})
    socket = await Socket.connect(target.host, target.port, "/widget/socket?key=desk", {"Origin": target.url})
    socket.send(to_json({"t": "hello", "v": 1, "visitor": secrets.token_urlsafe(32)}))
    await socket.text_with(b'"ready"')
    return socket


async def load(tested: Server, clients: int, seconds: float, warm_up: float) -> Measured:
    """Send surveys from all clients. Raises RuntimeError when fewer tickets are stored than acknowledged."""
    target = tested.target
    senders = [Client([await connect(target) for _ in range(SOCKETS)], number) for number in range(clients)]
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    await asyncio.sleep(warm_up)
    before = sum(sender.acknowledged for sender in senders)
    began, own, other = time.perf_counter(), time.process_time(), processor_time(tested.process)
    await asyncio.sleep(seconds)
    took = time.perf_counter() - began
    acknowledged = sum(sender.acknowledged for sender in senders)
    other, own = processor_time(tested.process) - other, time.process_time() - own
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
    stored = _tickets(target.database)
    if stored < acknowledged:
        raise RuntimeError(f"{acknowledged} tickets were acknowledged and {stored} are stored")
    unsent = await mails_to_send(target.database) if target.kind == "desk" else 0
    done = acknowledged - before
    return Measured(done / took, other / done * 1e6, own / took, unsent)


def _tickets(database: str) -> int:
    with closing(sqlite3.connect(database)) as opened:
        counted: int = opened.execute("SELECT count(*) FROM ticket").fetchone()[0]
    return counted


def surveys(
    clients: Annotated[int, typer.Option(help="Clients that send survey after survey.")] = 32,
    seconds: Annotated[float, typer.Option(help="Seconds measured.", max=60)] = 5.0,
    warm_up: Annotated[
        float, typer.Option(help="Seconds before that; what a start leaves for later is loaded then.")
    ] = 5.0,
    rounds: Annotated[int, typer.Option(help="Rounds; each measures the floor, then the desk.")] = 3,
) -> None:
    """Measure surveys to tickets a second beside the hand-made floor."""
    console = Console()
    say_when_busy(console)
    server_core, load_core = cores()
    stay_on(load_core)
    found: dict[Kind, list[Measured]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            with server(kind, server_core) as tested:
                found[kind].append(uvloop.run(load(tested, clients, seconds, warm_up)))
    table = Table("server", "tickets/s", "x floor", "server us/ticket", "load core", "mails left to send")
    floor = median(one.rate for one in found["ticket floor"])
    for kind in KINDS:
        rate, cost, share, unsent = (
            median(getattr(one, name) for one in found[kind])
            for name in ("rate", "cost", "load_share", "unsent")
        )
        name = "chatdesk" if kind == "desk" else "floor"
        table.add_row(
            name, f"{rate:,.0f}", f"{rate / floor:.2f}", f"{cost:,.0f}", f"{share:.0%}", f"{unsent:,.0f}"
        )
    console.print(table)
    ratio = median(one.rate for one in found["desk"]) / floor
    show_verdicts(
        console,
        [
            Verdict(f"{word}: at least {limit} x floor", ratio, ratio >= limit)
            for word, limit in (("must", MUST), ("aim", AIM))
        ],
    )


if __name__ == "__main__":
    typer.run(surveys)
