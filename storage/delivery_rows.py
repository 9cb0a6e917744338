"""Between rows and deliveries: one function a direction.

A row that this program cannot read raises ValueError: the row is at fault then, not the database.
"""

from __future__ import annotations

import json

from msgspec.json import encode as to_json

from chatdesk.conversation import ConversationId
from chatdesk.outbox import Delivery, DeliveryKind, DeliveryStatus
from storage.bulk import Row
from storage.columns import Record, moment, timestamp


def delivery_row(d: Delivery) -> Row:
    return [
        d.id,
        d.target,
        d.kind,
        d.lane,
        d.conversation,
        d.seq,
        d.ticket,
        to_json(d.payload).decode(),
        DeliveryStatus.PENDING,
        d.attempts,
        timestamp(d.due_at),
        timestamp(d.created_at),
        None,
        "",
        "",
    ]


def to_delivery(row: Record) -> Delivery:
    conversation = row["conversation"]
    return Delivery(
        id=row["id"],
        target=row["target"],
        kind=DeliveryKind(row["kind"]),
        lane=row["lane"],
        due_at=moment(row["due_at"]),
        created_at=moment(row["created_at"]),
        conversation=ConversationId(conversation) if conversation else None,
        seq=row["seq"],
        ticket=row["ticket"],
        payload=json.loads(row["payload"]),
        attempts=row["attempts"],
        uncertain=row["status"] == DeliveryStatus.LEASED.value,
    )
