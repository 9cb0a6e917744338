"""What a page sends over its WebSocket, frame by frame; what is no frame is explained to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from aiohttp import WSCloseCode, WSMsgType
from msgspec.json import Decoder

from adapters.web.frames import UNREADABLE, error_frame, explain
from adapters.web.heartbeat import Pulse, answered
from adapters.web.live_socket import LiveSocket

Sent = TypeVar("Sent")
UNREADABLE_FRAMES = 100
"""After so many frames that are none a connection is closed: whoever writes them means no chat."""
_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class FrameReader(Generic[Sent]):
    """Hands each frame to ``handle``, which is called on the event loop and must not wait."""

    __slots__ = ("_decode", "_handle", "_live", "_pulse", "_unreadable")

    def __init__(
        self, pulse: Pulse, live: LiveSocket, decoder: Decoder[Sent], handle: Callable[[Sent], None]
    ) -> None:
        self._pulse = pulse
        self._live = live
        self._decode = decoder.decode
        self._handle = handle
        self._unreadable = 0

    async def run(self) -> None:
        """Read until the page goes."""
        socket = self._pulse.socket
        try:
            while True:
                if not socket.has_waiting:
                    # From here on; what came before had to be taken first.
                    socket.hand_texts_to(self._take)
                message = await socket.receive()
                if message.type in _ENDS:
                    return
                if message.type is WSMsgType.TEXT:
                    self._take(message.data)
                    continue
                self._pulse.heard()
                if not await answered(socket, message):
                    self._refuse("Send JSON text frames.")
        finally:
            socket.hand_texts_to(None)

    def _take(self, text: str) -> None:
        self._pulse.heard()
        try:
            frame = self._decode(text)
        except UNREADABLE as error:
            self._refuse(explain(error))
            return
        self._handle(frame)

    def _refuse(self, reason: str) -> None:
        self._unreadable += 1
        if self._unreadable > UNREADABLE_FRAMES:
            self._live.close(WSCloseCode.POLICY_VIOLATION, b"too many frames that cannot be read")
        else:
            self._live.send(error_frame("bad_frame", reason))
