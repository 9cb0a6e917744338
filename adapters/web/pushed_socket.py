"""A WebSocket whose texts are handed over as they come: no task is woken for each.

aiohttp gives what comes to whoever awaits it, which takes a future, a turn of the event loop and every
coroutine up to the request's own for each text: a tenth of a busy desk's time [docs/performance.md]. Here the
queue in between hands texts over by a call. Everything else, pings and closes, is awaited as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from functools import partial
from typing import Any, cast

import structlog
from aiohttp import WSMessage, WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_websocket import WebSocketWriter, WSMessageTextBytes
from aiohttp.web_request import BaseRequest

from adapters.web.frames import MAX_FRAME

log = structlog.get_logger(__name__)

_BUFFERED = 64 * 1024
"""Bytes that wait to be read before no more are taken from the network, twice."""


class _Texts(WebSocketDataQueue):
    """What came: texts are handed to ``take`` if there is one, the rest waits to be read."""

    __slots__ = ("run", "take")

    def __init__(self, protocol: BaseProtocol, limit: int, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(protocol, limit, loop=loop)
        self.take: Callable[[str], None] | None = None
        self.run = copy_context().run

    def feed_data(self, data: WSMessage | WSMessageTextBytes, size: int) -> None:
        take = self.take
        if take is None or data.type is not WSMsgType.TEXT:
            super().feed_data(data, size)
            return
        try:
            self.run(take, cast(str, data.data))
        except Exception as error:
            # The parser that calls this cannot be told; whoever reads the socket is.
            self.run(partial(log.error, "frame_not_taken", exc_info=error))
            self.take = None
            self.set_exception(error)


class PushedSocket(web.WebSocketResponse):
    """A server's WebSocket without compression that leaves pings to be answered by who reads it."""

    def __init__(self) -> None:
        super().__init__(autoping=False, max_msg_size=MAX_FRAME, compress=False)
        self._texts: _Texts | None = None

    @property
    def has_waiting(self) -> bool:
        """Whether something has come that waits to be received."""
        return self._texts is not None and bool(self._texts._buffer)

    def hand_texts_to(self, take: Callable[[str], None] | None) -> None:
        """Have texts handed to ``take`` from now on, in the turn of the event loop in which they come.

        It runs in the context of ``prepare`` and must not wait; None has them wait to be received again.
        What waits to be received should be received before: texts that come after it would overtake it. When
        ``take`` raises, nothing more is taken and ``receive`` says so.
        """
        if self._texts is None:
            raise RuntimeError("Prepare the socket first.")
        self._texts.take = take

    def send_str(self, data: str, compress: int | None = None) -> Coroutine[Any, Any, None]:
        """Send a text. Raises ConnectionError when the other side is gone.

        Raises RuntimeError before ``prepare``.
        """
        if self._writer is None:
            raise RuntimeError("Prepare the socket first.")
        # The writer's own coroutine: the library has one around it.
        return self._writer.send_frame(data.encode(), WSMsgType.TEXT, compress)

    def _post_start(self, request: BaseRequest, protocol: str | None, writer: WebSocketWriter) -> None:
        """Do what the library does here, with the queue above between its parser and ``receive``."""
        loop = self._loop
        assert loop is not None
        self._ws_protocol, self._writer = protocol, writer
        self._reader = self._texts = _Texts(request.protocol, _BUFFERED, loop=loop)
        # The queue knows a parser that waits only weakly.
        self._parser = WebSocketReader(self._texts, MAX_FRAME, compress=False, decode_text=True)
        request.protocol.set_parser(self._parser)
        request.protocol.keep_alive(False)
