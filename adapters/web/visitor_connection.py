"""One page's live connection, whatever carries it: counted while it lasts, forgotten when it ends."""

from __future__ import annotations

from collections import Counter

from aiohttp import web

from adapters.web.allowance import Allowances
from adapters.web.frames import Hello
from adapters.web.limits import party
from adapters.web.live_socket import LiveSocket
from adapters.web.presence import VISITOR_FACT
from adapters.web.queue_places import PLACES
from adapters.web.services import SERVICES
from adapters.web.ticket_finding import FINDING
from adapters.web.visitor_identity import IDENTITIES
from adapters.web.visitor_session import VisitorSession, visitor_key
from chatdesk.config import WidgetSettings
from chatdesk.errors import EventRefused

MAX_PER_VISITOR = 20
"""Windows that one browser may have open."""
MAX_PER_ADDRESS = 500
"""Windows that one address may have open: a whole office behind one router. The machine's own are free."""


class Addresses:
    """How many connections each address has open."""

    def __init__(self, limit: int = MAX_PER_ADDRESS) -> None:
        self._limit = limit
        self._open: Counter[str] = Counter()

    def add(self, address: str) -> None:
        """Count one more. Raises EventRefused when it is one too many."""
        if self._open[address] >= self._limit:
            text = "Too many chats are open from your network. Close some of them."
            raise EventRefused(text, code="too_many")
        self._open[address] += 1

    def remove(self, address: str) -> None:
        """Count one less."""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]


ADDRESSES = web.AppKey("addresses", Addresses)
ALLOWANCES = web.AppKey("allowances", Allowances)
HELLO_COST = 5
"""How many frames a hello counts as: it is answered with all that the page missed."""


class VisitorConnection:
    """A page that has said hello.

    Raises EventRefused for one page too many (``too_many``), or one too soon (``slow_down``).
    """

    def __init__(self, request: web.Request, widget: WidgetSettings, hello: Hello, live: LiveSocket) -> None:
        services = request.app[SERVICES]
        self._sockets = services.sockets
        self._facts = services.facts
        self._places = request.app[PLACES]
        self._addresses = request.app[ADDRESSES]
        self._live = live
        self._key = visitor_key(hello.visitor)
        if self._sockets.count(self._key) >= MAX_PER_VISITOR:
            text = "This chat is open in too many windows. Close some of them."
            raise EventRefused(text, code="too_many")
        allowance = request.app[ALLOWANCES].of(self._key)
        if not allowance.take(HELLO_COST):
            raise EventRefused("Too many connections at once. Wait a moment.", code="slow_down")
        self._address = party(request.remote)
        if self._address is not None:
            self._addresses.add(self._address)
        self.session = VisitorSession(
            services,
            widget,
            self._key,
            live.send,
            self._places.refresh,
            live.break_off,
            request.remote,
            allowance,
            request.app[FINDING],
            request.app[IDENTITIES].of(widget, hello.identity, services.clock()),
        )
        self._sockets.add(self._key, live)
        self._facts.put(VISITOR_FACT + self._key, "1")
        self._places.add(self.session)

    def close(self) -> None:
        """End it; to be called once."""
        self._places.remove(self.session)
        self._sockets.remove(self._key, self._live)
        if not self._sockets.count(self._key):
            self._facts.put(VISITOR_FACT + self._key, None)
        if self._address is not None:
            self._addresses.remove(self._address)
        self.session.close()
