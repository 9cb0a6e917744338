"""`make bench`: the desk and the floor by turns under the same load; figures, ratios, targets."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.console import Console

from bench.chats import Kind
from bench.load import Measured, Plan
from bench.machine import cores, say_when_busy, stay_on
from bench.report import Rounds, show, summary, verdicts
from bench.servers import server

_WIDTH = 146


def bench(
    chats: Annotated[int, typer.Option(help="Chats, each a customer's and a technician's socket.")] = 1000,
    seconds: Annotated[float, typer.Option(help="Seconds measured at each rate.")] = 3.0,
    warm_up: Annotated[float, typer.Option(help="Seconds before that, at each rate.")] = 1.0,
    rounds: Annotated[int, typer.Option(help="Rounds; each measures the floor, then the desk.")] = 3,
    rates: Annotated[
        str, typer.Option(help="Messages offered a second; 0: all that is taken.")
    ] = "1000,5000,0",
    postgres: Annotated[bool, typer.Option("--postgres", help="Keep everything in PostgreSQL.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure the desk against the hand-made floor."""
    offered = tuple(int(rate) for rate in rates.split(","))
    console = Console(stderr=json, width=_WIDTH)
    say_when_busy(console)
    found: dict[Kind, list[list[Measured]]] = {"floor": [], "desk": []}
    for number in range(1, rounds + 1):
        for kind, measured in found.items():
            console.print(f"Round {number} of {rounds}: {'the floor' if kind == 'floor' else 'chatdesk'}")
            measured.append(_round(kind, chats, seconds, warm_up, offered, postgres=postgres))
    _report(console, found, json)


def _round(
    kind: Kind, chats: int, seconds: float, warm_up: float, rates: tuple[int, ...], *, postgres: bool
) -> list[Measured]:
    """Load a fresh server at each rate, kill it, and compare what it acknowledged with what it stored."""
    server_core, load_core = cores()
    with server(kind, server_core, postgres=postgres) as tested:
        plan = Plan(tested.target, chats, seconds, warm_up, rates, (tested.process,))
        load = subprocess.Popen(
            [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            stay_on(load_core, load.pid)
            output, _ = load.communicate(TypeAdapter(Plan).dump_json(plan), timeout=300)
        finally:
            load.kill()
        if load.returncode:
            raise typer.Exit(1)
        # The server is killed before the rows are counted: what it acknowledged has to be on the disk.
        os.kill(tested.process, 9)
        measured = TypeAdapter(list[Measured]).validate_json(output)
        _check(kind, measured, tested.stored())
    return measured


def _check(kind: Kind, measured: list[Measured], stored: int) -> None:
    sent = sum(phase.sent for phase in measured)
    acknowledged = sum(phase.acknowledged for phase in measured)
    delivered = sum(phase.delivered for phase in measured)
    errors = [error for phase in measured for error in phase.errors]
    if not sent == acknowledged == delivered == stored:
        numbers = f"sent {sent}, acknowledged {acknowledged}, delivered {delivered}, stored {stored}"
        print(f"{kind}: the counts differ: {numbers} {errors}", file=sys.stderr)
        raise typer.Exit(1)


def _report(console: Console, rounds: Rounds, json: bool) -> None:
    figures = summary(rounds)
    if json:
        result = {"figures": figures, "targets": [vars(verdict) for verdict in verdicts(figures)]}
        print(TypeAdapter(object).dump_json(result, indent=2).decode())
    else:
        show(console, figures)


if __name__ == "__main__":
    typer.run(bench)
