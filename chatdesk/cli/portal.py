"""`chatdesk doctor portal`: whether customers can sign in to the portal."""

from __future__ import annotations

import asyncio
import os

import typer

from chatdesk.cli.ending import ExitCode, errors_shown
from chatdesk.cli.findings import show_findings
from chatdesk.cli.setting import read_setting


def doctor_portal() -> None:
    """Check the portal's address and the services to sign in with: reachable, encrypted, who they say."""
    with errors_shown():
        good = asyncio.run(_doctor())
    if not good:
        raise typer.Exit(ExitCode.FAILURE)


async def _doctor() -> bool:
    # What reads tokens is slow to import, and other commands do not need it.
    import aiohttp

    from adapters.web.openid_doctor import examine
    from chatdesk import certificates
    from chatdesk.portal_parts import TIMEOUT

    setting = read_setting(os.environ)
    certificates.read()
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        return await show_findings(examine(setting.config, setting.environment.portal, session))
