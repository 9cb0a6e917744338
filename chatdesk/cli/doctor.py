"""`chatdesk doctor`: checks of what the desk needs from outside, one command a service."""

from __future__ import annotations

import typer

from chatdesk.cli.mail import doctor_mail
from chatdesk.cli.portal import doctor_portal
from chatdesk.cli.slack import doctor_slack
from chatdesk.cli.teams import doctor_teams

doctor = typer.Typer(
    help="Check what the desk needs from outside, and say what to change.", no_args_is_help=True
)
doctor.command("mail")(doctor_mail)
doctor.command("portal")(doctor_portal)
doctor.command("slack")(doctor_slack)
doctor.command("teams")(doctor_teams)
