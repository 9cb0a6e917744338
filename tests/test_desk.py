"""The desk: batches, repetitions, refusals, poisonous events, conflicts, failing storage and stopping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import DialogueState, Waiting
from chatdesk.desk import FEW, MAX_BATCH, SMALL_BATCH, Desk, Flows
from chatdesk.effects import Decision
from chatdesk.errors import ConcurrentChange, DeskStopped, EventRefused, NotFound, StorageError
from chatdesk.events import AnyEvent, CustomerMessaged
from chatdesk.hub import Hub
from chatdesk.situation import Situation
from flows import live_chat, ticket_work
from storage.database import Database
from storage.store import TortoiseStore
from tests.core_builders import message, new_desk, running, survey, url
from tests.fake_store import FakeBatch, FakeStore


def poisoned_flow(state: DialogueState, event: AnyEvent, situation: Situation) -> Decision:
    if isinstance(event, CustomerMessaged) and event.text == "poison":
        raise KeyError("poison")
    return live_chat.step(state, event, situation)


async def submitted(desk: Desk, *events: AnyEvent) -> list[object]:
    """Submit the events together and return each one's outcome or error."""
    return list(await asyncio.gather(*map(desk.submit, events), return_exceptions=True))


async def test_a_repetition_is_answered_with_the_first_outcome_within_a_batch_and_later() -> None:
    store = FakeStore()
    async with running(new_desk(store)) as desk:
        first, again = await asyncio.gather(desk.receive(survey(key="s")), desk.receive(survey(key="s")))
        later = await desk.receive(survey(key="s"))
        await desk.receive(message())
        latest = await desk.receive(survey(key="s"))
    assert again == later == latest == replace(first, repeated=True)
    assert len(store.record.tickets) == 1


async def test_events_submitted_together_are_committed_together() -> None:
    store = FakeStore()
    async with running(new_desk(store)) as desk:
        await submitted(desk, survey(), *(message(str(n)) for n in range(100)))
    assert store.batches == 1
    assert [m.text for m in store.record.messages.values() if m.text.isdigit()] == [
        str(n) for n in range(100)
    ]


async def test_a_poisonous_event_is_set_aside_and_all_others_are_committed() -> None:
    store = FakeStore()
    async with running(new_desk(store, flows=Flows(poisoned_flow, ticket_work.step))) as desk:
        results = await submitted(desk, survey(), message("a"), message("poison"), message("b"))
    assert isinstance(results[2], EventRefused)
    assert results[2].code == "set_aside"
    (kept,) = store.items_set_aside
    assert (kept.reason, kept.event.text) == ("KeyError: 'poison'", "poison")  # type: ignore[union-attr]
    assert [m.text for m in store.record.messages.values()][2:] == ["a", "b"]


async def test_an_event_that_cannot_be_written_is_found_by_halves_and_set_aside(tmp_path: Path) -> None:
    events = [message(str(n)) for n in range(40)]
    unwritable = message(key="\ud800")
    async with Database(url(tmp_path)) as database:
        store = TortoiseStore(database)
        async with running(new_desk(store)) as desk:
            await desk.receive(survey())
            results = await submitted(desk, *events[:23], unwritable, *events[23:])
            (row,) = await database.writer.execute_query_dict("SELECT COUNT(*) AS number FROM message")
            aside = await database.writer.execute_query_dict("SELECT kind FROM set_aside")
    assert [n for n, result in enumerate(results) if isinstance(result, Exception)] == [23]
    assert row["number"] == 42
    assert aside == [{"kind": "CustomerMessaged"}]


async def test_when_storage_fails_nothing_is_acknowledged_and_nothing_is_set_aside() -> None:
    store = FakeStore()
    async with running(new_desk(store)) as desk:
        store.fail_on_write = [StorageError("disk full")]
        results = await submitted(desk, survey(), message())
        assert [type(result) for result in results] == [StorageError, StorageError]
        assert not store.record.tickets
        assert (await desk.receive(survey())).ticket == 1001
    assert store.items_set_aside == []


async def test_an_event_that_cannot_even_be_set_aside_may_be_sent_again() -> None:
    store = FakeStore()
    async with running(new_desk(store, flows=Flows(poisoned_flow, ticket_work.step))) as desk:
        await desk.receive(survey())
        store.fail_on_set_aside = [OSError("gone")]
        with pytest.raises(StorageError):
            await desk.receive(message("poison"))
        await desk.receive(message("still working"))


