"""What the environment tells of Microsoft Teams: the bot's registration, and Microsoft's addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from chatdesk.guarded import Guarded
from chatdesk.own_machine import is_loopback

MICROSOFT_HOSTS = frozenset(
    {
        "smba.trafficmanager.net",
        "smba.infra.gcc.teams.microsoft.com",
        "smba.infra.gov.teams.microsoft.us",
        "smba.infra.dod.teams.microsoft.us",
    }
)
"""Hosts of Microsoft's own Teams connectors: public cloud, and the three of the United States government."""


class TeamsAccess(Guarded, frozen=True):
    """The bot's registration at Microsoft, and the addresses of the services it works with.

    ``service_urls`` are connectors allowed besides Microsoft's own; the first one is where messages go before
    anybody has written to the bot. ``anonymous`` takes calls without a token, from this machine only.
    """

    hidden: ClassVar = frozenset({"password"})

    app_id: str = ""
    password: str = ""
    tenant: str = ""
    anonymous: bool = False
    login_url: str = "https://login.microsoftonline.com"
    issuer: str = "https://api.botframework.com"
    openid_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    service_urls: tuple[str, ...] = ()

    @property
    def first_service_url(self) -> str:
        """The connector for messages into conversations nobody has written from yet."""
        return self.service_urls[0] if self.service_urls else "https://smba.trafficmanager.net/teams/"

    def missing(self) -> list[str]:
        """Return what has to be set before Teams can be used, a sentence each."""
        needed = {"TEAMS_TENANT_ID": (self.tenant, "the directory (tenant) id of your own organisation")}
        if not self.anonymous:
            needed |= {
                "TEAMS_APP_ID": (self.app_id, "the application (client) id of the bot's registration"),
                "TEAMS_APP_PASSWORD": (self.password, "a client secret of the bot's registration"),
            }
        return [
            f"{name}: is not set; [staff.teams] needs it: {what}."
            for name, (value, what) in needed.items()
            if not value
        ]

    def allows(self, service_url: str) -> bool:
        """Tell whether the bot may be called from, and send to, this connector [threat 41]."""
        try:
            parts = urlsplit(service_url)
            port = parts.port
        except ValueError:
            return False
        if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
            return False
        if any(_same_place(service_url, allowed) for allowed in self.service_urls):
            return True
        if self.anonymous:
            return parts.scheme == "http" and is_loopback(parts.hostname)
        return parts.scheme == "https" and port in (None, 443) and parts.hostname in MICROSOFT_HOSTS


def read_teams_access(given: Mapping[str, str], host: str, problems: list[str]) -> TeamsAccess:
    """Read the variables, adding what cannot be used to ``problems``; the desk listens on ``host``."""
    usual = TeamsAccess()
    switch = given.get("CHATDESK_TEAMS_ANONYMOUS", "")
    if switch not in ("", "loopback"):
        problems.append(f'CHATDESK_TEAMS_ANONYMOUS: {switch!r} is not "loopback"; leave it out otherwise.')
    if switch and not is_loopback(host):
        problems.append(f"CHATDESK_TEAMS_ANONYMOUS: lets everybody in; not while the desk listens on {host}.")
    return TeamsAccess(
        app_id=given.get("TEAMS_APP_ID", ""),
        password=given.get("TEAMS_APP_PASSWORD", ""),
        tenant=given.get("TEAMS_TENANT_ID", ""),
        anonymous=switch == "loopback" and is_loopback(host),
        login_url=_address(given, "CHATDESK_TEAMS_LOGIN_URL", usual.login_url, problems),
        issuer=given.get("CHATDESK_TEAMS_ISSUER", usual.issuer),
        openid_url=_address(given, "CHATDESK_TEAMS_OPENID_URL", usual.openid_url, problems),
        service_urls=tuple(
            _checked(url, "CHATDESK_TEAMS_SERVICE_URLS", problems)
            for url in given.get("CHATDESK_TEAMS_SERVICE_URLS", "").replace(",", " ").split()
        ),
    )


def _address(given: Mapping[str, str], name: str, usual: str, problems: list[str]) -> str:
    return _checked(given[name], name, problems).rstrip("/") if name in given else usual


def _checked(url: str, name: str, problems: list[str]) -> str:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and not parts.username and not parts.query and parts.port != 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or not (parts.scheme == "https" or is_loopback(parts.hostname or "")):
        problems.append(f"{name}: {url!r} cannot be used; give an https address (http only on 127.0.0.1).")
    return url


def _same_place(url: str, allowed: str) -> bool:
    return url.rstrip("/") == allowed.rstrip("/") or url.startswith(allowed.rstrip("/") + "/")
