"""A gate on loopback in front of a server: it lets everything pass until it is told to hold something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Passes bytes both ways; what follows the words it was told to hold waits for ``open``."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._words: bytes | None = None
        self.held = asyncio.Event()
        self._open = asyncio.Event()
        self.port = 0

    def hold(self, words: bytes) -> None:
        """Hold up the next that a client sends with these words in it; later ones pass."""
        self._words = words

    def open(self) -> None:
        """Let pass what is held up."""
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one client's bytes on, and the server's back."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            self._pass(reader, server_writer, from_client=True),
            self._pass(server_reader, writer, from_client=False),
            return_exceptions=True,
        )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        try:
            while content := await reader.read(65536):
                if from_client and self._words is not None and self._words in content:
                    self._words = None
                    self.held.set()
                    await self._open.wait()
                writer.write(content)
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def gate(target: int) -> AsyncIterator[Gate]:
    """Stand before the server on the port ``target`` of this machine, on a free port."""
    standing = Gate(target)
    server = await asyncio.start_server(standing.serve, "127.0.0.1", 0)
    standing.port = server.sockets[0].getsockname()[1]
    try:
        yield standing
    finally:
        standing.open()
        server.close()
