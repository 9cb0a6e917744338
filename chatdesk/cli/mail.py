"""`chatdesk doctor mail`: checking the settings of mail."""

from __future__ import annotations

import asyncio
import os
import secrets

import typer

from chatdesk.bootstrap import now
from chatdesk.cli.ending import ExitCode, errors_shown
from chatdesk.cli.findings import show_findings
from chatdesk.cli.setting import read_setting


def doctor_mail() -> None:
    """Check the mail servers, the folders, and that a mail to the desk's own address arrives."""
    with errors_shown():
        good = asyncio.run(_doctor())
    if not good:
        raise typer.Exit(ExitCode.FAILURE)


async def _doctor() -> bool:
    # The mail libraries are needed by this command only.
    from adapters.email.doctor import examine

    setting = read_setting(os.environ)
    found = examine(setting.config, setting.environment.mail, now(), secrets.token_hex(16))
    return await show_findings(found)
