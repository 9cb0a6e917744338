"""`chatdesk transcript`: records to hand on; that one left is noted in the ticket's history."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from chatdesk.bootstrap import now
from chatdesk.cli.ending import errors_shown
from chatdesk.cli.offline import Offline, run, working_desk
from chatdesk.conversation import Author, AuthorKind, Conversation
from chatdesk.desk import Desk
from chatdesk.errors import ConfigurationError, NotFound
from chatdesk.events import TranscriptSent
from chatdesk.ids import new_id
from chatdesk.reading import TicketFile, TicketFilter, TicketView
from chatdesk.ticket import TicketNumber
from chatdesk.transcript import Form, record_of, render

CHANNEL = "cli"
BY = Author(AuthorKind.DESK, "desk", "Command line")
PAGE = 200


ENDINGS = {Form.TEXT: "txt", Form.HTML: "html", Form.JSON: "json"}
"""How a file with each form ends."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which version is asked for."""

    format: Form
    internal: bool


def transcript(
    number: Annotated[str, typer.Argument(help="The ticket's number, such as HD-1001.")] = "",
    form: Annotated[Form, typer.Option("--format", help="Its form.")] = Form.TEXT,
    internal: Annotated[bool, typer.Option(help="With notes and history: for staff only.")] = False,
    conversation: Annotated[int, typer.Option(min=0, help="Which one, from 1; the newest if not given.")] = 0,
    target: Annotated[Path | None, typer.Option("--output", help="A file, or a folder with --all.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every conversation of every ticket, as files.")
    ] = False,
) -> None:
    """Print or save a ticket's transcript; that it left the desk is noted in the ticket's history."""
    wanted = Wanted(form, internal)
    with errors_shown():
        if every:
            if number or target is None:
                raise ConfigurationError("--all: give a folder with --output, and no number.")
            written = run(lambda offline: _all(offline, wanted, target))
            typer.echo(f"{written} transcripts are in {target}.", err=True)
        elif not number:
            raise ConfigurationError("Give a ticket's number, such as HD-1001, or --all.")
        else:
            run(lambda offline: _one(offline, wanted, number, conversation, target))


async def _one(offline: Offline, wanted: Wanted, number: str, place: int, target: Path | None) -> None:
    file = await offline.ticket(number)
    count = len(file.conversations)
    if count == 0 or place > count:
        raise NotFound(f"Conversation {place or 1} of {offline.say(file.ticket.number)}")
    if count > 1 and not place:
        note = f"The newest of {count} conversations; choose another with --conversation 1 to {count}."
        typer.echo(note, err=True)
    made = _made(offline, file, file.conversations[(place or count) - 1], wanted)
    async with working_desk(offline) as desk:
        await _note(desk, file.conversations[(place or count) - 1], wanted, _name(target))
    if target is None:
        sys.stdout.write(made)
    else:
        _write(target, made)


async def _all(offline: Offline, wanted: Wanted, folder: Path) -> int:
    _make_folder(folder)
    numbers = await _numbers(offline)
    written = 0
    async with working_desk(offline) as desk:
        for number in track(numbers, "Transcripts", console=Console(stderr=True), transient=True):
            file = await offline.ticket(offline.say(number))
            for place, conversation in enumerate(file.conversations, 1):
                path = folder / f"{offline.say(number)}-{place}.{ENDINGS[wanted.format]}"
                made = _made(offline, file, conversation, wanted)
                await _note(desk, conversation, wanted, path.name)
                _write(path, made)
                written += 1
    return written


async def _numbers(offline: Offline) -> list[TicketNumber]:
    numbers: list[TicketNumber] = []
    page = ""
    while True:
        found = await offline.reads.tickets(TicketFilter(view=TicketView.ALL), page, PAGE)
        numbers += [line.ticket.number for line in found.lines]
        if not found.next:
            return sorted(numbers)
        page = found.next


def _made(offline: Offline, file: TicketFile, conversation: Conversation, wanted: Wanted) -> str:
    record = record_of(file, conversation, offline.config.desk, now())
    return render(wanted.format, record, internal=wanted.internal)


async def _note(desk: Desk, conversation: Conversation, wanted: Wanted, to: str) -> None:
    """Write down that the transcript leaves the desk; when that fails, it does not leave."""
    sent = TranscriptSent(
        at=now(),
        channel=CHANNEL,
        external_id=f"transcript:{new_id()}",
        conversation=conversation.id,
        by=BY,
        to=to,
        format=wanted.format.value,
        internal=wanted.internal,
    )
    await desk.receive(sent)


def _name(target: Path | None) -> str:
    return "the terminal" if target is None else f"the file {target.name}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"--output: {folder} cannot be made: {error.strerror}.") from error


def _write(target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--output: {target} cannot be written: {error.strerror}.") from error
