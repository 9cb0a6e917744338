"""`chatdesk explain`: a ticket's life, step by step, and where its due times come from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from chatdesk.bootstrap import now
from chatdesk.cli.ending import errors_shown
from chatdesk.cli.offline import Offline, run
from chatdesk.cli.showing import Json, heading, iso, output, plain, print_json, say_at, table
from chatdesk.explanation import Due, Explanation, Step, explain
from chatdesk.wording import say_took

VERDICTS = {True: "kept", False: "missed", None: "open"}


def explain_ticket(
    number: Annotated[str, typer.Argument(help="The ticket's number, such as HD-1001.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain a ticket: every state with who, when, why and how long, and every due time with its rule."""
    with errors_shown():
        at = now()

        async def read(offline: Offline) -> tuple[str, Explanation, ZoneInfo]:
            file = await offline.ticket(number)
            title = f"{offline.say(file.ticket.number)}: {file.ticket.subject} ({file.ticket.status.value})"
            return title, explain(offline.config, file, at), offline.config.desk.timezone

        title, explanation, zone = run(read)
        if json:
            print_json(_json(explanation, at))
            return
        console = output()
        console.print(plain(title, "bold"))
        _print_steps(console, explanation.steps, zone)
        _print_dues(console, explanation.dues, zone, at)


def _print_steps(console: Console, steps: tuple[Step, ...], zone: ZoneInfo) -> None:
    heading(console, "What happened")
    shown = table("When", "Who", "What", "Why", "State", "For")
    for step in steps:
        entry = step.entry
        shown.add_row(
            say_at(entry.at, zone),
            plain(entry.by.name),
            plain(entry.what),
            plain(entry.why),
            step.status.value if step.status else "",
            say_took(step.lasted) if step.lasted else "",
        )
    console.print(shown)


def _print_dues(console: Console, dues: tuple[Due, ...], zone: ZoneInfo, at: datetime) -> None:
    heading(console, "What was owed, and by which rule")
    for due in dues:
        verdict = VERDICTS[due.is_met(at)] if due.binding else "replaced by an earlier target"
        console.print(plain(f"{due.what}: {say_at(due.at, zone)}, {verdict}"), soft_wrap=True)
        console.print("    ", plain(due.rule, "dim"), sep="", soft_wrap=True)
    if not dues:
        console.print("Nothing: no target is configured for it.")


def _json(explanation: Explanation, at: datetime) -> dict[str, Json]:
    return {
        "steps": [
            {
                "at": iso(step.entry.at),
                "by": step.entry.by.name,
                "what": step.entry.what,
                "why": step.entry.why,
                "status": step.status.value if step.status else None,
                "seconds": step.lasted.total_seconds() if step.lasted is not None else None,
            }
            for step in explanation.steps
        ],
        "dues": [
            {
                "what": due.what,
                "at": iso(due.at),
                "rule": due.rule,
                "done_at": iso(due.done_at),
                "binding": due.binding,
                "met": due.is_met(at),
            }
            for due in explanation.dues
        ],
    }
