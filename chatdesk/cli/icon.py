"""`chatdesk icon`: the icon that opens the desk for one managed computer [R6]."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from chatdesk.channels import DESKTOP
from chatdesk.cli.ending import errors_shown
from chatdesk.cli.setting import read_setting
from chatdesk.computer import RULE, is_computer_name
from chatdesk.config import Config, WidgetSettings
from chatdesk.desktop_icon import System, icon_address, icon_file
from chatdesk.errors import ConfigurationError
from chatdesk.settings.clients import OWN_WIDGET


def icon(
    computer: Annotated[str, typer.Option("--computer", help="The computer's name, such as PC-042.")],
    system: Annotated[System, typer.Option("--for", help="The computer's system.")],
    key: Annotated[str, typer.Option("--widget", help="The key of the widget that is opened.")] = OWN_WIDGET,
    folder: Annotated[Path, typer.Option("--out", help="The folder to write the file to.")] = Path(),
) -> None:
    """Write the icon that opens the desk for one managed computer."""
    with errors_shown():
        config = read_setting(os.environ).config
        widget = _widget(config, key, computer)
        address = icon_address(config.desk.public_url, key, computer)
        name, content = icon_file(system, widget.name, key, address)
        _write(folder / name, content)
        typer.echo(f"{folder / name} is written. It opens {address}")


def _widget(config: Config, key: str, computer: str) -> WidgetSettings:
    """Return the widget that the icon opens. Raises ConfigurationError naming all that is in the way."""
    widget = config.widget(key)
    problems: list[str] = []
    if DESKTOP not in config.channels:
        problems.append("channels.desktop: is not offered; add desktop = {} to [channels].")
    if not config.desk.public_url:
        problems.append("desk.public_url: is not set; it is where the icon leads to.")
    if not is_computer_name(computer):
        problems.append(f"--computer: {computer!r} is no computer's name; write {RULE}.")
    if widget is None:
        known = ", ".join(one.key for one in config.widgets)
        problems.append(f"--widget: there is no widget {key!r}; write one of: {known}.")
    if widget is None or problems:
        raise ConfigurationError("\n".join(problems))
    return widget


def _write(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f"--out: {target} cannot be written: {error.strerror}.") from error
