"""What a run found: medians over the rounds, ratios to the floor, and whether the targets were met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.chats import Kind
from bench.load import Measured

THROUGHPUT = {"must": 0.6, "aim": 0.8}
"""At least so many times the floor's messages a second."""
DELAYS = (("p50", 1000, {"must": 1.5, "aim": 1.2}), ("p99", 5000, {"must": 2.0, "aim": 1.5}))
"""A quantile at a rate: at most so many times the floor's."""

Rounds = Mapping[Kind, Sequence[Sequence[Measured]]]


@dataclass(frozen=True)
class Verdict:
    """One target: the ratio found, and whether it is met."""

    what: str
    found: float
    met: bool


def summary(rounds: Rounds) -> dict[Kind, list[dict[str, float]]]:
    """Return for each server and rate the median of every figure."""
    return {kind: [_medians(phases) for phases in zip(*found, strict=True)] for kind, found in rounds.items()}


def verdicts(figures: Mapping[Kind, Sequence[Mapping[str, float]]]) -> list[Verdict]:
    """Compare with the targets; one whose rate was not measured is left out."""
    by_rate = {kind: {line["rate"]: line for line in lines} for kind, lines in figures.items()}
    floor, desk = by_rate["floor"], by_rate["desk"]
    found = []
    if 0 in floor:
        ratio = _ratio(desk[0]["delivered_per_second"], floor[0]["delivered_per_second"])
        for word, least in THROUGHPUT.items():
            found.append(Verdict(f"{word}: throughput at least {least} x floor", ratio, ratio >= least))
    for quantile, rate, limits in DELAYS:
        if rate in floor:
            ratio = _ratio(desk[rate][quantile], floor[rate][quantile])
            for word, most in limits.items():
                what = f"{word}: {quantile} at {rate:,}/s at most {most} x floor"
                found.append(Verdict(what, ratio, 0 < ratio <= most))
    return found


def show(console: Console, figures: Mapping[Kind, Sequence[Mapping[str, float]]]) -> None:
    """Print the figures and the verdicts."""
    table = Table(title="Medians; p50 and p99 from send to receipt at the other side")
    columns = (
        "offered/s",
        "server",
        "stored/s",
        "delivered/s",
        "p50 ms",
        "p99 ms",
        "server core",
        "load core",
    )
    for column in (*columns, "memory MB", "x floor", "p50 x floor", "p99 x floor"):
        table.add_column(column, justify="left" if column == "server" else "right")
    for floor, desk in zip(figures["floor"], figures["desk"], strict=True):
        for name, line in (("floor", floor), ("chatdesk", desk)):
            table.add_row(*_cells(name, line, floor))
        table.add_section()
    console.print(table)
    show_verdicts(console, verdicts(figures))


def show_verdicts(console: Console, found: Iterable[Verdict]) -> None:
    """Print a line a target."""
    for verdict in found:
        word = "[green]met[/green]" if verdict.met else "[red]missed[/red]"
        console.print(f"{word}: {verdict.what}: {verdict.found:.2f}")


def _cells(name: str, line: Mapping[str, float], floor: Mapping[str, float]) -> Iterable[str]:
    return (
        f"{line['rate']:,.0f}" if line["rate"] else "all it takes",
        name,
        f"{line['acknowledged_per_second']:,.0f}",
        f"{line['delivered_per_second']:,.0f}",
        f"{line['p50']:,.1f}",
        f"{line['p99']:,.1f}",
        f"{line['server_share']:.0%}",
        f"{line['load_share']:.0%}",
        f"{line['server_memory'] / 2**20:,.0f}",
        f"{_ratio(line['delivered_per_second'], floor['delivered_per_second']):.2f}",
        f"{_ratio(line['p50'], floor['p50']):.2f}",
        f"{_ratio(line['p99'], floor['p99']):.2f}",
    )


def _medians(phases: Sequence[Measured]) -> dict[str, float]:
    lines = [asdict(phase) for phase in phases]
    numbers = [name for name, value in lines[0].items() if isinstance(value, int | float)]
    return {name: median(line[name] for line in lines) for name in numbers}


def _ratio(ours: float, floor: float) -> float:
    return ours / floor if floor else 0.0
