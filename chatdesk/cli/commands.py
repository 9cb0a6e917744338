"""The command line as a whole: every command by its name."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from chatdesk.bootstrap import now
from chatdesk.cli.agents import agents
from chatdesk.cli.backups import backup, restore
from chatdesk.cli.check import check as check_desk
from chatdesk.cli.doctor import doctor
from chatdesk.cli.ending import errors_shown
from chatdesk.cli.explaining import explain_ticket
from chatdesk.cli.icon import icon
from chatdesk.cli.identity import identity_token
from chatdesk.cli.moving import move
from chatdesk.cli.offline import Offline, run
from chatdesk.cli.reporting import report
from chatdesk.cli.searching import show_found
from chatdesk.cli.serving import run_server
from chatdesk.cli.slack import slack
from chatdesk.cli.teams import teams
from chatdesk.cli.tickets import tickets
from chatdesk.cli.transcripts import transcript
from chatdesk.logs import configure_logging

application = typer.Typer(
    name="chatdesk",
    help="A chat-first service desk. Settings come from chatdesk.toml and CHATDESK_* variables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
application.add_typer(agents, name="agent")
tickets.command("search")(show_found)
application.add_typer(tickets, name="tickets")
application.add_typer(slack, name="slack")
application.add_typer(teams, name="teams")
application.add_typer(doctor, name="doctor")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chatdesk {version('chatdesk')}")
        raise typer.Exit


@application.callback()
def every_command(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Prepare what every command needs: only what goes wrong is logged."""
    configure_logging("WARNING")


@application.command()
def serve() -> None:
    """Start the desk that CHATDESK_CONFIG describes; needs CHATDESK_SECRET as well."""
    raise typer.Exit(run_server("serve"))


@application.command()
def demo() -> None:
    """Start a demonstration desk on this machine: nothing to set up, mail is kept and never sent."""
    raise typer.Exit(run_server("demo"))


@application.command()
def check() -> None:
    """Print the desk as its file is understood; every problem of the file on a line of its own."""
    with errors_shown():
        check_desk(now())


@application.command()
def migrate() -> None:
    """Bring the database up to date, or make it; the server does the same when it starts."""
    with errors_shown():
        with Console(stderr=True).status("Bringing the database up to date"):
            run(_do_nothing, create=True)
        typer.echo("The database is up to date.")


application.command()(transcript)
application.command("explain")(explain_ticket)
application.command()(report)
application.command()(move)
application.command()(backup)
application.command()(restore)
application.command()(icon)
application.command("identity-token")(identity_token)


async def _do_nothing(offline: Offline) -> None:
    """Opening a database brings it up to date."""
