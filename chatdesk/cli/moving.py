"""`chatdesk move`: a whole desk from one database to another."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from chatdesk.cli.ending import errors_shown
from chatdesk.settings.environment import DATABASES
from storage.moving import Compared

Address = Annotated[
    str, typer.Option("--from", help="Where the desk is now, such as sqlite:///srv/desk.sqlite3.")
]
Target = Annotated[
    str, typer.Option("--to", help="An empty database, such as postgres://desk@db.example.com/desk.")
]


def move(source: Address, target: Target) -> None:
    """Copy a whole desk to another database and compare both; stop the desk first.

    Run it again after an interruption: it goes on where it was. Uploaded files stay in the data folder.
    """
    for name, address in (("--from", source), ("--to", target)):
        if not address.startswith(DATABASES):
            raise typer.BadParameter(f"{name} must start with {' or '.join(DATABASES)}.")
    with errors_shown():
        compared = asyncio.run(_move(source, target))
    Console().print(_shown(compared))
    typer.echo("Both databases are the same. Set CHATDESK_DATABASE_URL to the new one and start the desk.")


async def _move(source: str, target: str) -> list[Compared]:
    from storage.moving import move as move_desk

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        shown: dict[str, TaskID] = {}

        def progress(table: str, done: int, total: int) -> None:
            if table not in shown:
                shown[table] = bars.add_task(table)
            bars.update(shown[table], completed=done, total=total)

        return await move_desk(source, target, progress)


def _shown(compared: list[Compared]) -> Table:
    table = Table("Table", "Rows", "Checksum (SHA-256)")
    for one in compared:
        table.add_row(one.table, f"{one.rows:,}", one.checksum[:16])
    return table
