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
_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)


async def read_frames(
    pulse: Pulse,
    live: LiveSocket,
    decoder: Decoder[Sent],
    handle: Callable[[Sent], None],
) -> None:
    """Hand each frame to ``handle`` until the page goes; it is called on the event loop and must not wait."""
    socket = pulse.socket
    while (message := await socket.receive()).type not in _ENDS:
        pulse.heard()
        if message.type is not WSMsgType.TEXT:
            if not await answered(socket, message):
                live.send(error_frame("bad_frame", "Send JSON text frames."))
            continue
        try:
            frame = decoder.decode(message.data)
        except UNREADABLE as error:
            live.send(error_frame("bad_frame", explain(error)))
            continue
        handle(frame)
        # The next may come in an hour, and a survey's answers take a kilobyte.
        del message, frame
