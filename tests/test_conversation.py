"""Conversations: receipts that only move forward, and the one of a ticket's that is spoken in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from chatdesk.conversation import (
    Conversation,
    ConversationId,
    DialogueState,
    Ended,
    Live,
    Receipts,
    Ticketed,
    Waiting,
    speaking_in,
)
from chatdesk.sender import commenter_of
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


@pytest.mark.parametrize(
    ("states", "spoken_in"),
    [
        ([], None),
        ([Ended(AT)], 0),
        ([Ticketed(), Ended(AT)], 1),
        ([Live(("marcus",)), Ended(AT)], 0),
        ([Ended(AT), Waiting(AT, AT), Ticketed()], 1),
        ([Ended(AT), Waiting(AT, AT), Live(("marcus",))], 1),
    ],
)
def test_a_ticket_is_spoken_of_in_an_open_conversation_or_else_in_the_latest(
    states: list[DialogueState], spoken_in: int | None
) -> None:
    conversations = [replace(CHAT, state=state) for state in states]
    expected = None if spoken_in is None else conversations[spoken_in]
    assert speaking_in(conversations) is expected


def test_it_is_not_spoken_of_where_somebody_comments_whom_it_affects() -> None:
    aside = replace(CHAT, state=Ticketed(), visitor=commenter_of("Pat@contoso.example"))
    ended = replace(CHAT, state=Ended(AT))
    assert aside.is_aside
    assert speaking_in([ended, aside]) is ended
    assert speaking_in([aside]) is aside
