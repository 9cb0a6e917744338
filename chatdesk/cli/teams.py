"""`chatdesk teams manifest` and `chatdesk doctor teams`: setting up Microsoft Teams."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from chatdesk.bootstrap import now
from chatdesk.cli.ending import ExitCode, errors_shown
from chatdesk.cli.findings import show_findings
from chatdesk.cli.offline import Offline, run
from chatdesk.cli.setting import read_setting
from chatdesk.errors import ConfigurationError
from storage.adapter_notes import TortoiseAdapterNotes

teams = typer.Typer(help="Set up Microsoft Teams.", no_args_is_help=True)


@teams.command()
def manifest(
    to: Annotated[Path, typer.Option(help="The file to write.")] = Path("chatdesk-teams.zip"),
) -> None:
    """Write the app package to upload to Teams: manifest, icons, permissions, commands."""
    # Microsoft's libraries are slow to import, and other commands do not need them.
    from adapters.teams.manifest import app_package

    with errors_shown():
        setting = read_setting(os.environ)
        access = setting.environment.teams
        problems = [] if access.app_id else ["TEAMS_APP_ID: is not set; the package names the bot by it."]
        if not setting.config.desk.public_url.startswith("https://"):
            problems.append(
                "desk.public_url: is not an https address; Teams shows it and calls the desk there."
            )
        if problems:
            raise ConfigurationError("\n".join(problems))
        to.write_bytes(app_package(setting.config, access))
        typer.echo(f"{to} is written. Upload it in Teams: Apps, Manage your apps, Upload an app.")


def doctor_teams() -> None:
    """Check the bot's registration, Microsoft's keys and the channel; writes there and takes it back."""
    with errors_shown():
        good = run(_doctor, create=True)
    if not good:
        raise typer.Exit(ExitCode.FAILURE)


async def _doctor(offline: Offline) -> bool:
    from adapters.teams.doctor import examine
    from adapters.teams.memory import Memory

    setting = read_setting(os.environ)
    memory = Memory(TortoiseAdapterNotes(offline.database), now)
    return await show_findings(examine(setting.config, setting.environment.teams, memory))
