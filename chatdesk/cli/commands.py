"""The command line as a whole: every command by its name."""

from __future__ import annotations

import asyncio
import os

import typer

from chatdesk.bootstrap import RunningDesk
from chatdesk.cli.demonstration import show_links
from chatdesk.cli.ending import ExitCode, errors_shown
from chatdesk.cli.server import OnStart, loop_factory
from chatdesk.cli.server import serve as serve_desk
from chatdesk.cli.setting import Setting, demo_setting, serve_setting

application = typer.Typer(
    name="chatdesk",
    help="A chat-first service desk. Settings come from chatdesk.toml and CHATDESK_* variables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@application.command()
def serve() -> None:
    """Start the desk that CHATDESK_CONFIG describes; needs CHATDESK_SECRET as well."""
    with errors_shown():
        _run(serve_setting(os.environ), _say_nothing, demo=False)


@application.command()
def demo() -> None:
    """Start a demonstration desk on this machine: nothing to set up, mail is kept and never sent."""
    with errors_shown():
        _run(demo_setting(os.environ), show_links, demo=True)


async def _say_nothing(desk: RunningDesk, base: str) -> None:
    """A real desk says in its log that it has started."""


def _run(setting: Setting, on_start: OnStart, *, demo: bool) -> None:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        clean = runner.run(serve_desk(setting, on_start, demo=demo))
    if not clean:
        raise typer.Exit(ExitCode.FAILURE)
