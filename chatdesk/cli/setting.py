"""What every command begins with: the environment, the desk's file and the data folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from chatdesk.config import Config, Environment, load_config
from chatdesk.errors import ConfigurationError
from chatdesk.own_machine import is_loopback

KEPT_SECRET = "secret"  # noqa: S105 - the name of a file


class Setting(Struct, frozen=True):
    """The environment, the desk's configuration and its secret ("" for commands that need none)."""

    environment: Environment
    config: Config
    secret: str = ""


def read_setting(environ: Mapping[str, str]) -> Setting:
    """Read the environment and the desk's file; without CHATDESK_CONFIG it is the demonstration desk.

    Raises ConfigurationError.
    """
    environment = Environment.read(environ)
    return Setting(environment, load_config(environment.config), environment.secret)


def serve_setting(environ: Mapping[str, str]) -> Setting:
    """Read what a real desk needs. Raises ConfigurationError naming everything that is missing."""
    environment = Environment.read(environ)
    problems: list[str] = []
    if environment.config is None:
        problems.append("CHATDESK_CONFIG: is not set; name the desk's file, such as chatdesk.toml.")
    if not environment.secret:
        problems.append("CHATDESK_SECRET: is not set; give 32 or more random characters.")
    if problems:
        raise ConfigurationError("\n".join(problems))
    config = _ready(environment)
    return Setting(environment, config, environment.secret)


def demo_setting(environ: Mapping[str, str]) -> Setting:
    """Read what the demonstration needs: nothing has to be set, and it is for this machine only.

    Raises ConfigurationError.
    """
    environment = Environment.read(environ)
    if not is_loopback(environment.host):
        raise ConfigurationError(
            f"CHATDESK_HOST: the demonstration lets everybody in and listens on this machine only, "
            f"not on {environment.host}; use 127.0.0.1, or `chatdesk serve` for a real desk."
        )
    config = _ready(environment)
    return Setting(environment, config, environment.secret or kept_secret(environment.data))


def _ready(environment: Environment) -> Config:
    """Read the desk's file, look whether the secrets that it wants are there, and make the data folder."""
    config = load_config(environment.config)
    if config.staff.slack is not None:
        environment.slack.check()
    environment.identities.check(config)
    prepare_data(environment.data)
    return config


def prepare_data(folder: Path) -> None:
    """Make the data folder, for its owner only. Raises ConfigurationError when it cannot be used."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"CHATDESK_DATA: {folder} cannot be made: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError(f"CHATDESK_DATA: {folder} cannot be written to.")


def kept_secret(folder: Path) -> str:
    """Return the secret kept in the data folder, made at the first start."""
    file = folder / KEPT_SECRET
    if not file.exists():
        fresh = folder / f"{KEPT_SECRET}.{secrets.token_hex(8)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(secrets.token_urlsafe(48))
        # Linked, not renamed: of two starts at once the first one's secret stays, and it is whole.
        with suppress(FileExistsError):
            file.hardlink_to(fresh)
        fresh.unlink()
    return file.read_text(encoding="ascii").strip()
