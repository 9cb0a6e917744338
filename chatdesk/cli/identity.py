"""`chatdesk identity-token`: a token as a company's own site makes it, to try the chat with [threat 2]."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated

import typer

from adapters.web.identity_token import IdentityRefused, check_identity, make_identity
from chatdesk.bootstrap import now
from chatdesk.cli.ending import errors_shown
from chatdesk.cli.setting import Setting, read_setting
from chatdesk.config import WidgetSettings
from chatdesk.errors import ConfigurationError
from chatdesk.site_identity import VouchedPerson

LONGEST_MINUTES = 24 * 60


def identity_token(
    key: Annotated[str, typer.Option("--widget", help="The key of the company's widget.")],
    email: Annotated[str, typer.Option("--email", help="The visitor's address.")],
    name: Annotated[str, typer.Option("--name", help="The visitor's name.")],
    phone: Annotated[str, typer.Option("--phone", help="A call-back number.")] = "",
    minutes: Annotated[
        int, typer.Option("--minutes", min=1, max=LONGEST_MINUTES, help="How long it is good.")
    ] = 60,
) -> None:
    """Print a token by which a company's own site tells the chat who its visitor is."""
    with errors_shown():
        setting = read_setting(os.environ)
        secrets, at = _secrets(setting, key), now()
        person = VouchedPerson(email, name, phone)
        token = make_identity(person, secrets[0], key, at, timedelta(minutes=minutes))
        try:
            check_identity(token, secrets, key, at)
        except IdentityRefused as refused:
            raise ConfigurationError(f"The desk would not take this token: {refused}.") from None
        typer.echo(token)


def _secrets(setting: Setting, key: str) -> tuple[str, ...]:
    """Return the secrets of the widget's company. Raises ConfigurationError where it has none."""
    found: dict[str, WidgetSettings] = {widget.key: widget for widget in setting.config.widgets}
    widget = found.get(key)
    secrets = setting.environment.identities.of(widget.company if widget else None)
    if not secrets:
        known = [one.key for one in found.values() if setting.environment.identities.of(one.company)]
        listed = ", ".join(known) or "there is none; see identity in docs/identity.md"
        raise ConfigurationError(f"--widget: {key!r} takes no identities; write one of: {listed}.")
    return secrets
