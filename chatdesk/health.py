"""Whether this process does its work: its background loops, and what a monitor is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog

CANCEL_AGAIN = 1.0
"""Seconds after which a loop that was cancelled and goes on is cancelled again."""
log = structlog.get_logger(__name__)


class Loops:
    """The background loops of this process, by name. One that ends before it was asked to has failed."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, str] = {}
        self._stopping: set[str] = set()
        self._failure = asyncio.Event()

    def start(self, name: str, loop: Coroutine[None, None, None]) -> None:
        """Run ``loop`` in the background under ``name``."""
        task = asyncio.create_task(loop, name=name)
        self._tasks[name] = task
        task.add_done_callback(self._ended)

    async def finish(self, name: str, patience: float) -> None:
        """Wait for a loop that was told to end, and cut it off after ``patience`` seconds."""
        self._stopping.add(name)
        task = self._tasks[name]
        _, late = await asyncio.wait({task}, timeout=patience)
        if late:
            log.warning("loop_cut_off", loop=name, seconds=patience)
            await self.cancel(name)

    async def cancel(self, name: str) -> None:
        """End a loop that has no end of its own.

        It is told again until it has ended: a library may have taken the first word for an answer of its own.
        """
        self._stopping.add(name)
        task = self._tasks[name]
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_AGAIN)

    async def failure(self) -> str:
        """Wait until a loop fails, and return what happened."""
        await self._failure.wait()
        return "; ".join(self.problems())

    def problems(self) -> list[str]:
        """Return what is wrong, one sentence a failed loop; empty when all of them run."""
        return [f"The {name} loop has stopped: {reason}." for name, reason in self._failed.items()]

    def _ended(self, task: asyncio.Task[None]) -> None:
        name = task.get_name()
        error = None if task.cancelled() else task.exception()
        if error is None and name in self._stopping:
            return
        self._failed[name] = type(error).__name__ if error is not None else "it ended by itself"
        self._failure.set()
        log.critical("loop_failed", loop=name, exc_info=error)
