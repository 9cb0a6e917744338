"""Notices sockets whose other side is gone without a word: one round for all of them.

aiohttp's own heartbeat sets a timer anew for each message that comes, a tenth of a busy desk's time
[docs/performance.md]. Sockets that take part are opened with ``autoping=False``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import cast

from aiohttp import WSMessage, WSMsgType, web

ROUND = 30.0
"""Seconds between two looks at a socket; one that was asked and silent from one to the next is gone."""
AT_ONCE = 100
"""Sockets asked before everything else gets its turn."""


class Heartbeat:
    """The sockets that are looked after; ``run`` has to be running."""

    def __init__(self) -> None:
        self._asked: dict[web.WebSocketResponse, bool] = {}
        self._transports: dict[web.WebSocketResponse, asyncio.WriteTransport | None] = {}
        self._pings: set[asyncio.Task[None]] = set()

    def add(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        """Look after an open socket."""
        # uvloop's transports are transports in all but name.
        self._transports[socket] = cast("asyncio.WriteTransport | None", request.transport)
        self._asked[socket] = False

    def remove(self, socket: web.WebSocketResponse) -> None:
        """Look after it no more."""
        self._asked.pop(socket, None)
        self._transports.pop(socket, None)

    def heard(self, socket: web.WebSocketResponse) -> None:
        """Note that something came from the other side."""
        self._asked[socket] = False

    async def run(self) -> None:
        """Ask those who were silent for a round whether they are there, and cut off those who stay silent."""
        while True:
            sockets = list(self._asked)
            rounds = range(0, len(sockets), AT_ONCE) or range(1)
            for start in rounds:
                for socket in sockets[start : start + AT_ONCE]:
                    self._look(socket)
                await asyncio.sleep(ROUND / len(rounds))

    def _look(self, socket: web.WebSocketResponse) -> None:
        asked = self._asked.get(socket)
        if asked is None:
            return
        if asked:
            transport = self._transports[socket]
            if transport is not None:
                transport.abort()
            return
        self._asked[socket] = True
        # A reader that takes nothing holds up its own ping only.
        task = asyncio.ensure_future(_ping(socket))
        self._pings.add(task)
        task.add_done_callback(self._pings.discard)


async def _ping(socket: web.WebSocketResponse) -> None:
    with suppress(ConnectionError):
        await socket.ping()


async def answered(socket: web.WebSocketResponse, message: WSMessage) -> bool:
    """Tell whether the message is a sign of life only; a question for one is answered."""
    if message.type is WSMsgType.PING:
        with suppress(ConnectionError):
            await socket.pong(message.data)
    return message.type in (WSMsgType.PING, WSMsgType.PONG)


HEARTBEAT = web.AppKey("heartbeat", Heartbeat)


async def beating(application: web.Application) -> AsyncIterator[None]:
    """Run the heartbeat while the application runs."""
    task = asyncio.create_task(application[HEARTBEAT].run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
