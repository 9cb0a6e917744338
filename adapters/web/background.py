"""What a page's frame began and takes a while, as reading does; the page learns when it breaks down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import structlog

log = structlog.get_logger(__name__)


class Background:
    """The tasks of one page. ``broken`` is called when one of them failed: the page has to come back."""

    __slots__ = ("_broken", "_tasks")

    def __init__(self, broken: Callable[[], None]) -> None:
        self._broken = broken
        self._tasks: set[asyncio.Task[None]] | None = None

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Begin to do it."""
        if self._tasks is None:
            # Most pages never need it, and thousands are open.
            self._tasks = set()
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def close(self) -> None:
        """Cancel what is not done."""
        for task in tuple(self._tasks or ()):
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._tasks is not None:
            self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("page_work_failed", exc_info=error)
            self._broken()
