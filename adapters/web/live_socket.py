"""One client's outgoing side: frames joined and bounded; a slow reader is cut off and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from aiohttp import WSCloseCode

from adapters.web.flusher import Flusher

MAX_QUEUED, MAX_CHARACTERS = 2_000, 250_000
"""Frames, and characters, that a reader may lag behind before it is cut off.

It catches up by sequence number when it is back.
"""
AT_ONCE = 16 * 1024
"""Characters that a reader who has taken everything so far is sent without being waited for.

With four bytes each they do not fill the transport's buffer: writing would wait, and all others with it.
"""


class Carrier(Protocol):
    """What carries frames to the client: a WebSocket, or something that stands in for one."""

    def send_str(self, data: str, /) -> Coroutine[Any, Any, None]: ...

    async def close(self, *, code: int, message: bytes) -> bool: ...


class Unsent(Protocol):
    """Tells how many bytes wait for the reader, and drops them with the connection, as a transport does."""

    def get_write_buffer_size(self) -> int: ...

    def abort(self) -> None: ...


class LiveSocket:
    """Sends frames to one client. ``send`` never waits; ``run`` has to be running, and ends with a fault.

    With a ``flusher`` and the ``transport`` under the socket, a reader who keeps up is written to by the
    flusher, together with all others; ``run`` then only waits for those who do not, and for the end.
    """

    __slots__ = (
        "_called",
        "_characters",
        "_closing",
        "_fault",
        "_flushed_next",
        "_flusher",
        "_frames",
        "_socket",
        "_transport",
        "_writing",
    )

    def __init__(
        self, socket: Carrier, flusher: Flusher | None = None, transport: Unsent | None = None
    ) -> None:
        self._socket = socket
        self._flusher = flusher
        self._transport = transport
        self._frames: list[str] = []
        self._characters = 0
        self._flushed_next = False
        self._writing = False
        self._called: asyncio.Future[None] | None = None
        self._fault: Exception | None = None
        self._closing: tuple[int, bytes] | None = None

    def carried_by(self, transport: Unsent | None) -> None:
        """Name the transport that is under the socket, where that is known later."""
        self._transport = transport

    def send(self, frame: str) -> None:
        """Queue one encoded frame; after ``close`` none is sent any more."""
        if self._closing is not None:
            return
        if len(self._frames) >= MAX_QUEUED or self._characters >= MAX_CHARACTERS:
            self._cut_off()
            return
        self._frames.append(frame)
        # A page that asks for a long chat gets it in one frame, and what comes meanwhile.
        self._characters += min(len(frame), MAX_CHARACTERS // 4)
        if self._flusher is None or self._transport is None:
            self._call()
        elif not self._flushed_next and not self._writing:
            self._flushed_next = True
            self._flusher.add(self)

    def close(self, code: int, reason: bytes) -> None:
        """Close after what is queued has been written."""
        if self._closing is None:
            self._closing = (code, reason)
        self._call()

    def break_off(self) -> None:
        """Close, so that the client connects again and is brought up to date."""
        self.close(WSCloseCode.INTERNAL_ERROR, b"something went wrong: reconnect")

    async def flush(self) -> None:
        """Write what is queued if the reader has taken everything before; else leave it to ``run``."""
        self._flushed_next = False
        if self._writing or not self._frames or self._transport is None:
            return
        if self._transport.get_write_buffer_size() or self._characters > AT_ONCE:
            self._call()
            return
        try:
            await self._socket.send_str(self._gathered())
        except Exception as fault:
            self._fault = fault
            self._call()

    async def run(self) -> None:
        """Write what is left to it until closed; raises what writing raised, as when the client is gone."""
        while True:
            if self._closing is None and self._fault is None and (self._flushed_next or not self._frames):
                # A future of its own: an asyncio.Event takes twice as long.
                self._called = asyncio.get_running_loop().create_future()
                await self._called
            if self._fault is not None:
                raise self._fault
            self._writing = True
            while self._frames:
                await self._socket.send_str(self._gathered())
            self._writing = False
            if self._closing is not None:
                code, reason = self._closing
                await self._socket.close(code=code, message=reason)
                return

    def _cut_off(self) -> None:
        self._frames.clear()
        self.close(WSCloseCode.TRY_AGAIN_LATER, b"too slow: reconnect and ask for what is missing")
        if self._transport is not None and self._transport.get_write_buffer_size():
            # It does not read: it would not read why the connection ends either.
            self._transport.abort()

    def _gathered(self) -> str:
        """Take all that has gathered, as one message."""
        frames, self._frames, self._characters = self._frames, [], 0
        return frames[0] if len(frames) == 1 else f"[{','.join(frames)}]"

    def _call(self) -> None:
        if self._called is not None and not self._called.done():
            self._called.set_result(None)
