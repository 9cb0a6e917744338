"""What the process environment tells chatdesk: where things are, and its secret."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, ClassVar

from msgspec import field
from msgspec.structs import replace

from chatdesk.errors import ConfigurationError
from chatdesk.guarded import Guarded
from chatdesk.settings.identity import IdentitySecrets, read_identity
from chatdesk.settings.mail_servers import MailServers, read_mail_servers
from chatdesk.settings.portal_access import PortalAccess, read_portal
from chatdesk.settings.slack import SlackSecrets, read_slack
from chatdesk.settings.teams_access import TeamsAccess, read_teams_access
from chatdesk.settings.values import suggest

DATABASES = ("sqlite://", "postgres://", "postgresql://", "asyncpg://")
"""How a database's address may start."""

SHORTEST_SECRET = 32
"""Characters that CHATDESK_SECRET must have at least."""


class _Given(dict[str, str]):
    """The variables that are set, and which of them were asked for: what nothing reads may be mistyped."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__({name: value.strip() for name, value in environ.items() if value.strip()})
        self._asked: set[str] = set()

    def get(self, name: str, default: object = None) -> Any:
        self._asked.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._asked.add(str(name))
        return super().__contains__(name)

    def unknown(self) -> tuple[str, ...]:
        """Return the names of this program's that nothing asked for, each with the one that may be meant."""
        own = {name for name in self if name.startswith("CHATDESK_")}
        return tuple(f"{name}.{suggest(name, self._asked)}" for name in sorted(own - self._asked))


class Environment(Guarded, frozen=True):
    """The CHATDESK_* variables, validated.

    ``config`` is None for the demonstration desk, ``secret`` "" when not set. ``trusted_proxies``
    are the networks whose X-Forwarded-* headers count, ``unknown`` CHATDESK_* variables that nothing reads.
    """

    hidden: ClassVar = frozenset({"database_url", "secret"})

    config: Path | None = None
    database_url: str = "sqlite://var/chatdesk.sqlite3"
    data: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8080
    secret: str = ""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    unknown: tuple[str, ...] = ()
    mail: MailServers = field(default_factory=MailServers)
    slack: SlackSecrets = field(default_factory=SlackSecrets)
    teams: TeamsAccess = field(default_factory=TeamsAccess)
    portal: PortalAccess = field(default_factory=PortalAccess)
    identities: IdentitySecrets = field(default_factory=IdentitySecrets)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Environment:
        """Read the variables from ``environ``; an empty one counts as not set.

        Raises ConfigurationError naming every variable that cannot be used.
        """
        given = _Given(environ)
        problems: list[str] = []
        data = Path(given.get("CHATDESK_DATA", "var"))
        environment = cls(
            config=Path(config) if (config := given.get("CHATDESK_CONFIG")) else None,
            database_url=_database(given.get("CHATDESK_DATABASE_URL", ""), data, problems),
            data=data,
            host=given.get("CHATDESK_HOST", "127.0.0.1"),
            port=_port(given.get("CHATDESK_PORT", "8080"), problems),
            secret=_secret(given.get("CHATDESK_SECRET", ""), problems),
            trusted_proxies=_networks(given.get("CHATDESK_TRUSTED_PROXIES", ""), problems),
            mail=read_mail_servers(given, problems),
            slack=read_slack(given, problems),
            teams=read_teams_access(given, given.get("CHATDESK_HOST", "127.0.0.1"), problems),
            portal=read_portal(given, problems),
            identities=read_identity(given, problems),
        )
        if problems:
            raise ConfigurationError("\n".join(problems))
        return replace(environment, unknown=given.unknown())


def _database(url: str, data: Path, problems: list[str]) -> str:
    if url and not url.startswith(DATABASES):
        # The address may hold a password, so it is not repeated.
        problems.append(f"CHATDESK_DATABASE_URL: must start with {' or '.join(DATABASES)}.")
    return url or f"sqlite://{data / 'chatdesk.sqlite3'}"


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
            network = ip_network(part)
            if network.prefixlen == 0:
                problems.append(f"CHATDESK_TRUSTED_PROXIES: {part!r} is everybody; name your own proxies.")
            networks.append(network)
        except ValueError:
            problems.append(
                f"CHATDESK_TRUSTED_PROXIES: {part!r} is not an address or a network such as 10.0.0.0/8."
            )
    return tuple(networks)
