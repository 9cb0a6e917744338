"""What a page sends over its WebSocket, frame by frame; what is no frame is explained to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aiohttp import WSMsgType
from msgspec.json import Decoder

from adapters.web.frames import UNREADABLE, error_frame, explain
from adapters.web.heartbeat import Pulse, answered
from adapters.web.live_socket import LiveSocket

Sent = TypeVar("Sent")
_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


async def read_frames(
    pulse: Pulse,
    live: LiveSocket,
    decoder: Decoder[Sent],
    handle: Callable[[Sent], None],
) -> None:
    """Hand each frame to ``handle`` until the page goes; it is called on the event loop and must not wait."""
    socket, decode = pulse.socket, decoder.decode

    def take(text: str) -> None:
        pulse.heard()
        try:
            frame = decode(text)
        except UNREADABLE as error:
            live.send(error_frame("bad_frame", explain(error)))
            return
        handle(frame)

    socket.hand_texts_to(take)
    try:
        # What came before is received here, before anything else can come.
        while (message := await socket.receive()).type not in _ENDS:
            if message.type is WSMsgType.TEXT:
                take(message.data)
            else:
                pulse.heard()
                if not await answered(socket, message):
                    live.send(error_frame("bad_frame", "Send JSON text frames."))
    finally:
        socket.hand_texts_to(None)
