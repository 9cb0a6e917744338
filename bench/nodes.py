"""`python -m bench.nodes`: two nodes of a desk against one, on a PostgreSQL of their own.

With two nodes each customer is connected to the first and their technician to the second, so that every
message crosses. Measured are the time from send to receipt at a rate that both manage easily, and messages
a second of the nodes' processor time as fast as possible. Nodes, PostgreSQL and load share all cores.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from statistics import median
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bench.load import Measured, Plan, measure
from bench.machine import say_when_busy
from bench.report import Verdict, show_verdicts
from bench.servers import Server, new_place, running, sessions

MORE, SHARE = 1.0, 0.7
"""Milliseconds that crossing nodes may add to the p50; the share of one node's messages a CPU second."""
EASY = 200


@contextmanager
def nodes(count: int) -> Iterator[list[Server]]:
    """Start nodes of a new desk and kill them at the end."""
    with new_place(postgres=True) as place, ExitStack() as stack:
        cookies = asyncio.run(sessions(place.url))
        found = []
        for number in range(count):
            folder = place.folder / f"node{number}"
            folder.mkdir(exist_ok=True)
            own = replace(place, folder=folder)
            found.append(stack.enter_context(running("desk", own, None, cookies=cookies)))
        yield found


def run(count: int, chats: int, seconds: float) -> list[Measured]:
    """Measure a desk of so many nodes. Raises RuntimeError when messages were lost."""
    with nodes(count) as started:
        plan = Plan(
            target=started[0].target,
            staff=started[-1].target,
            chats=chats,
            seconds=seconds,
            warm_up=1.0,
            rates=(EASY, 0),
            servers=tuple(node.process for node in started),
        )
        found = uvloop.run(measure(plan))
    for one in found:
        if not one.sent == one.acknowledged == one.delivered:
            counts = f"sent {one.sent}, acknowledged {one.acknowledged}, delivered {one.delivered}"
            raise RuntimeError(f"{counts} {one.errors[:1]}")
    return found


def per_cpu_second(one: Measured) -> float:
    """Return the messages delivered a second of the nodes' processor time."""
    return one.delivered_per_second / one.server_share


def compare(
    chats: Annotated[int, typer.Option(help="Chats, each with two sockets.", max=1000)] = 500,
    seconds: Annotated[float, typer.Option(help="Seconds measured at each rate.", max=60)] = 5.0,
    rounds: Annotated[int, typer.Option(help="Rounds; each measures one node, then two.")] = 3,
) -> None:
    """Measure two nodes against one."""
    console = Console()
    say_when_busy(console)
    found: dict[int, list[list[Measured]]] = {1: [], 2: []}
    for _ in range(rounds):
        for count, measured in found.items():
            measured.append(run(count, chats, seconds))
    _report(console, found)


def _report(console: Console, found: dict[int, list[list[Measured]]]) -> None:
    table = Table(
        "nodes", f"p50 ms at {EASY}/s", "p99 ms", "most/s", "a CPU second", "nodes' CPU", "load core"
    )
    p50, rate = {}, {}
    for count, rounds in found.items():
        easy, most = ([one[at] for one in rounds] for at in (0, 1))
        p50[count] = median(one.p50 for one in easy)
        rate[count] = median(map(per_cpu_second, most))
        table.add_row(
            f"{count}",
            f"{p50[count]:.1f}",
            f"{median(one.p99 for one in easy):.1f}",
            f"{median(one.delivered_per_second for one in most):,.0f}",
            f"{rate[count]:,.0f}",
            f"{median(one.server_share for one in most):.0%}",
            f"{median(one.load_share for one in most):.0%}",
        )
    console.print(table)
    more, share = p50[2] - p50[1], rate[2] / rate[1]
    show_verdicts(
        console,
        [
            Verdict(f"p50 across nodes at most {MORE:.0f} ms more", more, more <= MORE),
            Verdict(f"messages a CPU second of two nodes at least {SHARE} x one's", share, share >= SHARE),
        ],
    )


if __name__ == "__main__":
    typer.run(compare)
