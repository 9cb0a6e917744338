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

from adapters.web.pushed_socket import PushedSocket

ROUND = 30.0
"""Seconds between two looks at a socket; one that was asked and silent from one to the next is gone."""
AT_ONCE = 100
"""Sockets asked before everything else gets its turn."""


class Pulse:
    """One socket that is looked after: whether it was asked for a sign of life and gave none since."""

    __slots__ = ("_transport", "asked", "socket")

    def __init__(self, socket: PushedSocket, transport: asyncio.WriteTransport | None) -> None:
        self.socket = socket
        self._transport = transport
        self.asked = False

    def heard(self) -> None:
        """Note that something came from the other side."""
        self.asked = False

    def cut_off(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()


class Heartbeat:
    """The sockets that are looked after; ``run`` has to be running."""

    def __init__(self) -> None:
        self._pulses: set[Pulse] = set()
        self._pings: set[asyncio.Task[None]] = set()

    def add(self, socket: PushedSocket, request: web.Request) -> Pulse:
        """Look after an open socket; whoever reads it tells the pulse what is heard."""
        # uvloop's transports are transports in all but name.
        pulse = Pulse(socket, cast("asyncio.WriteTransport | None", request.transport))
        self._pulses.add(pulse)
        return pulse

    def remove(self, pulse: Pulse) -> None:
        """Look after it no more."""
        self._pulses.discard(pulse)

    async def run(self) -> None:
        """Ask those who were silent for a round whether they are there, and cut off those who stay silent."""
        while True:
            pulses = list(self._pulses)
            rounds = range(0, len(pulses), AT_ONCE) or range(1)
            for start in rounds:
                for pulse in pulses[start : start + AT_ONCE]:
                    self._look(pulse)
                await asyncio.sleep(ROUND / len(rounds))

    def _look(self, pulse: Pulse) -> None:
        if pulse not in self._pulses:
            return
        if pulse.asked:
            pulse.cut_off()
            return
        pulse.asked = True
        # A reader that takes nothing holds up its own ping only.
        task = asyncio.ensure_future(_ping(pulse.socket))
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
