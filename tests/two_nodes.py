"""Two nodes of one desk on PostgreSQL, as processes, and what they have written."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from tests.core_builders import url
from tests.running_desk import ServerProcess


@dataclass(frozen=True, slots=True)
class Nodes:
    """Two servers, and a connection of the test's own to the database they share."""

    a: ServerProcess
    b: ServerProcess
    database: asyncpg.Connection
    address: str

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """Let nobody else write or lock rows of a table until the block ends."""
        holder = await asyncpg.connect(self.address)
        try:
            async with holder.transaction():
                await holder.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
                yield
        finally:
            await holder.close()

    async def until(self, query: str, wanted: Any, within: float = 30.0) -> None:
        """Wait until a query's one value is as wanted; other processes write it."""
        try:
            async with asyncio.timeout(within):
                while await self.database.fetchval(query) != wanted:  # noqa: ASYNC110 - another process writes
                    await asyncio.sleep(0.02)
        except TimeoutError:
            found = await self.database.fetchval(query)
            raise AssertionError(f"{query}: {found!r}, not {wanted!r}") from None


@asynccontextmanager
async def two_nodes(
    folder: Path,
    *,
    arguments: tuple[str, ...] = ("demo",),
    module: str = "chatdesk",
    address: str = "",
    **environment: str,
) -> AsyncIterator[Nodes]:
    """Start both and end them at once afterwards; ``address`` is their database, else the folder's own."""
    address = address or url(folder, "postgres")
    variables = {"CHATDESK_DATABASE_URL": address, **environment}
    a, b = (ServerProcess(folder, arguments, module, **variables) for _ in range(2))
    database = await asyncpg.connect(address)
    try:
        async with a, b:
            yield Nodes(a, b, database, address)
    finally:
        await database.close()


def freeze(server: ServerProcess) -> None:
    """Let a process stand still (SIGSTOP), as one that hangs."""
    server.process.send_signal(signal.SIGSTOP)


def go_on(server: ServerProcess) -> None:
    """Let it go on where it stood (SIGCONT)."""
    server.process.send_signal(signal.SIGCONT)


async def said(server: ServerProcess, words: str, within: float = 30.0) -> None:
    """Wait until the process has printed a line with these words."""
    async with asyncio.timeout(within):
        while not any(words in line for line in server.output):  # noqa: ASYNC110 - it is read elsewhere
            await asyncio.sleep(0.02)


async def until_ready(server: ServerProcess, status: int, words: str = "", within: float = 30.0) -> None:
    """Wait until /readyz answers with this status, and with these words."""
    async with asyncio.timeout(within), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{server.base}/readyz") as answer:
                if answer.status == status and words in await answer.text():
                    return
            await asyncio.sleep(0.05)
