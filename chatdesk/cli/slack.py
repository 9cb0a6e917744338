"""`chatdesk slack manifest` and `chatdesk doctor slack`: setting up Slack."""

from __future__ import annotations

import asyncio
import os
import secrets
from typing import Annotated

import typer

from chatdesk.bootstrap import now
from chatdesk.cli.ending import ExitCode, errors_shown
from chatdesk.cli.findings import show_findings
from chatdesk.cli.setting import read_setting
from chatdesk.errors import ConfigurationError

slack = typer.Typer(help="Set up Slack.", no_args_is_help=True)


@slack.callback()
def every_command() -> None:
    """Keep the command's name, also while there is only one."""


@slack.command()
def manifest(
    http: Annotated[
        bool, typer.Option("--http", help="Events by HTTP to desk.public_url instead of Socket Mode.")
    ] = False,
) -> None:
    """Print the app manifest of this desk: paste it at api.slack.com/apps, "From a manifest"."""
    # Slack's libraries are slow to import, and other commands do not need them.
    from adapters.slack.manifest import manifest as app_manifest

    with errors_shown():
        config = read_setting(os.environ).config
        if http and not config.desk.public_url.startswith("https://"):
            raise ConfigurationError(
                "desk.public_url: is not an https address, where Slack could send events; "
                "set it, or leave --http out for Socket Mode."
            )
        typer.echo(app_manifest(config, socket_mode=not http))


def doctor_slack() -> None:
    """Check the token, its scopes and the channels, and post a message that is taken away again."""
    with errors_shown():
        good = asyncio.run(_doctor())
    if not good:
        raise typer.Exit(ExitCode.FAILURE)


async def _doctor() -> bool:
    from adapters.slack.doctor import examine

    setting = read_setting(os.environ)
    return await show_findings(
        examine(setting.config, setting.environment.slack, now(), secrets.token_hex(16))
    )
