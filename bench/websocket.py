"""A WebSocket client as thin as can be, so that the load costs less than the server under it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_NO_MASK = b"\0\0\0\0"
"""A client must mask; with this key the masked bytes are the bytes."""


def framed(payload: bytes, kind: int = _TEXT) -> bytes:
    """Return one final client frame."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | kind, 0x80 | size))
    else:
        head = bytes((0x80 | kind, 0x80 | 126)) + size.to_bytes(2, "big")
    return head + _NO_MASK + payload


class Socket(asyncio.Protocol):
    """One connection. ``on_text`` is called with the payload of each text frame."""

    def __init__(self, request: bytes) -> None:
        self.on_text: Callable[[bytes], None] = self._keep
        self.closed_with: int | None = None
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._open = False
        self._kept: list[bytes] = []
        self._arrived = asyncio.Event()

    @classmethod
    async def connect(cls, host: str, port: int, path: str, headers: dict[str, str]) -> Socket:
        """Connect and upgrade. Raises ConnectionError when the server refuses."""
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}:{port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
            *(f"{name}: {value}" for name, value in headers.items()),
            "",
            "",
        ]
        request = "\r\n".join(lines).encode()
        _, socket = await asyncio.get_running_loop().create_connection(lambda: cls(request), host, port)
        while not socket._open:
            await socket._next()
        return socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are transports in all but name.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.closed_with is None:
            self.closed_with = 1006
        self._arrived.set()

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0
        if not self._open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self.closed_with = int(data[9:12])
                self._arrived.set()
                return
            self._open = True
            self._arrived.set()
            at = end + 4
        self._rest = data[self._frames(data, at) :]

    def send(self, payload: bytes) -> None:
        """Write one text frame."""
        assert self._transport is not None
        self._transport.write(framed(payload))

    def stop_reading(self) -> None:
        """Take nothing more from the connection."""
        assert self._transport is not None
        self._transport.pause_reading()

    def close(self) -> None:
        """Drop the connection."""
        assert self._transport is not None
        self._transport.abort()

    async def text_with(self, *parts: bytes) -> bytes:
        """Wait for a text that contains one of these parts. Raises ConnectionError when the socket closes."""
        while True:
            for index, text in enumerate(self._kept):
                if any(part in text for part in parts):
                    del self._kept[: index + 1]
                    return text
            await self._next()

    async def _next(self) -> None:
        if self.closed_with is not None:
            raise ConnectionError(f"the server closed the socket: {self.closed_with}")
        self._arrived.clear()
        await self._arrived.wait()

    def _keep(self, text: bytes) -> None:
        self._kept.append(text)
        self._arrived.set()

    def _frames(self, data: bytes, at: int) -> int:
        """Hand out the complete frames from ``at`` on and return where the rest begins."""
        end = len(data)
        while at + 2 <= end:
            size = data[at + 1]
            body = at + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                if body + width > end:
                    break
                size = int.from_bytes(data[body : body + width], "big")
                body += width
            if body + size > end:
                break
            self._frame(data[at] & 0x0F, data[body : body + size])
            at = body + size
        return at

    def _frame(self, kind: int, payload: bytes) -> None:
        if kind == _TEXT:
            self.on_text(payload)
        elif kind == _PING and self._transport is not None:
            self._transport.write(framed(payload, _PONG))
        elif kind == _CLOSE:
            self.closed_with = int.from_bytes(payload[:2], "big")
            self._arrived.set()
