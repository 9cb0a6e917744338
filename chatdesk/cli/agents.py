"""`chatdesk agent`: the technicians' accounts."""

from __future__ import annotations

import os
import re
import sys
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from chatdesk.bootstrap import now
from chatdesk.cli.demonstration import LINK_LENGTH, sign_in_address
from chatdesk.cli.ending import errors_shown
from chatdesk.cli.offline import Offline, run
from chatdesk.cli.setting import read_setting
from chatdesk.cli.showing import iso, output, plain, print_json, say_at, table
from chatdesk.errors import ConfigurationError, NotFound
from chatdesk.plain_text import clean_line
from chatdesk.staff import AgentAccount

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200
_ADDRESS = re.compile(r"[^\s@<>,;:\"]{1,64}@[^\s@<>,;:\"]+\.[^\s@<>,;:\"]+")

agents = typer.Typer(help="Technicians' accounts.", no_args_is_help=True)


@agents.command()
def add(
    name: Annotated[str, typer.Option(help="The name customers see.")],
    email: Annotated[str, typer.Option(help="The address to sign in with.")],
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    link: Annotated[bool, typer.Option(help="Set no password; print a link that signs in once.")] = False,
) -> None:
    """Open an account; the password is asked for twice unless given another way."""
    with errors_shown():
        shown, address = checked_name(name), checked_address(email)
        password = None if link else _password(address, from_stdin=password_stdin)

        async def added(offline: Offline) -> str:
            account = await offline.staff.add(shown, address, password, now())
            return await sign_in_address(offline.staff, account, _base(offline)) if link else ""

        made = run(added, create=True)
        output().print(plain(f"{shown} may sign in with {address}."))
        if made:
            _print_link(made)


@agents.command("list")
def show(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the accounts."""
    with errors_shown():
        accounts, zone = run(_accounts)
        if json:
            print_json([_json(account) for account in accounts])
            return
        shown = table("Name", "E-mail", "Since", "Disabled")
        for account in accounts:
            since, until = say_at(account.created_at, zone), say_at(account.disabled_at, zone)
            shown.add_row(plain(account.name), plain(account.email), since, until)
        output().print(shown if accounts else "There are no accounts; open one with `chatdesk agent add`.")


@agents.command()
def disable(email: Annotated[str, typer.Argument(help="The account's address.")]) -> None:
    """Close an account: its sessions end at once, its tickets keep the name."""
    with errors_shown():

        async def disabled(offline: Offline) -> AgentAccount | None:
            return await offline.staff.disable(email, now())

        account = run(disabled)
        if account is None:
            raise NotFound(f"An account with {email}")
        output().print(plain(f"{account.name} can no longer sign in."))


@agents.command()
def link(email: Annotated[str, typer.Argument(help="The account's address.")]) -> None:
    """Print a link that signs a technician in once, within twelve hours."""
    with errors_shown():

        async def made(offline: Offline) -> str:
            accounts = {account.email: account for account in await offline.staff.accounts()}
            account = accounts.get(email.strip().casefold())
            if account is None or not account.is_open:
                raise NotFound(f"An open account with {email}")
            return await sign_in_address(offline.staff, account, _base(offline))

        _print_link(run(made))


def checked_name(text: str) -> str:
    """Return a name fit for an account. Raises ConfigurationError."""
    name = clean_line(text)
    if not 1 <= len(name) <= 100:
        raise ConfigurationError("--name: give a name of 1 to 100 characters.")
    return name


def checked_address(text: str) -> str:
    """Return an address fit for an account, in lower case. Raises ConfigurationError."""
    address = text.strip().casefold()
    if len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise ConfigurationError(f"--email: {clean_line(text)!r} is not an e-mail address.")
    return address


def checked_password(password: str, address: str) -> str:
    """Return a password that is not too easily guessed. Raises ConfigurationError."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ConfigurationError(
            f"The password has to have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        )
    if len(set(password)) < 5:
        raise ConfigurationError("The password has to have at least 5 different characters.")
    if address.partition("@")[0] in password.casefold():
        raise ConfigurationError("The password must not hold the name in the e-mail address.")
    return password


def _password(address: str, *, from_stdin: bool) -> str:
    if from_stdin:
        return checked_password(sys.stdin.readline().rstrip("\r\n"), address)
    return checked_password(typer.prompt("Password", hide_input=True, confirmation_prompt=True), address)


def _base(offline: Offline) -> str:
    environment = read_setting(os.environ).environment
    return offline.config.desk.public_url or f"http://{environment.host}:{environment.port}"


def _print_link(address: str) -> None:
    hours = round(LINK_LENGTH.total_seconds() / 3600)
    typer.echo(f"Signs in once, within {hours} hours:", err=True)
    typer.echo(address)


async def _accounts(offline: Offline) -> tuple[list[AgentAccount], ZoneInfo]:
    return list(await offline.staff.accounts()), offline.config.desk.timezone


def _json(account: AgentAccount) -> dict[str, str | None]:
    return {
        "id": account.id,
        "name": account.name,
        "email": account.email,
        "created_at": iso(account.created_at),
        "disabled_at": iso(account.disabled_at),
    }
