"""What every Store must do, tried on the one in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chatdesk.affected import AffectedChange, AffectedPerson
from chatdesk.changes import Changes, HistoryEntry, Rating, SetAside
from chatdesk.conversation import (
    Author,
    AuthorKind,
    Conversation,
    ConversationId,
    DialogueState,
    Ended,
    FileRef,
    Live,
    Message,
    Receipts,
    Revision,
    Surveying,
    Ticketed,
    Visibility,
    Waiting,
)
from chatdesk.errors import ConcurrentChange
from chatdesk.events import Outcome
from chatdesk.ports import Store
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Priority, TicketNumber, TicketStatus
from storage.database import Database
from storage.store import TortoiseStore
from tests.core_builders import delivery, message, url
from tests.desk_builders import CHAT, MARCUS, TICKET, TUESDAY, conversation, ticket
from tests.fake_store import FakeStore

DANA = Author(AuthorKind.CUSTOMER, "dana", "Dana Reyes")


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database | None]:
    if request.param == "fake":
        yield None
        return
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


@pytest.fixture
def store(database: Database | None) -> Store:
    return FakeStore() if database is None else TortoiseStore(database)


def changes(*conversations: Conversation, **rest: object) -> Changes:
    made = Changes(conversations={c.id: c for c in conversations})
    for name, value in rest.items():
        setattr(made, name, value)
    return made


async def write(store: Store, made: Changes) -> None:
    async with store.batch() as batch:
        await batch.write(made)


def said(seq: int, text: str = "Hello", **fields: object) -> Message:
    plain = Message(CHAT, seq, DANA, Visibility.PUBLIC, text, TUESDAY, changed=seq)
    return replace(plain, **fields)


@pytest.mark.parametrize(
    "state",
    [
        Surveying(),
        Waiting(TUESDAY, TUESDAY.replace(hour=23)),
        Live(("marcus", "priya")),
        Ticketed(None),
        Ticketed(TUESDAY, waiting_since=TUESDAY),
        Ended(TUESDAY),
    ],
)
async def test_a_conversation_comes_back_as_it_was_written(store: Store, state: DialogueState) -> None:
    written = conversation(state, version=1, last_seq=7, receipts=Receipts(1, 2, 3, 4), rating=5)
    await write(store, changes(written))
    async with store.batch() as batch:
        assert await batch.conversations([CHAT, ConversationId("other")]) == {CHAT: written}
        assert await batch.conversations_of([TICKET]) == [written]
        assert await batch.seen_of([TICKET, TicketNumber(1)]) == [written]


async def test_a_ticket_comes_back_as_it_was_written(store: Store) -> None:
    written = ticket(
        due_at=TUESDAY, assignee="marcus", tier="second", linked_to=TicketNumber(7), priority_confirmed=True
    )
    await write(store, changes(tickets={TICKET: written}))
    async with store.batch() as batch:
        assert await batch.tickets([TICKET, TicketNumber(1)]) == {TICKET: written}


async def test_the_history_of_a_ticket_comes_back_in_its_order(store: Store) -> None:
    told = ((TICKET, "opened"), (TicketNumber(7), "opened"), (TICKET, "assigned"))
    steps = [HistoryEntry(number, TUESDAY, DANA, what, "", None, TicketStatus.NEW) for number, what in told]
    await write(store, changes(history=steps))
    async with store.batch() as batch:
        assert await batch.history([TICKET]) == [steps[0], steps[2]]
        assert await batch.history([]) == []


async def test_whom_tickets_affect_comes_back_in_the_order_they_were_named(store: Store) -> None:
    pat, lee, eve = (
        AffectedPerson(TICKET, address, address, known_as)
        for address, known_as in (
            ("pat@contoso.example", None),
            ("Lee+it@contoso.example", TicketNumber(7)),
            ("eve@bücher.example", None),
        )
    )
    other = replace(pat, ticket=TicketNumber(7))
    named = {TICKET: AffectedChange((), (pat, lee)), other.ticket: AffectedChange((), (other,))}
    await write(store, changes(affected=named))
    async with store.batch() as batch:
        assert await batch.affected([TICKET]) == [pat, lee]
        assert await batch.affected([]) == []
    moved = {TICKET: AffectedChange((pat, lee), (lee, eve)), other.ticket: AffectedChange((other,), ())}
    await write(store, changes(affected=moved))
    async with store.batch() as batch:
        assert await batch.affected([TICKET, other.ticket]) == [lee, eve]


async def test_what_was_said_to_a_customer_is_found_by_conversation(store: Store) -> None:
    desk = Author(AuthorKind.DESK, "desk", "Northwind IT")
    written = [
        said(1),
        said(2, author=desk),
        said(3, author=MARCUS.author),
        said(4, author=MARCUS.author, visibility=Visibility.INTERNAL),
        said(1, conversation=ConversationId("other"), author=desk),
    ]
    await write(store, changes(messages=written))
    async with store.batch() as batch:
        found = await batch.said([CHAT, ConversationId("none")])
        assert not await batch.said([])
    assert sorted(found, key=lambda m: m.seq) == written[1:3]


async def test_messages_come_back_by_number_with_hostile_text_unchanged(
    store: Store,
) -> None:
    hostile = "'; DROP TABLE message; -- <b>&\u202e \U0001f600\n"
    file = FileRef("f1", "né.txt", "text/plain", 12)
    written = [said(1, hostile), said(2, "two", files=(file,)), said(3, visibility=Visibility.INTERNAL)]
    await write(store, changes(messages=written))
    async with store.batch() as batch:
        found = await batch.messages([(CHAT, 1), (CHAT, 2), (CHAT, 9), (ConversationId("x"), 3)])
    assert sorted(found, key=lambda m: m.seq) == written[:2]


async def test_a_message_posted_and_revised_in_one_batch_is_kept_revised(store: Store) -> None:
    revised = said(1, "Goodbye", changed=2, edited_at=TUESDAY)
    revision = Revision(CHAT, 1, 2, DANA, TUESDAY, "Hello", deleted=False)
    await write(store, changes(messages=[said(1)], revised={(CHAT, 1): revised}, revisions=[revision]))
    async with store.batch() as batch:
        assert await batch.messages([(CHAT, 1)]) == [revised]


async def test_the_outcome_of_a_received_event_is_told_as_repeated(store: Store) -> None:
    outcome = Outcome(CHAT, 4, TICKET)
    await write(store, changes(received=[("web:1", outcome)]))
    async with store.batch() as batch:
        found = await batch.received(["web:1", "web:2"])
    assert found == {"web:1": Outcome(CHAT, 4, TICKET, repeated=True)}


async def test_a_block_that_raises_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(RuntimeError):
        async with store.batch() as batch:
            await batch.write(changes(conversation(version=1), messages=[said(1)], numbers_used=1))
            raise RuntimeError
    async with store.batch() as batch:
        assert not await batch.conversations([CHAT])
        assert not await batch.messages([(CHAT, 1)])
        assert await batch.next_number() == 1001


@pytest.mark.parametrize("stale", [1, 2, 4])
async def test_a_version_that_does_not_follow_is_refused_and_nothing_is_written(
    store: Store, stale: int
) -> None:
    for version in (1, 2):
        await write(store, changes(conversation(version=version)))
    with pytest.raises(ConcurrentChange):
        await write(store, changes(conversation(Live(()), version=stale), tickets={TICKET: ticket()}))
    async with store.batch() as batch:
        assert (await batch.conversations([CHAT]))[CHAT].version == 2
        assert not await batch.tickets([TICKET])


async def test_a_stale_ticket_is_refused(store: Store) -> None:
    await write(store, changes(tickets={TICKET: ticket(version=1)}))
    with pytest.raises(ConcurrentChange):
        await write(store, changes(tickets={TICKET: ticket(version=3)}))


@pytest.mark.parametrize("clash", ["received", "messages", "chat"])
async def test_what_exists_once_cannot_be_written_twice(store: Store, clash: str) -> None:
    waiting = Waiting(TUESDAY, TUESDAY)
    first = changes(conversation(waiting, version=1), received=[("k", Outcome(None, 0, None))])
    first.messages.append(said(1))
    await write(store, first)
    second = {
        "received": changes(received=[("k", Outcome(None, 0, None))]),
        "messages": changes(messages=[said(1)]),
        "chat": changes(conversation(waiting, version=1, id=ConversationId("another"))),
    }[clash]
    with pytest.raises(ConcurrentChange):
        await write(store, second)


async def test_an_ended_chat_lets_its_browser_open_another(store: Store) -> None:
    await write(store, changes(conversation(Ended(TUESDAY), version=1)))
    other = conversation(Waiting(TUESDAY, TUESDAY), version=1, id=ConversationId("another"))
    await write(store, changes(other))
    async with store.batch() as batch:
        assert await batch.open_conversations([("visitor-dana", "desk"), ("x", "desk")]) == [other]


async def test_the_queue_holds_every_waiting_customer_with_the_tickets_priority(store: Store) -> None:
    waiting = conversation(Waiting(TUESDAY, TUESDAY), version=1)
    live = conversation(Live(("marcus",)), version=1, id=ConversationId("live"), visitor="sam")
    urgent = ticket(priority=Priority.CRITICAL)
    await write(store, changes(waiting, live, tickets={TICKET: urgent}))
    async with store.batch() as batch:
        assert dict(await batch.line()) == {CHAT: QueueEntry(CHAT, TUESDAY, Priority.CRITICAL)}


async def test_numbers_rise_by_those_used_and_a_number_not_used_stays(store: Store) -> None:
    async with store.batch() as batch:
        assert await batch.next_number() == 1001
    await write_with_numbers(store, 3)
    async with store.batch() as batch:
        assert await batch.next_number() == 1004


async def write_with_numbers(store: Store, used: int) -> None:
    async with store.batch() as batch:
        await batch.next_number()
        await batch.write(changes(numbers_used=used))


async def test_history_ratings_deliveries_and_odd_events_are_kept(
    store: Store, database: Database | None
) -> None:
    entry = HistoryEntry(
        TICKET, TUESDAY, MARCUS.author, "assigned", "", TicketStatus.NEW, TicketStatus.ASSIGNED
    )
    rating = Rating(CHAT, 5, "quick", TUESDAY)
    await write(store, changes(history=[entry], ratings=[rating], deliveries=[delivery("d1")]))
    odd = message()
    await store.set_aside(SetAside(odd, "KeyError: 'x'", TUESDAY))
    steps, scores, deliveries, aside = await kept_beside(store, database)
    assert steps == [(TICKET, "assigned", "new", "assigned", MARCUS.name)]
    assert scores == [(CHAT, 5, "quick")]
    assert deliveries == ["d1"]
    assert aside == [(odd.key, "KeyError: 'x'")]


async def kept_beside(store: Store, database: Database | None) -> tuple[list[Any], ...]:
    """What a store holds that batches do not read."""
    if isinstance(store, FakeStore):
        record = store.record
        return (
            [(e.ticket, e.what, str(e.before), str(e.after), e.by.name) for e in record.history],
            [(r.conversation, r.score, r.comment) for r in record.ratings],
            [stored.delivery.id for stored in record.deliveries],
            [(item.event.key, item.reason) for item in store.items_set_aside],
        )
    assert database is not None
    steps = await database.select("SELECT ticket, what, before, after, author_name FROM history")
    ratings = await database.select("SELECT conversation, score, comment FROM rating")
    deliveries = await database.select("SELECT id FROM delivery")
    aside = await database.select("SELECT key, reason FROM set_aside")
    ids = [row["id"] for row in deliveries]
    return list(map(_row, steps)), list(map(_row, ratings)), ids, list(map(_row, aside))


def _row(row: Any) -> tuple[Any, ...]:
    return tuple(row[name] for name in row.keys())  # noqa: SIM118 - a row is no mapping