async def test_a_conflict_is_stepped_again_from_the_state_as_it_is_then() -> None:
    store = FakeStore()
    async with running(new_desk(store)) as desk:
        await desk.receive(survey())
        store.fail_on_write = [ConcurrentChange("another writer")] * 3
        outcome = await desk.receive(message())
    assert outcome.seq == max(seq for _, seq in store.record.messages)
    assert store.batches == 5


async def test_a_conflict_that_lasts_is_the_storages_fault() -> None:
    store = FakeStore()
    async with running(new_desk(store)) as desk:
        store.fail_on_write = [ConcurrentChange("another writer")] * 100
        with pytest.raises(StorageError):
            await desk.receive(survey())
    assert store.items_set_aside == []


async def test_a_refused_event_changes_nothing_and_says_why() -> None:
    store = FakeStore()
    async with running(new_desk(store)) as desk:
        await desk.receive(survey())
        before = store.record
        with pytest.raises(NotFound):
            await desk.receive(message(visitor="a stranger"))
        assert store.record == before


async def test_two_surveys_at_once_from_one_browser_open_one_chat() -> None:
    store = FakeStore()
    async with running(new_desk(store)) as desk:
        first, second = await asyncio.gather(desk.receive(survey("one")), desk.receive(survey("two")))
        third = await desk.receive(survey("three"))
    assert second == third == replace(first, repeated=True)
    assert list(store.record.conversations) == ["one"]


async def test_a_survey_for_a_strangers_conversation_learns_nothing_of_it() -> None:
    async with running(new_desk(FakeStore())) as desk:
        await desk.receive(survey("one"))
        with pytest.raises(NotFound):
            await desk.receive(survey("one", visitor="a stranger"))


async def test_stopping_commits_what_was_submitted_and_takes_no_more() -> None:
    store = FakeStore()
    desk = new_desk(store)
    futures = [desk.submit(survey()), *(desk.submit(message(str(n))) for n in range(2 * MAX_BATCH))]
    desk.stop()
    with pytest.raises(DeskStopped):
        await desk.receive(message())
    await desk.run()
    assert all(future.result().ticket == 1001 for future in futures)
    assert len(store.record.received) == 2 * MAX_BATCH + 1


async def test_a_desk_that_is_cancelled_leaves_nobody_waiting() -> None:
    store, stuck = FakeStore(), asyncio.Event()
    desk = new_desk(store, flows=Flows(live_chat.step, ticket_work.step))
    reached = asyncio.Event()

    async def never_stored(_: Changes) -> None:
        reached.set()
        await stuck.wait()

    task = asyncio.create_task(desk.run())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.fake_store.FakeBatch.write", lambda _, changes: never_stored(changes))
        first = desk.submit(survey())
        await reached.wait()
        second = desk.submit(message())
        task.cancel()
        results = await asyncio.gather(first, second, task, return_exceptions=True)
    assert [type(result) for result in results] == [DeskStopped, DeskStopped, asyncio.CancelledError]


async def test_a_sender_that_went_away_stops_nothing() -> None:
    store = FakeStore()
    async with running(new_desk(store)) as desk:
        desk.submit(survey()).cancel()
        await desk.receive(message())
    assert 1001 in store.record.tickets


def explode(_: object) -> None:
    raise RuntimeError


@pytest.mark.parametrize("listen", [Desk.on_commit, lambda desk, listener: desk.hub.listen_to_desk(listener)])
async def test_a_raising_listener_keeps_the_outcome_from_nobody(
    listen: Callable[[object, Callable[[object], None]], None],
) -> None:
    store, hub = FakeStore(), Hub()
    desk = new_desk(store, hub)
    told: list[Changes] = []
    if listen is Desk.on_commit:
        desk.on_commit(explode)
    else:
        hub.listen_to_desk(explode)
    desk.on_commit(told.append)
    async with running(desk):
        assert (await desk.receive(survey())).ticket == 1001
    assert len(told) == 1


async def test_what_is_told_to_listeners_is_stored_already() -> None:
    store, hub = FakeStore(), Hub()
    desk = new_desk(store, hub)
    seen: list[bool] = []
    desk.on_commit(lambda changes: seen.append(set(changes.tickets) <= set(store.record.tickets)))
    async with running(desk):
        await desk.receive(survey())
    assert seen == [True]


