"""`chatdesk doctor mail`: checking the settings of mail."""

from __future__ import annotations

import asyncio
import os
import secrets

import typer

from chatdesk.bootstrap import now
from chatdesk.cli.ending import ExitCode, errors_shown
from chatdesk.cli.setting import read_setting
from chatdesk.cli.showing import output, plain


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
    console, all_good = output(), True
    key = secrets.token_hex(16)
    async for finding in examine(setting.config, setting.environment.mail, now(), key):
        all_good = all_good and finding.good
        words = f"{finding.text} {finding.fix}".strip()
        console.print(plain(f"{'good' if finding.good else 'BAD '}  {words}"), soft_wrap=True)
    return all_good
