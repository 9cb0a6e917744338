"""What a page sends over its WebSocket, frame by frame; what is no frame is explained to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from aiohttp import WSMsgType
from msgspec.json import Decoder

from adapters.web.frames import UNREADABLE, error_frame, explain
from adapters.web.heartbeat import Pulse, answered
from adapters.web.live_socket import LiveSocket

Sent = TypeVar("Sent")
_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class FrameReader(Generic[Sent]):
    """Hands each frame to ``handle``, which is called on the event loop and must not wait."""

    __slots__ = ("_decode", "_handle", "_live", "_pulse")

    def __init__(
        self, pulse: Pulse, live: LiveSocket, decoder: Decoder[Sent], handle: Callable[[Sent], None]
    ) -> None:
        self._pulse = pulse
        self._live = live
        self._decode = decoder.decode
        self._handle = handle

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
                    self._live.send(error_frame("bad_frame", "Send JSON text frames."))
        finally:
            socket.hand_texts_to(None)

    def _take(self, text: str) -> None:
        self._pulse.heard()
        try:
            frame = self._decode(text)
        except UNREADABLE as error:
            self._live.send(error_frame("bad_frame", explain(error)))
            return
        self._handle(frame)
