"""WebSockets as bare sockets, thousands of them: they say something once and then need not read."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

TINY = 2_048
"""Bytes that a slow reader's side takes before it reads."""

ESTABLISHED = "01"


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

    @property
    def port(self) -> int:
        """The port of this side."""
        number: int = self._socket.getsockname()[1]
        return number

    def close(self) -> None:
        """Go without a word."""
        self._socket.close()


def kept_open(port: int) -> set[int]:
    """Return the ports of those whose connection to that port the process there has still open (proc(5)).

    Who reads little learns late that it has ended: all that was sent before comes first, byte by byte.
    """
    ends = (line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    ports = ((here.rpartition(":")[2], there.rpartition(":")[2], state) for here, there, state in ends)
    return {int(there, 16) for here, there, state in ports if int(here, 16) == port and state == ESTABLISHED}
