"""`python -m bench.recovery`: a server is killed while its clients are connected, and started again at once.

Each client then comes back by the widget's own rule [bench.widget_client] and sends a message. Measured from
the SIGKILL until the last of them has its acknowledgement, on the desk and on the hand-made floor. The most
attempts in a tenth of a second show whether they all came at once.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Annotated

import aiohttp
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bench.chats import Kind, Target
from bench.machine import cores, free_port, say_when_busy, stay_on
from bench.open_chats import Customer, mails_have_left, open_customers
from bench.report import Verdict, show_verdicts
from bench.servers import Place, launch, new_place, running
from bench.websocket import Socket
from bench.widget_client import Page

MUST, AIM = 3.0, 1.5
KINDS: tuple[Kind, ...] = ("floor", "desk")
_PATIENCE = 120.0
_AT_ONCE = 100


@dataclass(frozen=True)
class Measured:
    """Seconds from the kill until the server took the first connection, half of the clients and all of them
    were served; ``most`` are the most attempts in 100 ms, ``streams`` the clients that gave WebSocket up.
    """

    first: float
    half: float
    last: float
    most: int
    streams: int
    load_share: float


async def _connected(target: Target, clients: int) -> list[tuple[str, Socket]]:
    """Connect the clients; return each one's secret, on the floor its chat's name, and its socket."""
    if target.kind == "desk":
        customers: list[Customer] = await open_customers(target, clients)
        await mails_have_left(target.database)
        return [(customer.visitor, customer.socket) for customer in customers]
    names = [secrets.token_urlsafe(8) for _ in range(clients)]
    return [
        (name, await Socket.connect(target.host, target.port, f"/socket?chat={name}&side=customer", {}))
        for name in names
    ]


async def measure(target: Target, process: int, place: Place, core: int | None, clients: int) -> Measured:
    """Connect, kill, start again, and wait for all. Raises TimeoutError when some are not served."""
    connected = await _connected(target, clients)
    began, own = time.perf_counter(), time.process_time()
    os.kill(process, signal.SIGKILL)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        pages = [Page(target, name, name, random.random, http) for name, _ in connected]
        # The kernel ends the connections before it tells that the process is gone.
        await asyncio.gather(*(_broken(socket) for _, socket in connected))
        again = launch(target.kind, place, core, target.port)
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(*(page.come_back() for page in pages))
        finally:
            again.kill()
            again.wait()
    share = (time.process_time() - own) / (time.perf_counter() - began)
    return _measured(pages, began, share)


async def _broken(socket: Socket) -> None:
    try:
        await socket.text_with(b"\0")
    except ConnectionError:
        return


def _measured(pages: Sequence[Page], began: float, share: float) -> Measured:
    served = sorted(page.served - began for page in pages)
    attempts = Counter(int((at - began) * 10) for page in pages for at in page.attempts)
    return Measured(
        first=served[0],
        half=served[len(served) // 2],
        last=served[-1],
        most=max(attempts.values()),
        streams=sum(page.rule.streams for page in pages),
        load_share=share,
    )


def recovery(
    clients: Annotated[int, typer.Option(help="Connected clients.", max=5_000)] = 1_000,
    rounds: Annotated[int, typer.Option(help="Rounds; each measures the floor, then the desk.")] = 3,
) -> None:
    """Measure how long it takes until all clients of a killed server are served again."""
    console = Console()
    say_when_busy(console)
    server_core, load_core = cores()
    stay_on(load_core)
    found: dict[Kind, list[Measured]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            with new_place() as place, running(kind, place, server_core, port=free_port()) as first:
                found[kind].append(
                    uvloop.run(measure(first.target, first.process, place, server_core, clients))
                )
    table = Table(
        "server", "first s", "half s", "all s", "attempts in 100 ms", "gave up WebSocket", "load core"
    )
    for kind in KINDS:
        names = ("first", "half", "last", "most", "streams", "load_share")
        figures = [median(getattr(one, name) for one in found[kind]) for name in names]
        times = [f"{figure:.2f}" for figure in figures[:3]]
        counts = [f"{figure:,.0f}" for figure in figures[3:5]]
        table.add_row("chatdesk" if kind == "desk" else "floor", *times, *counts, f"{figures[5]:.0%}")
    console.print(table)
    last = median(one.last for one in found["desk"])
    show_verdicts(
        console,
        [
            Verdict(f"{word}: all served in {limit} s", last, last <= limit)
            for word, limit in (("must", MUST), ("aim", AIM))
        ],
    )


if __name__ == "__main__":
    typer.run(recovery)
