"""Rows: every value comes back as it went, and text sorts as time does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode as to_json

from chatdesk.affected import AffectedPerson
from chatdesk.conversation import Conversation, Ended, Live, Receipts, Waiting
from storage import tables
from storage.bulk import Row
from storage.columns import moment, timestamp
from storage.conversation_rows import conversation_row, read_conversations, to_conversation, to_state
from storage.delivery_rows import delivery_row
from storage.ticket_rows import affected_row, ticket_row
from tests.core_builders import delivery
from tests.desk_builders import TICKET, TUESDAY, conversation, ticket

MOMENTS = st.datetimes(timezones=st.just(UTC))


@pytest.mark.property
@given(MOMENTS, MOMENTS)
def test_stored_moments_sort_as_time_does_and_come_back_the_same(one: datetime, other: datetime) -> None:
    assert (timestamp(one) < timestamp(other)) == (one < other)
    assert moment(timestamp(one)) == one


def test_a_moment_of_another_zone_is_stored_in_utc() -> None:
    eastern = TUESDAY.astimezone(ZoneInfo("America/New_York"))
    assert timestamp(eastern) == timestamp(TUESDAY) == "2026-09-15 14:12:00.000000+00:00"


@pytest.mark.parametrize("microsecond", [0, 1, 999_999, 500_000])
def test_a_moment_is_stored_with_all_of_its_microseconds(microsecond: int) -> None:
    at = TUESDAY.replace(microsecond=microsecond)
    assert timestamp(at) == f"2026-09-15 14:12:00.{microsecond:06}+00:00"


def test_a_moment_is_read_as_utc_whatever_the_driver_gives() -> None:
    shifted = (TUESDAY + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00")
    naive = TUESDAY.replace(tzinfo=None)
    assert moment(shifted) == moment(naive) == moment(TUESDAY) == TUESDAY
    assert moment(shifted).tzinfo is UTC


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (tables.CONVERSATION, conversation_row(conversation())),
        (tables.TICKET, ticket_row(ticket())),
        (tables.DELIVERY, delivery_row(delivery("d1"))),
        (tables.AFFECTED, affected_row(AffectedPerson(TICKET, "pat@contoso.example", "Pat"))),
    ],
    ids=["conversation", "ticket", "delivery", "affected"],
)
def test_a_row_holds_a_value_for_each_column_in_order(table: tables.Table, row: Row) -> None:
    named = dict(zip(table.columns, row, strict=True))
    assert next(iter(named.values())) in (conversation().id, ticket().number, "d1")


@pytest.mark.parametrize(
    ("state", "data"), [("dreaming", "{}"), ("live", "{"), ("live", "{}"), ("waiting", '{"since": "noon"}')]
)
def test_a_state_that_cannot_be_read_is_the_rows_fault(state: str, data: str) -> None:
    with pytest.raises(ValueError, match=r"dreaming|cannot be read"):
        to_state({"id": "c", "state": state, "state_data": data})


@pytest.mark.parametrize(
    "stored",
    [
        conversation(
            Live(("marcus", "dana")), receipts=Receipts(1, 2, 3, 4), last_seq=9, rating=4, version=7
        ),
        conversation(Waiting(TUESDAY, TUESDAY + timedelta(microseconds=1)), ticket=None),
        conversation(Ended(TUESDAY), opened_at=TUESDAY - timedelta(days=1, microseconds=7)),
    ],
)
def test_conversations_written_as_json_come_back_the_same(stored: Conversation) -> None:
    row = {
        **dict(zip(tables.CONVERSATION.columns, conversation_row(stored), strict=True)),
        "known": 1,
    }
    assert read_conversations(to_json([row, row]).decode()) == [stored, stored]
    assert to_conversation(row) == stored


@pytest.mark.parametrize("json", ["[{}]", "{", '[{"id": 1}]'])
def test_rows_as_json_that_cannot_be_read_are_the_rows_fault(json: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_conversations(json)
