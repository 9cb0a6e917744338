"""How a command ends: its exit codes, and errors as plain lines instead of stack traces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer
from rich.console import Console

from chatdesk.errors import ChatdeskError, ConfigurationError, NotFound


class ExitCode(IntEnum):
    """What a command's exit code says [docs/cli.md]."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3


def complain(text: str) -> None:
    """Print an error, a line at a time, to standard error."""
    console = Console(stderr=True, highlight=False)
    for line in text.splitlines() or [""]:
        console.print("[red]error:[/red]", end=" ")
        console.print(line, markup=False, soft_wrap=True)


@contextmanager
def errors_shown() -> Iterator[None]:
    """Turn chatdesk's own errors into lines on standard error and the exit code that fits."""
    try:
        yield
    except ChatdeskError as error:
        complain(str(error))
        raise typer.Exit(exit_code(error)) from None


def exit_code(error: ChatdeskError) -> ExitCode:
    """Return the exit code that fits an error."""
    match error:
        case ConfigurationError():
            return ExitCode.USAGE
        case NotFound():
            return ExitCode.NOT_FOUND
        case _:
            return ExitCode.FAILURE
