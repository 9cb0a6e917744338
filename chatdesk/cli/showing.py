"""How commands show things: text from outside made harmless, moments in the desk's own time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chatdesk.duration import Duration
from chatdesk.explanation import write_duration
from chatdesk.plain_text import clean_line

PIPE_WIDTH = 160

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


def output() -> Console:
    """Return the console for results; where nobody looks at a terminal its lines are wide."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def plain(text: str, style: str = "") -> Text:
    """Return text from outside as one harmless line."""
    return Text(clean_line(text), style=style)


def table(*columns: str) -> Table:
    """Return an empty table with these columns."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Return labels and values, those without a value left out."""
    made = Table.grid(padding=(0, 2))
    for label, value in rows:
        if value:
            made.add_row(Text(label, style="dim"), plain(value))
    return made


def heading(console: Console, text: str) -> None:
    """Print a heading after an empty line."""
    console.print()
    console.print(Text(text, style="bold"))


def say_at(at: datetime | None, zone: tzinfo) -> str:
    """Write a moment in the desk's zone: "Mon 2026-09-21 07:00 EDT"; "" for none."""
    return "" if at is None else at.astimezone(zone).strftime("%a %Y-%m-%d %H:%M %Z")


def iso(at: datetime | None) -> str | None:
    """Write a moment for programs: ISO 8601 with its offset (UTC)."""
    return None if at is None else at.isoformat()


def say_duration(duration: Duration | None) -> str:
    """Write a configured duration as the desk's file does, or "none"."""
    return "none" if duration is None else write_duration(duration)


def print_json(value: Json) -> None:
    """Print one JSON document for programs."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
