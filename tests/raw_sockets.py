"""WebSockets as bare sockets, thousands of them: they say something once and then need not read."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress

TINY = 2_048
"""Bytes that a slow reader's side takes before it reads."""


class RawSocket:
    """One WebSocket of a client; it blocks. With ``slow`` little is taken from the server unread."""

    def __init__(self, base: str, path: str, headers: Mapping[str, str], *, slow: bool = False) -> None:
        host, _, port = base.rpartition("/")[2].partition(":")
        self._socket = socket.socket()
        if slow:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY)
        self._socket.connect((host, int(port)))
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Origin: {base}", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def opened(self) -> None:
        """Wait until the server has agreed."""
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(4_096)
        assert answer.startswith(b"HTTP/1.1 101"), answer

    def send(self, **frame: object) -> None:
        """Send one frame of up to 64 kB."""
        data = json.dumps(frame).encode()
        short = len(data) < 126
        head = (
            struct.pack("!BB", 0x81, 0x80 | len(data))
            if short
            else struct.pack("!BBH", 0x81, 0xFE, len(data))
        )
        self._socket.sendall(head + bytes(4) + data)

    def told(self) -> None:
        """Wait until the server has said something."""
        assert self._socket.recv(1 << 16)

    def told_of(self, word: bytes) -> None:
        """Wait until the server has said this."""
        said = b""
        while word not in said:
            received = self._socket.recv(1 << 16)
            assert received, said
            said += received

    def read_to_the_end(self, within: float) -> None:
        """Read until the server ends the connection. Raises TimeoutError when it does not."""
        self._socket.settimeout(within)
        with suppress(ConnectionError):
            while self._socket.recv(1 << 20):
                pass

    def close(self) -> None:
        """Go without a word."""
        self._socket.close()
