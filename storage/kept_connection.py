"""One connection of a pool that is kept from statement to statement.

To ask the pool for one, and to give it back, takes as long as all else that a small batch has to do with the
driver [docs/performance.md].
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from storage.postgres_errors import connected
from storage.uninterrupted import uninterrupted

IDLE = 60.0
"""Seconds after which an unused connection goes back to the pool, which replaces what nobody used for long:
between here and the server it may have been forgotten.
"""

RELEASE_TIMEOUT = 2.0
"""Seconds in which the server has to confirm that a statement was cut off; else the connection is closed."""


async def give_back(pool: asyncpg.Pool, connection: Any) -> None:
    """Give a connection back to its pool; where nobody answers on it, it is closed."""
    with suppress(TimeoutError):
        await pool.release(connection, timeout=RELEASE_TIMEOUT)


class KeptConnection:
    """Executes statements, each a transaction of its own, on a connection to itself."""

    def __init__(self, pool: asyncpg.Pool, timeout: float) -> None:
        self._pool = pool
        self._timeout = timeout
        self._kept: Any = None
        self._stale_at = 0.0

    async def execute(self, query: str, values: Sequence[Any]) -> None:
        """Execute a statement. Raises what the driver does, and DatabaseUnavailable when it cannot connect.

        What failed leaves nothing kept.
        """
        kept, self._kept = self._kept, None
        if kept is not None and (kept.is_closed() or asyncio.get_running_loop().time() > self._stale_at):
            await self._release(kept)
            kept = None
        if kept is None:
            kept = await connected(self._pool.acquire, timeout=self._timeout)
        try:
            await kept.fetch(query, *values)
        except asyncpg.DivisionByZeroError:
            # How a batch says that another node was faster: nothing is wrong with the connection.
            await self._keep(kept)
            raise
        except BaseException:
            await self._release(kept)
            raise
        await self._keep(kept)

    async def give_back(self) -> None:
        """Give back what is kept, so that the pool can close or replace it."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await self._release(kept)

    async def _keep(self, connection: Any) -> None:
        if self._kept is not None:
            # Somebody else had a statement executed meanwhile.
            await self._release(connection)
            return
        self._kept = connection
        self._stale_at = asyncio.get_running_loop().time() + IDLE

    async def _release(self, connection: Any) -> None:
        await uninterrupted(give_back(self._pool, connection))
