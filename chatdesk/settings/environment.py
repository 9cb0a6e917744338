"""What the process environment tells chatdesk: where things are, and its secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from chatdesk.errors import ConfigurationError

SHORTEST_SECRET = 32
"""Characters that CHATDESK_SECRET must have at least."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The CHATDESK_* variables, validated.

    ``config`` is None for the demonstration desk, ``secret`` "" when not set. ``trusted_proxies``
    are the networks whose X-Forwarded-* headers count.
    """

    config: Path | None = None
    database_url: str = "sqlite://var/chatdesk.sqlite3"
    data: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8080
    secret: str = field(default="", repr=False)
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Environment:
        """Read the variables from ``environ``; an empty one counts as not set.

        Raises ConfigurationError naming every variable that cannot be used.
        """
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        problems: list[str] = []
        data = Path(given.get("CHATDESK_DATA", "var"))
        environment = cls(
            config=Path(given["CHATDESK_CONFIG"]) if "CHATDESK_CONFIG" in given else None,
            database_url=given.get("CHATDESK_DATABASE_URL", f"sqlite://{data / 'chatdesk.sqlite3'}"),
            data=data,
            host=given.get("CHATDESK_HOST", "127.0.0.1"),
            port=_port(given.get("CHATDESK_PORT", "8080"), problems),
            secret=_secret(given.get("CHATDESK_SECRET", ""), problems),
            trusted_proxies=_networks(given.get("CHATDESK_TRUSTED_PROXIES", ""), problems),
        )
        if problems:
            raise ConfigurationError("\n".join(problems))
        return environment


def _port(text: str, problems: list[str]) -> int:
    if text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 65536:
        return int(text)
    problems.append(f"CHATDESK_PORT: {text!r} is not a port; give a number from 0 to 65535.")
    return 0


def _secret(text: str, problems: list[str]) -> str:
    if text and len(text) < SHORTEST_SECRET:
        problems.append(
            f"CHATDESK_SECRET: has {len(text)} characters; give {SHORTEST_SECRET} or more random characters."
        )
    return text


def _networks(text: str, problems: list[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    networks: list[IPv4Network | IPv6Network] = []
    for part in text.replace(",", " ").split():
        try:
            networks.append(ip_network(part))
        except ValueError:
            problems.append(
                f"CHATDESK_TRUSTED_PROXIES: {part!r} is not an address or a network such as 10.0.0.0/8."
            )
    return tuple(networks)
