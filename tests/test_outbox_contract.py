"""What every Outbox must do, tried on the one in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chatdesk.outbox import Delivery, DeliveryResult, DeliveryStatus
from chatdesk.ports import Outbox, Store
from storage import outbox
from storage.connection import fetch
from storage.database import Database
from storage.outbox import _FINISH_SQLITE, _RENEW_SQLITE, NOT_KEPT, TortoiseOutbox
from storage.store import TortoiseStore
from tests.core_builders import delivery, queue_up, url
from tests.desk_builders import TUESDAY
from tests.fake_store import FakeOutbox, FakeStore

SECOND = timedelta(seconds=1)
LEASE = timedelta(minutes=2)


@dataclass
class Kept:
    store: Store
    outbox: Outbox

    async def lease(self, now: datetime = TUESDAY, limit: int = 100) -> list[Delivery]:
        return list(await self.outbox.lease(now, now + LEASE, limit))

    async def ids(self, now: datetime = TUESDAY, limit: int = 100) -> list[str]:
        return [leased.id for leased in await self.lease(now, limit)]

    async def finish(
        self, identity: str, status: DeliveryStatus, attempt: int = 1, retry_at: datetime | None = None
    ) -> None:
        await self.outbox.finish([DeliveryResult(identity, attempt, status, retry_at=retry_at)], TUESDAY)


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    if request.param == "fake":
        store = FakeStore()
        yield Kept(store, FakeOutbox(store))
        return
    async with Database(url(tmp_path, request.param)) as database:
        yield Kept(TortoiseStore(database), TortoiseOutbox(database))


async def test_only_the_oldest_of_a_lane_and_target_is_leased(kept: Kept) -> None:
    await queue_up(
        kept.store, delivery("a1"), delivery("a2"), delivery("b1", "2"), delivery("c1", target="teams")
    )
    assert await kept.ids() == ["a1", "b1", "c1"]
    assert await kept.ids() == []
    await kept.finish("a1", DeliveryStatus.DONE)
    assert await kept.ids() == ["a2"]


@pytest.mark.parametrize("status", [DeliveryStatus.DONE, DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN])
async def test_a_finished_delivery_is_never_leased_again(kept: Kept, status: DeliveryStatus) -> None:
    await queue_up(kept.store, delivery("a1"))
    await kept.lease()
    await kept.finish("a1", status)
    assert await kept.ids(TUESDAY + 100 * LEASE) == []
    assert await kept.outbox.next_due() is None


async def test_a_delivery_waits_for_its_time_and_holds_its_lane_meanwhile(kept: Kept) -> None:
    await queue_up(kept.store, delivery("a1", due=TUESDAY + SECOND), delivery("a2"), delivery("b1", "2"))
    assert await kept.ids() == ["b1"]
    assert await kept.ids(TUESDAY + SECOND) == ["a1"]


async def test_a_delayed_delivery_is_leased_again_at_its_time_without_doubt(kept: Kept) -> None:
    await queue_up(kept.store, delivery("a1"))
    await kept.lease()
    await kept.finish("a1", DeliveryStatus.PENDING, retry_at=TUESDAY + SECOND)
    assert await kept.outbox.next_due() == TUESDAY + SECOND
    assert await kept.ids() == []
    (again,) = await kept.lease(TUESDAY + SECOND)
    assert (again.attempts, again.uncertain) == (2, False)


async def test_a_delivery_in_doubt_is_leased_again_at_its_time_as_uncertain(kept: Kept) -> None:
    await queue_up(kept.store, delivery("a1"))
    await kept.lease()
    await kept.finish("a1", DeliveryStatus.LEASED, retry_at=TUESDAY + SECOND)
    (again,) = await kept.lease(TUESDAY + SECOND)
    assert (again.attempts, again.uncertain) == (2, True)


async def test_a_lease_that_ran_out_is_leased_as_uncertain_with_the_same_delivery(kept: Kept) -> None:
    await queue_up(kept.store, delivery("a1"))
    (first,) = await kept.lease()
    assert (first.attempts, first.uncertain) == (1, False)
    assert await kept.outbox.next_due() == TUESDAY + LEASE
    assert await kept.ids(TUESDAY + LEASE - SECOND) == []
    (second,) = await kept.lease(TUESDAY + LEASE)
    assert (second.id, second.attempts, second.uncertain) == ("a1", 2, True)


async def test_the_result_of_an_attempt_whose_lease_passed_on_is_ignored(kept: Kept) -> None:
    await queue_up(kept.store, delivery("a1"))
    await kept.lease()
    await kept.lease(TUESDAY + LEASE)
    await kept.finish("a1", DeliveryStatus.DONE, attempt=1)
    (third,) = await kept.lease(TUESDAY + 2 * LEASE)
    assert third.attempts == 3


async def test_what_is_renewed_is_held_for_longer_and_is_the_same_attempt(kept: Kept) -> None:
    await queue_up(kept.store, delivery("a1"), delivery("b1", "2"), delivery("c1", "3"))
    first, second, _ = await kept.lease()
    assert set(await kept.outbox.renew([first, second], TUESDAY + 2 * LEASE)) == {"a1", "b1"}
    assert await kept.ids(TUESDAY + LEASE) == ["c1"]
    await kept.finish("a1", DeliveryStatus.DONE)
    assert await kept.ids(TUESDAY + 2 * LEASE - SECOND) == []
    assert await kept.outbox.next_due() == TUESDAY + 2 * LEASE
    leased = await kept.lease(TUESDAY + 2 * LEASE)
    assert {(again.id, again.attempts, again.uncertain) for again in leased} == {
        ("b1", 2, True),
        ("c1", 3, True),
    }


async def test_an_attempt_whose_lease_passed_on_is_not_renewed(kept: Kept) -> None:
    await queue_up(kept.store, delivery("a1"), delivery("b1", "2"))
    first, other = await kept.lease()
    await kept.outbox.renew([other], TUESDAY + 9 * LEASE)
    (second,) = await kept.lease(TUESDAY + LEASE)
    assert set(await kept.outbox.renew([first, other], TUESDAY + 9 * LEASE)) == {"b1"}
    assert await kept.outbox.next_due() == TUESDAY + 2 * LEASE
    assert set(await kept.outbox.renew([second], TUESDAY + 3 * LEASE)) == {"a1"}


async def test_a_lease_that_ran_out_and_was_not_taken_can_still_be_renewed(kept: Kept) -> None:
    await queue_up(kept.store, delivery("a1"))
    leased = await kept.lease()
    assert set(await kept.outbox.renew(leased, TUESDAY + 3 * LEASE)) == {"a1"}
    assert await kept.ids(TUESDAY + 2 * LEASE) == []


@pytest.mark.parametrize("status", [DeliveryStatus.DONE, DeliveryStatus.FAILED, DeliveryStatus.PENDING])
async def test_what_has_ended_is_not_renewed(kept: Kept, status: DeliveryStatus) -> None:
    await queue_up(kept.store, delivery("a1"))
    leased = await kept.lease()
    retry_at = TUESDAY + SECOND if status is DeliveryStatus.PENDING else None
    await kept.finish("a1", status, retry_at=retry_at)
    assert list(await kept.outbox.renew(leased, TUESDAY + 9 * LEASE)) == []
    assert await kept.outbox.next_due() == retry_at


async def test_no_more_are_leased_than_asked_for(kept: Kept) -> None:
    await queue_up(kept.store, *(delivery(f"d{n}", lane=str(n)) for n in range(5)))
    assert await kept.ids(limit=2) == ["d0", "d1"]
    assert await kept.ids(limit=2) == ["d2", "d3"]


async def test_next_due_is_the_earliest_of_those_that_may_go(kept: Kept) -> None:
    assert await kept.outbox.next_due() is None
    await queue_up(
        kept.store,
        delivery("a1", due=TUESDAY + 9 * SECOND),
        delivery("a2"),
        delivery("b1", "2", due=TUESDAY + SECOND),
    )
    assert await kept.outbox.next_due() == TUESDAY + SECOND


SAID = {
    "a NUL": ("a\x00b", "ab"),
    "half a character": ("a\udce4b", "a\ufffdb"),
    "more than fits": ("x" * 3_000, "x" * 2_000),
}
"""What another side may say, and what is kept of it."""


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
async def test_what_the_other_side_says_is_kept_as_far_as_a_database_takes_it(
    kept: Kept, said: tuple[str, str]
) -> None:
    await queue_up(kept.store, delivery("a1"), delivery("b1", "2"))
    await kept.lease()
    done, failed = DeliveryStatus.DONE, DeliveryStatus.FAILED
    results = [
        DeliveryResult("a1", 1, done, external_id=said[0]),
        DeliveryResult("b1", 1, failed, error=said[0]),
    ]
    await kept.outbox.finish(results, TUESDAY)
    assert await kept.outbox.next_due() is None
    if isinstance(kept.outbox, TortoiseOutbox):
        assert await noted(kept.outbox) == [("done", said[1][:255], ""), ("failed", "", said[1])]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_result_that_cannot_be_kept_keeps_no_other_from_being_noted(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "clean_text", lambda text: text)
    async with Database(url(tmp_path, kind)) as database:
        store, kept_there = TortoiseStore(database), TortoiseOutbox(database)
        await queue_up(store, delivery("a1"), delivery("b1", "2"))
        await kept_there.lease(TUESDAY, TUESDAY + LEASE, 10)
        results = [
            DeliveryResult("a1", 1, DeliveryStatus.UNKNOWN, error="a\udce4b"),
            DeliveryResult("b1", 1, DeliveryStatus.DONE, external_id="there"),
        ]
        await kept_there.finish(results, TUESDAY)
        assert await noted(kept_there) == [("unknown", "", NOT_KEPT), ("done", "there", "")]


async def noted(kept_there: TortoiseOutbox) -> list[tuple[str, str, str]]:
    """Return what is noted of the deliveries, in their order."""
    query = 'SELECT status, external_id, error FROM delivery ORDER BY "row"'
    rows = await kept_there._database.select(query)
    return [(row["status"], row["external_id"], row["error"]) for row in rows]


@pytest.mark.sqlite("its statement; PostgreSQL reads the JSON once by itself")
@pytest.mark.parametrize(
    ("statement", "values"), [(_FINISH_SQLITE, ["[]"]), (_RENEW_SQLITE, ["[]", TUESDAY])]
)
async def test_deliveries_under_way_are_found_by_their_ids_however_many_are_leased(
    tmp_path: Path, statement: str, values: list[object]
) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        plan = await fetch(database.reader, f"EXPLAIN QUERY PLAN {statement}", *values)
    assert ["(id=?)" in step["detail"] for step in plan if "delivery" in step["detail"]] == [True]
