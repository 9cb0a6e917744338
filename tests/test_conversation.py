"""Conversations: receipts that only move forward, and the copy made for each message."""

from __future__ import annotations

from datetime import UTC, datetime

from chatdesk.conversation import Conversation, ConversationId, Live, Receipts
from chatdesk.ticket import TicketNumber

AT = datetime(2026, 9, 15, 14, 0, tzinfo=UTC)
CHAT = Conversation(
    id=ConversationId("c"),
    channel="web",
    visitor="v",
    customer_name="Dana Reyes",
    widget="desk",
    company_id="contoso",
    ticket=TicketNumber(1001),
    flow="live_chat",
    flow_version=1,
    state=Live(("marcus",)),
    opened_at=AT,
    changed_at=AT,
    last_seq=7,
    receipts=Receipts(1, 2, 3, 4),
    rating=5,
    version=9,
)


def test_receipts_never_move_back() -> None:
    receipts = Receipts().advanced(customer=True, delivered=5, seen=3)
    assert receipts.advanced(customer=True, delivered=2, seen=1) == receipts
    assert receipts.advanced(customer=False, delivered=4, seen=4) == Receipts(5, 3, 4, 4)


def test_what_was_seen_was_delivered() -> None:
    assert Receipts().advanced(customer=True, delivered=0, seen=6) == Receipts(6, 6, 0, 0)
