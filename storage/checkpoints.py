"""Copies SQLite's log into the database in small steps, while there is little to do.

SQLite itself does it within the commit of every thousandth page, which then takes 5 to 10 ms longer. On a
busy desk it still does: larger steps copy fewer pages.
"""

from __future__ import annotations

import asyncio

import structlog

from chatdesk.errors import StorageError
from chatdesk.metrics import BatchReport
from storage.database import Database

log = structlog.get_logger(__name__)

EVERY = 40
"""Events after which the log is copied: a hundred pages or two, about a millisecond."""
FEW = 10
"""Events of a batch that show that there is little to do."""


class Checkpoints:
    """Copies the log now and then; ``run`` has to be running on one process of a SQLite desk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = 0
        self._due = False
        self._stopping = False
        self._woken = asyncio.Event()

    def batch_done(self, report: BatchReport) -> None:
        """Count a batch; its senders have been told."""
        self._events += len(report.results)
        if self._events >= EVERY and len(report.results) <= FEW:
            self._events = 0
            self._due = True
            self._woken.set()

    def stop(self) -> None:
        """Let ``run`` end, after copying what is due."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Copy whenever it is due, until ``stop``."""
        while self._due or not self._stopping:
            await self._woken.wait()
            self._woken.clear()
            if self._due:
                self._due = False
                await self._copy()

    async def _copy(self) -> None:
        try:
            await self._database.copy_log()
        except StorageError as error:
            log.warning("log_not_copied", error=str(error))
