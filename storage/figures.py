"""How much there is at the moment, for monitors; every query runs along an index and counts few rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from chatdesk.metrics import Figures
from chatdesk.ports import Clock
from storage.columns import Record, moment
from storage.database import Database

_TICKETS = "SELECT status, COUNT(*) AS count FROM ticket WHERE active = {true} GROUP BY status"
# Finished deliveries are many and are left out: counting them would read the whole table.
_OUTBOX = """
    SELECT status, COUNT(*) AS count, MIN(CASE WHEN target = 'timer' THEN NULL ELSE due_at END) AS due
    FROM delivery WHERE status IN ('pending', 'leased', 'failed', 'unknown') GROUP BY status
"""
_WAITING = "SELECT COUNT(*) AS count FROM conversation WHERE state = 'waiting'"
_SET_ASIDE = "SELECT COUNT(*) AS count FROM set_aside"


class TortoiseFigures:
    """Reads the figures of one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def read(self) -> Figures:
        """Return the figures as they are now."""
        at = self._clock()
        true = "1" if self._database.dialect == "sqlite" else "TRUE"
        tickets = await self._rows(_TICKETS.format(true=true))
        outbox = await self._rows(_OUTBOX)
        dues = [moment(row["due"]) for row in outbox if row["status"] == "pending" and row["due"]]
        return Figures(
            waiting=await self._count(_WAITING),
            tickets={row["status"]: row["count"] for row in tickets},
            outbox={row["status"]: row["count"] for row in outbox},
            overdue=max(timedelta(0), at - min(dues, default=at)),
            set_aside=await self._count(_SET_ASIDE),
        )

    async def _count(self, query: str) -> int:
        return int((await self._rows(query))[0]["count"])

    async def _rows(self, query: str) -> Sequence[Record]:
        return await self._database.select(query)
