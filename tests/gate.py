"""A gate on loopback in front of a server: it lets everything pass until it is told otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class Gate:
    """Passes bytes both ways; what follows the words it was told to hold waits for ``open``."""

    def __init__(self, target: int | Path) -> None:
        self._target = target
        self._words: bytes | None = None
        self._clients: list[asyncio.StreamWriter] = []
        self._swallowed = 0
        self.held = asyncio.Event()
        self._open = asyncio.Event()
        self.port = 0

    def hold(self, words: bytes) -> None:
        """Hold up the next that a client sends with these words in it; later ones pass."""
        self._words = words

    def swallow(self) -> None:
        """Let nothing pass any more by the connections there are; they stay open, and new ones work."""
        self._swallowed = len(self._clients)

    def cut(self) -> None:
        """Close every connection."""
        for client in self._clients:
            client.close()

    def open(self) -> None:
        """Let pass what is held up."""
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one client's bytes on, and the server's back."""
        self._clients.append(writer)
        number = len(self._clients)
        if isinstance(self._target, Path):
            server_reader, server_writer = await asyncio.open_unix_connection(self._target)
        else:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            self._pass(number, reader, server_writer, from_client=True),
            self._pass(number, server_reader, writer, from_client=False),
            return_exceptions=True,
        )

    async def _pass(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        try:
            while content := await reader.read(65536):
                if number <= self._swallowed:
                    continue
                if from_client and self._words is not None and self._words in content:
                    self._words = None
                    self.held.set()
                    await self._open.wait()
                writer.write(content)
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def gate(target: int | Path) -> AsyncIterator[Gate]:
    """Stand before the server on the port, or the socket, ``target`` of this machine, on a free port."""
    standing = Gate(target)
    server = await asyncio.start_server(standing.serve, "127.0.0.1", 0)
    standing.port = server.sockets[0].getsockname()[1]
    try:
        yield standing
    finally:
        standing.open()
        server.close()
