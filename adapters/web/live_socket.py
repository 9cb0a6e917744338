"""One client's outgoing side: frames joined and bounded; a slow reader is cut off and comes back."""

from __future__ import annotations

import asyncio
from typing import Protocol

from aiohttp import WSCloseCode

MAX_QUEUED = 2_000
"""Frames a reader may lag behind before it is cut off; it catches up by sequence number when it is back."""


class Carrier(Protocol):
    """What carries frames to the client: a WebSocket, or something that stands in for one."""

    async def send_str(self, data: str, /) -> None: ...

    async def close(self, *, code: int, message: bytes) -> bool: ...


class LiveSocket:
    """Sends frames to one client. ``send`` never waits; ``run`` writes until ``close`` or a fault."""

    def __init__(self, socket: Carrier) -> None:
        self._socket = socket
        self._frames: list[str] = []
        self._idle: asyncio.Future[None] | None = None
        self._closing: tuple[int, bytes] | None = None

    def send(self, frame: str) -> None:
        """Queue one encoded frame."""
        if len(self._frames) >= MAX_QUEUED:
            self.close(WSCloseCode.TRY_AGAIN_LATER, b"too slow: reconnect and ask for what is missing")
            self._frames.clear()
            return
        self._frames.append(frame)
        self._wake()

    def close(self, code: int, reason: bytes) -> None:
        """Close after what is queued has been written."""
        if self._closing is None:
            self._closing = (code, reason)
        self._wake()

    async def run(self) -> None:
        """Write what is queued, all that has gathered in one message, until closed."""
        while True:
            if not self._frames and self._closing is None:
                # A future of its own: an asyncio.Event takes twice as long, and every message passes here.
                self._idle = asyncio.get_running_loop().create_future()
                await self._idle
            frames, self._frames = self._frames, []
            if frames:
                await self._socket.send_str(frames[0] if len(frames) == 1 else f"[{','.join(frames)}]")
            if self._closing is not None and not self._frames:
                code, reason = self._closing
                await self._socket.close(code=code, message=reason)
                return

    def _wake(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
