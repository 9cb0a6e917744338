"""The demonstration desk's own: its technicians and the links to begin with."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import timedelta

from chatdesk.bootstrap import RunningDesk, now
from chatdesk.errors import EventRefused
from chatdesk.staff import AgentAccount, Staff

TECHNICIANS = (("Marcus Bell", "marcus@northwind.example"), ("Priya Nair", "priya@northwind.example"))
LINK_LENGTH = timedelta(hours=12)
_BOLD, _CYAN = 1, 36


async def technicians(staff: Staff) -> list[AgentAccount]:
    """Return the demonstration's technicians; those that are missing get an account."""
    known = await _by_email(staff)
    missing = [technician for technician in TECHNICIANS if technician[1] not in known]
    for name, email in missing:
        # Another node of the demonstration may start at the same time, and be faster.
        with suppress(EventRefused):
            await staff.add(name, email, None, now())
    if missing:
        known = await _by_email(staff)
    return [known[email] for _, email in TECHNICIANS]


async def _by_email(staff: Staff) -> dict[str, AgentAccount]:
    return {account.email: account for account in await staff.accounts()}


async def sign_in_address(staff: Staff, account: AgentAccount, base: str) -> str:
    """Return a fresh address that signs the technician in once."""
    at = now()
    return f"{base}/console/sign-in/{await staff.sign_in_link(account, at, at + LINK_LENGTH)}"


async def show_links(desk: RunningDesk, base: str) -> None:
    """Print where the demonstration is: the customer's page, the technicians' console and the mail."""
    first, second = await technicians(desk.staff)
    rows = (
        ("Customer", "a client's website with the chat on it", f"{base}/demo"),
        (
            "Technician",
            f"the console, signed in as {first.name}",
            await sign_in_address(desk.staff, first, base),
        ),
        ("", f"for hand-overs, as {second.name}", await sign_in_address(desk.staff, second, base)),
        ("Mail", "what customers are sent; it stays here", f"{base}/demo/mail"),
    )
    lines = [f"\n{_marked(desk.config.desk.name, _BOLD)}, a demonstration desk, is open.\n"]
    for who, what, link in rows:
        lines += [f"  {_marked(f'{who:<11}', _BOLD)}{what}", f"             {_marked(link, _CYAN)}"]
    lines.append("\nEach sign-in link works once. Ctrl+C stops the desk; its tickets are kept.\n")
    print("\n".join(lines))  # noqa: T201 - a command's output; a library for it takes longer than the desk has


def _marked(text: str, style: int) -> str:
    """Return the text in a terminal's style, plain where it is read by a program [ECMA-48]."""
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        return f"\x1b[{style}m{text}\x1b[0m"
    return text
