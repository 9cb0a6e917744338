"""The outbox in the database: deliveries leased in order, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from msgspec.json import encode as to_json
from msgspec.structs import replace

from chatdesk.errors import StorageError
from chatdesk.outbox import Delivery, DeliveryResult, DeliveryStatus
from chatdesk.plain_text import clean_text
from storage.columns import Record, moment, timestamp
from storage.connection import fetch
from storage.database import Database
from storage.delivery_rows import to_delivery
from storage.parameters import elements, given, numbered

log = structlog.get_logger(__name__)

LONGEST_ID, LONGEST_ERROR = 255, 2_000
"""Characters that are kept of the other side's id for a delivery, and of what it said against it."""
NOT_KEPT = "What the other side said of this attempt could not be kept."

_IS_HEAD = """NOT EXISTS (
    SELECT 1 FROM delivery AS earlier
    WHERE earlier.lane = head.lane AND earlier.target = head.target
      AND earlier.status IN ('pending', 'leased') AND earlier.row < head.row)"""
"""Whether a delivery is the first unfinished one of its lane and target."""

_NEXT_DUE = " UNION ALL ".join(
    f"SELECT * FROM (SELECT head.due_at FROM delivery AS head WHERE head.status = '{status}' AND {_IS_HEAD} "
    "ORDER BY head.due_at LIMIT 1) AS next"
    for status in ("pending", "leased")
)
"""``due_at`` of a leased delivery is its lease's end. One status at a time the index gives the order."""
_LEASE = "UPDATE delivery SET status = 'leased', attempts = attempts + 1, due_at = ? WHERE \"row\" IN"


class TortoiseOutbox:
    """The relay's side of the database [chatdesk.ports.Outbox]."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lease(self, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        """Lease what is due [chatdesk.ports.Outbox.lease]."""
        dialect = self._database.dialect
        lock = "" if dialect == "sqlite" else " FOR UPDATE SKIP LOCKED"
        # One status at a time the index gives the order: however many wait, no more than these are looked at.
        oldest = " UNION ALL ".join(
            f"SELECT * FROM (SELECT head.* FROM delivery AS head WHERE head.status = '{status}' "
            f"AND head.due_at <= ? AND {_IS_HEAD} "
            f'ORDER BY head.due_at, head."row" LIMIT {int(limit)}{lock}) AS {status}'
            for status in ("leased", "pending")
        )
        select = f'SELECT * FROM ({oldest}) AS oldest ORDER BY due_at, "row" LIMIT {int(limit)}'
        async with self._database.writing() as connection:
            found = await fetch(connection, select, now, now)
            if not found:
                return []
            ids = ", ".join(str(int(row["row"])) for row in found)
            update = f"{numbered(_LEASE, dialect)} ({ids})"
            await connection.execute_query(update, given([until], dialect))
        return await self._readable([{**row, "attempts": row["attempts"] + 1} for row in found], now)

    async def _readable(self, leased: Sequence[Record], now: datetime) -> list[Delivery]:
        """Return the deliveries of these rows; one that cannot be read fails and holds up no other."""
        deliveries: list[Delivery] = []
        broken: list[DeliveryResult] = []
        for row in leased:
            try:
                deliveries.append(to_delivery(row))
            except ValueError as error:
                status = DeliveryStatus.FAILED
                broken.append(DeliveryResult(row["id"], row["attempts"], status, error=str(error)))
        if broken:
            await self.finish(broken, now)
        return deliveries

    async def finish(self, results: Sequence[DeliveryResult], now: datetime) -> None:
        """Note what became of deliveries [chatdesk.ports.Outbox.finish].

        What a channel said of one of them, whatever it is, keeps nothing from being noted of the others.
        """
        try:
            await self._finish(results, now)
        except StorageError:
            raise
        except Exception:
            # One of them is at fault, not the database [Database.transaction].
            for result in results:
                await self._finish_alone(result, now)

    async def _finish_alone(self, result: DeliveryResult, now: datetime) -> None:
        try:
            await self._finish([result], now)
        except StorageError:
            raise
        except Exception as error:
            log.error("delivery_result_not_kept", delivery=result.id, error=str(error))
            await self._finish([replace(result, external_id="", error=NOT_KEPT)], now)

    async def _finish(self, results: Sequence[DeliveryResult], now: datetime) -> None:
        records = [
            [
                result.id,
                result.attempt,
                result.status.value,
                timestamp(result.retry_at or now),
                None if result.retry_at else timestamp(now),
                clean_text(result.external_id)[:LONGEST_ID],
                clean_text(result.error)[:LONGEST_ERROR],
            ]
            for result in results
        ]
        query = _FINISH_SQLITE if self._database.dialect == "sqlite" else _FINISH_POSTGRES
        async with self._database.writing() as connection:
            await connection.execute_query(query, [to_json(records).decode()])

    async def renew(self, deliveries: Sequence[Delivery], until: datetime) -> Collection[str]:
        """Hold these attempts for longer [chatdesk.ports.Outbox.renew]."""
        held = to_json([[delivery.id, delivery.attempts] for delivery in deliveries]).decode()
        query = _RENEW_SQLITE if self._database.dialect == "sqlite" else _RENEW_POSTGRES
        async with self._database.writing() as connection:
            kept = await fetch(connection, query, held, until)
        return {row["id"] for row in kept}

    async def next_due(self) -> datetime | None:
        """Return when the next delivery is due [chatdesk.ports.Outbox.next_due]."""
        found = await self._database.select(_NEXT_DUE)
        return min((moment(row["due_at"]) for row in found), default=None)


_FINISH_SQLITE = """
    UPDATE delivery SET status = new.status, due_at = new.due_at, finished_at = new.finished_at,
        external_id = new.external_id, error = new.error
    FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS attempt,
        json_extract(value, '$[2]') AS status, json_extract(value, '$[3]') AS due_at,
        json_extract(value, '$[4]') AS finished_at, json_extract(value, '$[5]') AS external_id,
        json_extract(value, '$[6]') AS error
        FROM json_each(?)) AS new
    WHERE delivery.id = new.id AND +delivery.status = 'leased' AND delivery.attempts = new.attempt
"""
"""The plus has SQLite find them by id: by status it would read the JSON again for each that is leased."""
_FINISH_POSTGRES = f"""
    UPDATE delivery SET status = new.status, due_at = new.due_at, finished_at = new.finished_at,
        external_id = new.external_id, error = new.error
    FROM (SELECT value->>0 AS id, (value->>1)::int AS attempt, value->>2 AS status,
        (value->>3)::timestamptz AS due_at, (value->>4)::timestamptz AS finished_at,
        value->>5 AS external_id, value->>6 AS error
        FROM {elements()}) AS new
    WHERE delivery.id = new.id AND delivery.status = 'leased' AND delivery.attempts = new.attempt
"""

_RENEW_SQLITE = """
    UPDATE delivery SET due_at = ?2
    FROM (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS attempt
        FROM json_each(?1)) AS held
    WHERE delivery.id = held.id AND +delivery.status = 'leased' AND delivery.attempts = held.attempt
    RETURNING delivery.id
"""
_RENEW_POSTGRES = f"""
    UPDATE delivery SET due_at = $2
    FROM (SELECT value->>0 AS id, (value->>1)::int AS attempt FROM {elements()}) AS held
    WHERE delivery.id = held.id AND delivery.status = 'leased' AND delivery.attempts = held.attempt
    RETURNING delivery.id
"""
