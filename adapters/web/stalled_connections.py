"""Closes connections whose other side begins something and does not go on: a request's header, or its body.

aiohttp ends neither: whoever opens connections and says nothing would keep the desk's sockets for an hour
[threat 7]. It keeps no public account of where a connection stands, so that three of its private attributes
are read, in the version that is locked by its hash; tests/test_stalled_connections.py says what has to hold
of them when that changes.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

PATIENCE = 30.0
"""Seconds for the first request's whole header, and between two pieces of a body."""
LOOKS = 6
"""How often a connection is looked at in that time."""


class StalledConnections:
    """Looks after one server's connections. Those that ask again, streams and sockets are left alone."""

    def __init__(self, server: web.Server, patience: float = PATIENCE) -> None:
        self._server = server
        self._patience = patience
        self._waiting: dict[RequestHandler, tuple[int, float]] = {}
        """How many bytes of the body had come (-1: not even a header), and since when no more did."""

    async def run(self) -> None:
        """Look every few seconds until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            self.close_stalled(clock())
            await asyncio.sleep(self._patience / LOOKS)

    def close_stalled(self, now: float) -> None:
        """Close what has not gone on for too long; ``now`` is in seconds of any steady clock."""
        waiting: dict[RequestHandler, tuple[int, float]] = {}
        for connection in self._server.connections:
            come = _come(connection)
            if come is None:
                continue
            before, since = self._waiting.get(connection, (come, now))
            if before != come:
                since = now
            if now - since >= self._patience:
                connection.force_close()
            else:
                waiting[connection] = come, since
        self._waiting = waiting


def _come(connection: RequestHandler) -> int | None:
    """Return how much has come of what is awaited from the other side; None when nothing is."""
    if connection._request_count == 0:
        return -1
    request = connection._current_request
    # What the desk itself does not take at the moment is not the other side's delay.
    if request is None or request.content.is_eof() or connection._reading_paused:
        return None
    return request.content.total_raw_bytes
