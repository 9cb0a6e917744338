"""What the environment tells of the customer portal: the services whose sign-in opens it [R32]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from msgspec import Struct

from chatdesk.guarded import Guarded
from chatdesk.own_machine import is_loopback

ISSUERS = {
    "microsoft": "https://login.microsoftonline.com/common/v2.0",
    "google": "https://accounts.google.com",
}
"""Where each service's OpenID metadata is found; "common" stands for every Microsoft tenant."""
LABELS = {"microsoft": "Microsoft", "google": "Google"}


class SignInService(Guarded, frozen=True):
    """One service to sign in with, and the desk's registration there.

    ``issuer`` is where its metadata is found (OpenID Connect Discovery 1.0, 4).
    """

    hidden: ClassVar = frozenset({"client_secret"})

    name: str
    client_id: str
    client_secret: str
    issuer: str

    @property
    def label(self) -> str:
        """The service as people know it."""
        return LABELS[self.name]


class PortalAccess(Struct, frozen=True):
    """The services that are set up, in the order in which they are offered."""

    services: tuple[SignInService, ...] = ()

    def service(self, name: str) -> SignInService | None:
        """Return the service of that name, or None."""
        return next((one for one in self.services if one.name == name), None)


NO_PORTAL = PortalAccess()
"""For a desk without a customer portal."""


def read_portal(given: Mapping[str, str], problems: list[str]) -> PortalAccess:
    """Read the CHATDESK_PORTAL_* variables, and note what cannot be used or is missing."""
    found = [_service(given, name, usual, problems) for name, usual in ISSUERS.items()]
    return PortalAccess(tuple(service for service in found if service is not None))


def _service(given: Mapping[str, str], name: str, usual: str, problems: list[str]) -> SignInService | None:
    prefix = f"CHATDESK_PORTAL_{name.upper()}"
    needed = {f"{prefix}_CLIENT_ID": "", f"{prefix}_CLIENT_SECRET": ""}
    needed = {variable: given.get(variable, "") for variable in needed}
    issuer = given.get(f"{prefix}_ISSUER", usual)
    if issuer != usual and not _is_own(issuer):
        problems.append(f"{prefix}_ISSUER: {issuer!r} cannot be used; only http://127.0.0.1 is, for tests.")
    if not any(needed.values()):
        return None
    for variable, value in needed.items():
        if not value:
            problems.append(f"{variable}: is not set; signing in with {LABELS[name]} needs it.")
    identity, secret = needed.values()
    return SignInService(name, identity, secret, issuer.rstrip("/"))


def _is_own(address: str) -> bool:
    """Tell whether it is a service on this machine, which is trusted without encryption."""
    try:
        parts = urlsplit(address)
        return parts.scheme == "http" and is_loopback(parts.hostname or "") and parts.port != 0
    except ValueError:
        return False
