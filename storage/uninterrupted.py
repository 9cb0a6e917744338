"""Awaiting work to its end although the caller is cancelled meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Uninterrupted(asyncio.Future[Result]):
    """A future of work that nothing stops once it has begun.

    Who awaits it and is cancelled meanwhile is so when the work is done: a task and two turns of the event
    loop less than ``uninterrupted``, for what many wait for.
    """

    def cancel(self, msg: Any | None = None) -> bool:
        """Say that it cannot be cancelled; the task that waits remembers that it is."""
        return False


async def uninterrupted(work: Coroutine[Any, Any, Result]) -> Result:
    """Await ``work`` to its end even if the caller is cancelled meanwhile; that is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # Seen here, so that it is not reported as never retrieved.
        raise cancelled
    return task.result()