@pytest.mark.parametrize(
    ("waiting", "works_elsewhere"), [(FEW - 1, True), (FEW, True), (FEW, False), (SMALL_BATCH, False)]
)
async def test_a_batch_is_told_while_a_large_one_or_another_process_is_writing(
    waiting: int, works_elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = await order_of_two_batches(waiting, works_elsewhere, monkeypatch)
    assert happened == ["written to", "written to", "told", "told"]


async def test_a_batch_is_told_before_the_process_itself_writes_a_few_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    happened = await order_of_two_batches(FEW - 1, False, monkeypatch)
    assert happened == ["written to", "told", "written to", "told"]


async def order_of_two_batches(
    waiting: int, works_elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Return what happens when so many events wait for a batch.

    The second write lasts until the first batch is told, or fails after a time.
    """
    happened: list[str] = []
    write = FakeBatch.write
    first_is_told = asyncio.Event()

    async def slow_write(batch: FakeBatch, changes: Changes) -> None:
        happened.append("written to")
        if happened.count("written to") == 2:
            async with asyncio.timeout(10):
                await first_is_told.wait()
        await write(batch, changes)

    def told(_: object) -> None:
        happened.append("told")
        first_is_told.set()

    monkeypatch.setattr(FakeBatch, "write", slow_write)
    store = FakeStore()
    store.works_elsewhere = works_elsewhere
    desk = new_desk(store)
    desk.on_commit(told)
    events = [survey(), *(message(str(n)) for n in range(SMALL_BATCH - 1 + waiting))]
    futures = [desk.submit(event) for event in events]
    async with running(desk):
        await asyncio.gather(*futures)
    return happened


@pytest.mark.parametrize(
    ("waiting", "first"),
    [
        (1, 1),
        (SMALL_BATCH, SMALL_BATCH),
        (2 * SMALL_BATCH, SMALL_BATCH),
        (2 * SMALL_BATCH + 4, SMALL_BATCH + 2),
        (3 * MAX_BATCH, MAX_BATCH),
    ],
)
async def test_of_many_events_half_are_taken_at_once(waiting: int, first: int) -> None:
    desk, sizes = new_desk(FakeStore()), list[int]()
    desk.on_batch(lambda report: sizes.append(len(report.results)))
    futures = [desk.submit(survey()), *(desk.submit(message(str(n))) for n in range(waiting - 1))]
    async with running(desk):
        await asyncio.gather(*futures)
    assert sizes[0] == first
    assert sum(sizes) == waiting


async def test_ticket_numbers_rise_without_reuse_over_refusals_rollbacks_and_restarts(tmp_path: Path) -> None:
    numbers: list[int | None] = []
    for restart in range(3):
        async with Database(url(tmp_path)) as database:
            store = TortoiseStore(database)
            async with running(new_desk(store)) as desk:
                numbers.append((await desk.receive(survey(f"a{restart}", f"v{restart}"))).ticket)
                with pytest.raises(RuntimeError):
                    async with store.batch() as batch:
                        await batch.next_number()
                        await batch.write(Changes(numbers_used=1))
                        raise RuntimeError
                results = await submitted(
                    desk, survey(f"b{restart}", f"w{restart}"), survey(f"a{restart}", "a stranger")
                )
                numbers.append(results[0].ticket)  # type: ignore[attr-defined]
                assert isinstance(results[1], NotFound)
    assert numbers == [1001, 1002, 1003, 1004, 1005, 1006]


async def test_one_commit_is_one_version_however_many_events_it_holds(tmp_path: Path) -> None:
    async with Database(url(tmp_path)) as database:
        store = TortoiseStore(database)
        async with running(new_desk(store)) as desk:
            outcome = await desk.receive(survey())
            await submitted(desk, *(message(str(n)) for n in range(5)))
            await submitted(desk, *(message(str(n)) for n in range(5)))
        async with store.batch() as batch:
            chat = (await batch.conversations([outcome.conversation]))[outcome.conversation]  # type: ignore[list-item,index]
    assert (chat.version, chat.last_seq) == (3, 12)
    assert isinstance(chat.state, Waiting)
