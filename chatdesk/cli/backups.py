"""`chatdesk backup` and `chatdesk restore`: a whole desk in one file, and back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import DownloadColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from chatdesk.bootstrap import now
from chatdesk.cli.ending import ExitCode, complain, errors_shown
from chatdesk.cli.setting import prepare_data, read_setting
from chatdesk.errors import ConfigurationError
from chatdesk.ticket import TicketNumber, format_number

if TYPE_CHECKING:
    from storage.backup_archive import Manifest, Progress

Where = Annotated[Path, typer.Argument(help="A new file, or a folder for one that is named by the time.")]
Keep = Annotated[
    int | None, typer.Option(min=1, help="With a folder: how many backups to keep there; older ones go.")
]
Archive = Annotated[Path, typer.Argument(help="A backup.")]
Check = Annotated[bool, typer.Option("--check", help="Only read it and say whether it is whole.")]
Stopped = Annotated[
    bool,
    typer.Option("--desk-was-stopped", help="It did not run after the backup: go on as it was."),
]
NextNumber = Annotated[
    int | None,
    typer.Option(
        min=1, help="The next ticket's number; without it 1,000 are left out for those given since."
    ),
]


def backup(where: Where, keep: Keep = None) -> None:
    """Save the whole desk in one file, while it runs: database, files and the desk's own file."""
    from storage.backing_up import Source, back_up, file_name, remove_older

    with errors_shown():
        setting, at = read_setting(os.environ), now()
        environment = setting.environment
        folder = where if where.is_dir() else None
        if keep is not None and folder is None:
            raise ConfigurationError(f"--keep: goes with a folder, and {where} is none.")
        files = environment.data / "files"
        source = Source(setting.config.desk.name, environment.database_url, files, environment.config)
        target = folder / file_name(at) if folder else where
        with _progress("Backing up") as progress:
            made = back_up(source, target, at, version("chatdesk"), progress)
        typer.echo(f"{target}: {_holds(made)}, {decimal(target.stat().st_size)}; read again and whole.")
        for gone in remove_older(folder, keep) if folder and keep else ():
            typer.echo(f"Removed {gone.name}.")
    if made.missing:
        lost = (f"files/{one[:2]}/{one[2:4]}/{one}" for one in made.missing)
        complain("\n".join(f"{one} in the data folder is not what was sent." for one in lost))
        raise typer.Exit(ExitCode.FAILURE)


def restore(
    archive: Archive, check: Check = False, desk_was_stopped: Stopped = False, next_number: NextNumber = None
) -> None:
    """Put a desk back from a backup, where CHATDESK_DATA and CHATDESK_DATABASE_URL say and nothing is yet."""
    with errors_shown():
        if check:
            _check(archive)
        else:
            _restore(archive, desk_was_stopped=desk_was_stopped, next_number=next_number)


def _check(archive: Path) -> None:
    from storage.backup_archive import unpack

    with _progress("Reading") as progress:
        found = unpack(archive, None, progress)
    typer.echo(f"{archive} is whole: {found.desk}, {found.made_at:%Y-%m-%d %H:%M} UTC, {_holds(found)}.")


def _restore(archive: Path, *, desk_was_stopped: bool, next_number: int | None) -> None:
    from storage.restoring import Since, Target, restore

    setting = read_setting(os.environ)
    prepare_data(setting.environment.data)
    target = Target(setting.environment.database_url, setting.environment.data / "files")
    with _progress("Restoring") as progress:
        restored = restore(archive, target, Since(desk_was_stopped, next_number), progress)
    made = restored.manifest
    typer.echo(f"{made.desk} is as it was on {made.made_at:%Y-%m-%d at %H:%M} UTC: {_holds(made)}.")
    if restored.next_number is not None:
        number = format_number(setting.config.desk.ticket_prefix, TicketNumber(restored.next_number))
        typer.echo(f"The next ticket is {number}.")
    if restored.in_doubt:
        typer.echo(
            f"Mails and posts that may have been sent after the backup: {restored.in_doubt}. They are not "
            "sent again by themselves; see Problems in the console."
        )


@contextmanager
def _progress(what: str) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), DownloadColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=None)
        yield lambda size: bars.advance(task, size)


def _holds(manifest: Manifest) -> str:
    count = manifest.files
    return f"the database and {count:,} file{'' if count == 1 else 's'}"
