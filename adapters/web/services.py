"""What the web pages work with, handed over by whoever builds the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import IPv4Network, IPv6Network
from typing import ClassVar, Protocol

from aiohttp import web
from msgspec import field

from adapters.web.limits import Gate
from chatdesk.config import Config
from chatdesk.desk import Desk
from chatdesk.files import FileLimits, Files
from chatdesk.guarded import Guarded
from chatdesk.hub import Hub
from chatdesk.mailbox import Mailbox
from chatdesk.metrics import Figures, no_figures
from chatdesk.ports import Clock, NewId
from chatdesk.reading import StaffReads, VisitorReads
from chatdesk.settings.identity import NO_IDENTITIES, IdentitySecrets
from chatdesk.shared_facts import SharedFacts
from chatdesk.staff import Staff


class Closable(Protocol):
    """Something live that can be closed with a WebSocket close code and a reason."""

    def close(self, code: int, reason: bytes) -> None: ...


class Sockets:
    """Open live connections by the session or visitor they belong to, so that access can end at once."""

    def __init__(self) -> None:
        self._open: dict[str, set[Closable]] = {}
        self._listeners: list[Callable[[str], None]] = []

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with an owner whose first connection opened or whose last one closed."""
        self._listeners.append(listener)

    def add(self, owner: str, socket: Closable) -> None:
        known = owner in self._open
        self._open.setdefault(owner, set()).add(socket)
        if not known:
            self._changed(owner)

    def remove(self, owner: str, socket: Closable) -> None:
        sockets = self._open.get(owner)
        if sockets is not None:
            sockets.discard(socket)
            if not sockets:
                del self._open[owner]
                self._changed(owner)

    def count(self, owner: str) -> int:
        return len(self._open.get(owner, ()))

    def total(self) -> int:
        """Return how many connections are open."""
        return sum(map(len, self._open.values()))

    def close(self, owner: str, code: int, reason: bytes) -> None:
        for socket in tuple(self._open.get(owner, ())):
            socket.close(code, reason)

    def close_all(self, code: int, reason: bytes) -> None:
        for owner in tuple(self._open):
            self.close(owner, code, reason)

    def _changed(self, owner: str) -> None:
        for listener in self._listeners:
            listener(owner)


async def no_problems() -> list[str]:
    """Report that all is well."""
    return []


def nothing_to_wake() -> None:
    """Do nothing: there is no relay."""


class Services(Guarded, frozen=True):
    """The desk's parts as the web adapter uses them.

    ``demo`` shows the demonstration pages; ``problems`` says, a sentence each, why the desk does not work;
    ``secret`` is the desk's own, for signatures, ``identities`` have those of companies' sites;
    ``trusted_proxies`` may say whom they pass on.
    """

    hidden: ClassVar = frozenset({"secret"})

    config: Config
    desk: Desk
    hub: Hub
    visitor_reads: VisitorReads
    staff_reads: StaffReads
    staff: Staff
    files: Files
    mailbox: Mailbox
    clock: Clock
    new_id: NewId
    demo: bool = False
    file_limits: FileLimits = field(default_factory=FileLimits)
    gate: Gate = field(default_factory=Gate)
    problems: Callable[[], Awaitable[list[str]]] = no_problems
    figures: Callable[[], Awaitable[Figures]] = no_figures
    secret: str = ""
    identities: IdentitySecrets = NO_IDENTITIES
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    sockets: Sockets = field(default_factory=Sockets)
    facts: SharedFacts = field(default_factory=SharedFacts)
    wake_relay: Callable[[], None] = nothing_to_wake


SERVICES = web.AppKey("services", Services)
