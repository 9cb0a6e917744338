"""What leaves the desk: deliveries written in one commit with their cause, sent by the relay afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from chatdesk.conversation import ConversationId
from chatdesk.ticket import TicketNumber

Payload = Mapping[str, str | int | bool | None]
"""Small facts that a delivery carries by itself; everything else is read when it is sent."""

TIMER_TARGET = "timer"
MAIL_TARGET = "email"
AGAIN = "again"
"""In the payload of a delivery that a person had sent again: an earlier attempt may have arrived."""
NOT_SENT = "not sent: "
"""How the external id begins of a delivery that is done and was not sent; the reason follows."""

HAD_ENOUGH = "in the last hour; reach the requester another way."
"""How the error ends of a mail that was held back because its address had enough mail."""

WAITS_ITS_TURN = "Other mail is still being sent."
"""The error of a mail for which there was no room; its server is not away."""
LONG_TRIED = 12
"""Attempts after which a mail that goes on being tried is a problem for staff too."""


class DeliveryKind(StrEnum):
    """What a delivery is."""

    MAIL = "mail"
    MESSAGE = "message"
    REVISION = "revision"
    TICKET = "ticket"
    TIMER = "timer"


class DeliveryStatus(StrEnum):
    """How far a delivery has come."""

    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Delivery(Struct, frozen=True):
    """One thing to send to one target, by then at the earliest.

    ``id`` is fixed for good when it is queued. Deliveries of one ``lane`` and ``target`` go out in the
    order queued. ``attempts`` counts the sends begun, this one included; ``uncertain`` says that an
    earlier one was cut off, so that nobody knows whether it arrived.
    """

    id: str
    target: str
    kind: DeliveryKind
    lane: str
    due_at: datetime
    created_at: datetime
    conversation: ConversationId | None = None
    seq: int | None = None
    ticket: TicketNumber | None = None
    payload: Payload = field(default_factory=dict)
    attempts: int = 0
    uncertain: bool = False


class DeliveryResult(Struct, frozen=True):
    """What became of attempt number ``attempt`` at a delivery.

    ``retry_at`` is set for one to be tried again: PENDING when the attempt did not happen, LEASED when
    nobody knows, so that the next attempt is ``uncertain``.
    """

    id: str
    attempt: int
    status: DeliveryStatus
    external_id: str = ""
    error: str = ""
    retry_at: datetime | None = None
