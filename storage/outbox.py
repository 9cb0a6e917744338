"""The outbox in the database: deliveries leased in order, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic_core import to_json

from chatdesk.outbox import Delivery, DeliveryResult, DeliveryStatus
from storage import rows
from storage.database import Database

_HEADS = """
    FROM delivery AS head
    WHERE head.status IN ('pending', 'leased') AND NOT EXISTS (
        SELECT 1 FROM delivery AS earlier
        WHERE earlier.lane = head.lane AND earlier.target = head.target
          AND earlier.status IN ('pending', 'leased') AND earlier.row < head.row
    )
"""
"""The first unfinished delivery of each lane and target. ``due_at`` of a leased one is its lease's end."""


class TortoiseOutbox:
    """The relay's side of the database [chatdesk.ports.Outbox]."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lease(self, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        """Lease what is due [chatdesk.ports.Outbox.lease]."""
        postgres = self._database.dialect != "sqlite"
        due, lease = ("$1", "$2") if postgres else ("?", "?")
        lock = " FOR UPDATE SKIP LOCKED" if postgres else ""
        select = f"SELECT head.* {_HEADS} AND head.due_at <= {due} ORDER BY head.row LIMIT {int(limit)}{lock}"
        async with self._database.transaction() as connection:
            found = await connection.execute_query_dict(select, [_moment(now, postgres=postgres)])
            if not found:
                return []
            ids = ", ".join(str(int(row["row"])) for row in found)
            update = (
                f"UPDATE delivery SET status = 'leased', attempts = attempts + 1, due_at = "
                f'{lease.replace("2", "1")} WHERE "row" IN ({ids})'
            )
            await connection.execute_query(update, [_moment(until, postgres=postgres)])
        return [rows.to_delivery({**row, "attempts": row["attempts"] + 1}) for row in found]

    async def finish(self, results: Sequence[DeliveryResult], now: datetime) -> None:
        """Note what became of deliveries [chatdesk.ports.Outbox.finish]."""
        postgres = self._database.dialect != "sqlite"
        records = [
            [
                result.id,
                result.status.value,
                rows.timestamp(result.retry_at or now),
                None if result.status is DeliveryStatus.PENDING else rows.timestamp(now),
                result.external_id,
                result.error,
            ]
            for result in results
        ]
        query = _FINISH_POSTGRES if postgres else _FINISH_SQLITE
        async with self._database.transaction() as connection:
            await connection.execute_query(query, [to_json(records).decode()])

    async def next_due(self) -> datetime | None:
        """Return when the next delivery is due [chatdesk.ports.Outbox.next_due]."""
        found = await self._database.reader.execute_query_dict(f"SELECT MIN(head.due_at) AS due {_HEADS}")
        due = found[0]["due"] if found else None
        return rows.moment(due) if due else None


_FINISH_SQLITE = """
    UPDATE delivery SET status = new.status, due_at = new.due_at, finished_at = new.finished_at,
        external_id = new.external_id, error = new.error
    FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS status,
        json_extract(value, '$[2]') AS due_at, json_extract(value, '$[3]') AS finished_at,
        json_extract(value, '$[4]') AS external_id, json_extract(value, '$[5]') AS error
        FROM json_each(?)) AS new
    WHERE delivery.id = new.id AND delivery.status = 'leased'
"""
_FINISH_POSTGRES = """
    UPDATE delivery SET status = new.status, due_at = new.due_at, finished_at = new.finished_at,
        external_id = new.external_id, error = new.error
    FROM (SELECT value->>0 AS id, value->>1 AS status, (value->>2)::timestamptz AS due_at,
        (value->>3)::timestamptz AS finished_at, value->>4 AS external_id, value->>5 AS error
        FROM jsonb_array_elements($1::jsonb)) AS new
    WHERE delivery.id = new.id AND delivery.status = 'leased'
"""


def _moment(at: datetime, *, postgres: bool) -> datetime | str:
    return at if postgres else rows.timestamp(at)
