"""`chatdesk tickets search`: the texts of the whole record that have some words, best first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from chatdesk.cli.ending import errors_shown
from chatdesk.cli.offline import Offline, run
from chatdesk.cli.showing import Json, iso, output, print_json, say_at, table
from chatdesk.plain_text import clean_line
from chatdesk.search import Found


def show_found(
    words: Annotated[list[str], typer.Argument(help="Words; the last may be the beginning of one.")],
    limit: Annotated[int, typer.Option(min=1, max=200, help="Texts to show.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Search tickets, messages and notes, best first: of the newest 100 of each that have all the words."""
    with errors_shown():

        async def read(offline: Offline) -> tuple[Sequence[Found], Offline]:
            return await offline.search.find(" ".join(words), limit), offline

        found, offline = run(read)
        if json:
            print_json({"found": [_json(one, offline) for one in found]})
        else:
            _print(found, offline)


def _print(found: Sequence[Found], offline: Offline) -> None:
    shown = table("Ticket", "When", "Where", "Text")
    for one in found:
        number = offline.say(one.ticket) if one.ticket else ""
        shown.add_row(number, say_at(one.at, offline.config.desk.timezone), _where(one), _marked(one))
    output().print(shown if found else "Nothing has all of these words.")


def _where(one: Found) -> str:
    if one.seq is None:
        return "ticket"
    return "internal note" if one.internal else "message"


def _marked(one: Found) -> Text:
    """Return the piece that was found, its words in bold."""
    shown = Text()
    for at, part in enumerate(one.marked):
        before, after = " " * part[:1].isspace(), " " * part[-1:].isspace()
        shown.append(f"{before}{clean_line(part)}{after}", style="bold" if at % 2 else "")
    return shown


def _json(one: Found, offline: Offline) -> dict[str, Json]:
    return {
        "ticket": offline.say(one.ticket) if one.ticket else None,
        "at": iso(one.at),
        "where": _where(one),
        "text": one.text,
        "marked": one.marked,
    }
