"""The relay: order, back-off, doubt, timers, full house, failing storage and stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chatdesk.errors import (
    DeliveryDelayed,
    DeliveryRefused,
    DeliveryUnknown,
    DeliveryWaits,
    DeskStopped,
    StorageError,
)
from chatdesk.events import AnyEvent, Outcome, TimerFired
from chatdesk.metrics import BatchReport
from chatdesk.outbox import TIMER_TARGET, Delivery, DeliveryKind, DeliveryStatus
from chatdesk.relay import A_ROUND, LOAD_LASTS, MANY_EVENTS, Relay, RetryPolicy, StopPolicy
from tests.core_builders import FakeClock, delivery, queue_up
from tests.desk_builders import TUESDAY
from tests.fake_store import FakeOutbox, FakeStore

LEASE = timedelta(minutes=2)


@dataclass
class ScriptedChannel:
    """A channel that does as it was told, delivery by delivery, and else succeeds."""

    name: str = "slack"
    answers: dict[str, list[Exception]] = field(default_factory=dict)
    there: dict[str, str | Exception | None] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    looked_for: list[str] = field(default_factory=list)
    sending: int = 0
    ended: list[float] = field(default_factory=list)
    """By the event loop's clock."""

    async def send(self, delivery: Delivery) -> str:
        self.sent.append(delivery.id)
        self.sending += 1
        try:
            if delivery.id in self.held:
                await self.held[delivery.id].wait()
        finally:
            self.sending -= 1
            self.ended.append(asyncio.get_running_loop().time())
        if self.answers.get(delivery.id):
            raise self.answers[delivery.id].pop(0)
        return f"ts-{delivery.id}"

    async def find(self, delivery: Delivery) -> str | None:
        self.looked_for.append(delivery.id)
        found = self.there.get(delivery.id)
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class PatientChannel(ScriptedChannel):
    """A channel whose calls may take as long as this."""

    patience: timedelta = timedelta(minutes=40)


@dataclass
class ScriptedDesk:
    """A desk that takes events, or raises."""

    received: list[AnyEvent] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def receive(self, event: AnyEvent) -> Outcome:
        if self.failures:
            raise self.failures.pop(0)
        self.received.append(event)
        return Outcome(None, 0, None)


@dataclass
class Setting:
    store: FakeStore = field(default_factory=FakeStore)
    clock: FakeClock = field(default_factory=FakeClock)
    channel: ScriptedChannel = field(default_factory=ScriptedChannel)
    desk: ScriptedDesk = field(default_factory=ScriptedDesk)
    limit: int = 100
    chance: float = 0.5
    lease: timedelta = LEASE

    def __post_init__(self) -> None:
        self.outbox = FakeOutbox(self.store)
        self.relay = Relay(
            self.outbox,
            self.desk,  # type: ignore[arg-type]
            {"slack": self.channel},
            self.clock,
            lambda: self.chance,
            lease=self.lease,
            limit=self.limit,
        )

    def status(self, identity: str) -> DeliveryStatus:
        return next(item.status for item in self.store.record.deliveries if item.delivery.id == identity)

    def due_in(self, identity: str) -> float:
        found = next(item for item in self.store.record.deliveries if item.delivery.id == identity)
        return (found.due_at - self.clock.now).total_seconds()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the relay go on until the condition holds."""
        async with asyncio.timeout(10):
            while not condition():
                self.relay.wake()
                await asyncio.sleep(0)

    async def settled(self, *ids: str) -> None:
        await self.until(
            lambda: all(
                self.status(identity) is not DeliveryStatus.LEASED and self.channel.sending == 0
                for identity in ids
            )
        )


@asynccontextmanager
async def running(setting: Setting) -> AsyncIterator[Setting]:
    task = asyncio.create_task(setting.relay.run())
    try:
        yield setting
    finally:
        for event in setting.channel.held.values():
            event.set()
        setting.relay.stop()
        await asyncio.wait_for(task, 10)


def done(setting: Setting, *ids: str) -> Callable[[], bool]:
    return lambda: all(setting.status(identity) is DeliveryStatus.DONE for identity in ids)


async def test_a_lane_is_sent_in_the_order_queued() -> None:
    setting = Setting()
    ids = [f"d{n}" for n in range(20)]
    await queue_up(setting.store, *map(delivery, ids))
    async with running(setting):
        await setting.until(done(setting, *ids))
    assert setting.channel.sent == ids


async def test_a_slow_delivery_holds_only_its_own_lane() -> None:
    setting = Setting()
    setting.channel.held["slow"] = asyncio.Event()
    await queue_up(setting.store, delivery("slow"), delivery("behind"), delivery("other", "2"))
    async with running(setting):
        await setting.until(done(setting, "other"))
        assert setting.channel.sent == ["slow", "other"]
        setting.channel.held["slow"].set()
        await setting.until(done(setting, "slow", "behind"))


async def test_a_delayed_delivery_backs_off_and_goes_before_what_came_after_it() -> None:
    setting = Setting()
    setting.channel.answers["a"] = [DeliveryDelayed("busy"), DeliveryDelayed("busy")]
    await queue_up(setting.store, delivery("a"), delivery("b"))
    async with running(setting):
        for wait in (2, 4):
            await setting.until(lambda: setting.due_in("a") > 0 and setting.channel.sending == 0)
            await setting.settled("a")
            assert setting.due_in("a") == wait
            sent = len(setting.channel.sent)
            setting.clock.advance(wait)
            await setting.until(lambda sent=sent: len(setting.channel.sent) > sent)  # type: ignore[misc]
        await setting.until(done(setting, "a", "b"))
    assert setting.channel.sent == ["a", "a", "a", "b"]


async def test_the_other_sides_wish_to_wait_is_kept() -> None:
    setting = Setting()
    setting.channel.answers["a"] = [DeliveryDelayed("429", retry_after=90.0)]
    await queue_up(setting.store, delivery("a"))
    async with running(setting):
        await setting.until(lambda: setting.due_in("a") > 0)
        await setting.settled("a")
        assert setting.due_in("a") == 90


@pytest.mark.parametrize(
    ("attempt", "chance", "seconds"),
    [
        (1, 0.5, 2),
        (2, 0.5, 4),
        (5, 0.5, 32),
        (1, 0.0, 1.8),
        (12, 0.5, 1800),
        (500, 0.5, 1800),
        (500, 1.0, 1980),
    ],
)
def test_waits_double_up_to_the_longest_and_vary_by_a_tenth(
    attempt: int, chance: float, seconds: float
) -> None:
    assert RetryPolicy().wait(attempt, chance).total_seconds() == pytest.approx(seconds)


async def test_a_delivery_is_given_up_after_the_last_attempt() -> None:
    setting = Setting()
    setting.channel.answers["a"] = [DeliveryDelayed("busy")] * 12
    await queue_up(setting.store, delivery("a"))
    async with running(setting):
        while setting.status("a") is not DeliveryStatus.FAILED:
            await setting.until(
                lambda: setting.status("a") in (DeliveryStatus.PENDING, DeliveryStatus.FAILED)
            )
            setting.clock.advance(3600)
            sent = len(setting.channel.sent)
            await setting.until(
                lambda sent=sent: (
                    len(setting.channel.sent) > sent  # type: ignore[misc]
                    or setting.status("a") is DeliveryStatus.FAILED
                )
            )
    assert len(setting.channel.sent) == 12


async def test_a_refused_delivery_fails_and_lets_the_next_go() -> None:
    setting = Setting()
    setting.channel.answers["a"] = [DeliveryRefused("no such channel")]
    await queue_up(setting.store, delivery("a"), delivery("b"))
    async with running(setting):
        await setting.until(done(setting, "b"))
    assert setting.status("a") is DeliveryStatus.FAILED


async def test_a_delivery_for_a_channel_that_is_not_configured_fails() -> None:
    setting = Setting()
    await queue_up(setting.store, delivery("a", target="fax"))
    async with running(setting):
        await setting.until(lambda: setting.status("a") is DeliveryStatus.FAILED)


@pytest.mark.parametrize("error", [DeliveryUnknown("cut off"), ConnectionResetError("reset")])
@pytest.mark.parametrize(
    ("there", "status", "sends"),
    [
        ("ts-9", DeliveryStatus.DONE, 1),
        (DeliveryUnknown("cannot tell"), DeliveryStatus.UNKNOWN, 1),
        (None, DeliveryStatus.DONE, 2),
    ],
)
async def test_an_unknown_outcome_is_looked_up_and_never_repeated_blindly(
    error: Exception, there: str | Exception | None, status: DeliveryStatus, sends: int
) -> None:
    setting = Setting()
    setting.channel.answers["a"] = [error]
    setting.channel.there["a"] = there
    await queue_up(setting.store, delivery("a"))
    async with running(setting):
        await setting.until(lambda: len(setting.channel.looked_for) == 1)
        await setting.settled("a")
        setting.clock.advance(3600)
        await setting.until(lambda: setting.status("a") is status)
    assert len(setting.channel.sent) == sends


@pytest.mark.parametrize(("there", "sent"), [("ts-9", []), (None, ["a"])])
async def test_after_a_lease_ran_out_the_relay_looks_before_it_sends(
    there: str | None, sent: list[str]
) -> None:
    setting = Setting()
    setting.channel.there["a"] = there
    await queue_up(setting.store, delivery("a"))
    await setting.outbox.lease(TUESDAY, TUESDAY + LEASE, 1)
    setting.clock.advance(LEASE.total_seconds())
    async with running(setting):
        await setting.until(done(setting, "a"))
    assert setting.channel.looked_for == ["a"]
    assert setting.channel.sent == sent


async def test_a_doubt_outlives_a_wait_in_which_nobody_could_look() -> None:
    setting = Setting()
    setting.channel.answers["a"] = [DeliveryUnknown("cut off")]
    setting.channel.there["a"] = DeliveryDelayed("429", retry_after=30)
    await queue_up(setting.store, delivery("a"))
    async with running(setting):
        await setting.until(lambda: setting.due_in("a") == 30)
        setting.channel.there["a"] = "ts-9"
        setting.clock.advance(30)
        await setting.until(done(setting, "a"))
    assert setting.channel.sent == ["a"]


def timer(identity: str = "t") -> Delivery:
    due = (TUESDAY + timedelta(seconds=30)).isoformat()
    return Delivery(
        id=identity,
        target=TIMER_TARGET,
        kind=DeliveryKind.TIMER,
        lane=identity,
        due_at=TUESDAY + timedelta(seconds=30),
        created_at=TUESDAY,
        payload={"name": "no_answer", "due": due, "of_ticket": False},
    )


async def test_a_timer_fires_once_at_its_time() -> None:
    setting = Setting()
    await queue_up(setting.store, timer())
    async with running(setting):
        await setting.until(lambda: setting.outbox.leases > 3)
        assert setting.desk.received == []
        setting.clock.advance(31)
        await setting.until(done(setting, "t"))
        leases = setting.outbox.leases
        await setting.until(lambda: setting.outbox.leases > leases + 3)
    (event,) = setting.desk.received
    assert isinstance(event, TimerFired)
    assert event.due == TUESDAY + timedelta(seconds=30)


async def test_a_timer_whose_lease_ran_out_fires_with_its_own_time_and_key() -> None:
    setting = Setting()
    await queue_up(setting.store, timer())
    setting.clock.advance(30)
    await setting.outbox.lease(setting.clock.now, setting.clock.now + LEASE, 1)
    setting.clock.advance(LEASE.total_seconds())
    async with running(setting):
        await setting.until(done(setting, "t"))
    (event,) = setting.desk.received
    assert isinstance(event, TimerFired)
    assert (event.due, event.key) == (TUESDAY + timedelta(seconds=30), "timer:t")


@pytest.mark.parametrize("error", [StorageError("disk full"), DeskStopped("stopping")])
async def test_a_timer_that_the_desk_cannot_take_now_is_never_lost(error: Exception) -> None:
    setting = Setting()
    setting.desk.failures = [error] * 15
    await queue_up(setting.store, timer())
    async with running(setting):
        while not setting.desk.received:
            setting.clock.advance(3600)
            left = len(setting.desk.failures)
            await setting.until(
                lambda left=left: len(setting.desk.failures) < left or bool(setting.desk.received)  # type: ignore[misc]
            )
    assert setting.desk.failures == []


async def test_a_failing_database_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting()
    await queue_up(setting.store, delivery("a"), delivery("b"))
    setting.outbox.failures = [StorageError("locked")] * 3
    async with running(setting):
        await setting.until(lambda: setting.channel.sent == ["a"])
        setting.outbox.failures = [StorageError("locked")] * 3
        await setting.until(done(setting, "a", "b"))
    assert setting.channel.sent == ["a", "b"]


async def test_a_full_house_waits_for_a_place_without_asking_the_database_again() -> None:
    setting = Setting(limit=1)
    setting.channel.held["slow"] = asyncio.Event()
    await queue_up(setting.store, delivery("slow"), delivery("b", "2"))
    async with running(setting):
        await setting.until(lambda: setting.channel.sending == 1)
        leases = setting.outbox.leases
        for _ in range(50):
            await asyncio.sleep(0)
        assert setting.outbox.leases == leases
        setting.channel.held["slow"].set()
        await setting.until(done(setting, "slow", "b"))


async def test_stopping_waits_for_what_is_being_sent_and_notes_it() -> None:
    setting = Setting()
    setting.channel.held["a"] = asyncio.Event()
    await queue_up(setting.store, delivery("a"), delivery("b"))
    task = asyncio.create_task(setting.relay.run())
    await setting.until(lambda: setting.channel.sending == 1)
    setting.relay.stop()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    setting.channel.held["a"].set()
    await asyncio.wait_for(task, 10)
    assert setting.status("a") is DeliveryStatus.DONE
    assert setting.channel.sent == ["a"]


async def test_stopping_ends_although_the_database_is_gone() -> None:
    setting = Setting()
    setting.channel.held["a"] = asyncio.Event()
    await queue_up(setting.store, delivery("a"))
    task = asyncio.create_task(setting.relay.run())
    await setting.until(lambda: setting.channel.sending == 1)
    setting.outbox.failures = [StorageError("gone")] * 1000
    setting.relay.stop()
    setting.channel.held["a"].set()
    await asyncio.wait_for(task, 10)
    assert setting.status("a") is DeliveryStatus.LEASED


async def test_a_call_that_hangs_ends_before_its_lease_does() -> None:
    setting = Setting(lease=timedelta(seconds=0.05))
    setting.channel.held["a"] = asyncio.Event()
    setting.channel.there["a"] = DeliveryUnknown("cannot tell")
    await queue_up(setting.store, delivery("a"))
    async with running(setting):
        await setting.until(lambda: setting.status("a") is DeliveryStatus.UNKNOWN)
    assert setting.channel.sent == ["a"]


def patient(lease: timedelta = LEASE, patience: timedelta = timedelta(minutes=40)) -> Setting:
    """Return a setting in which "a" is being sent until the test lets it end, and "behind" waits for it."""
    setting = Setting(channel=PatientChannel(patience=patience), lease=lease)
    setting.channel.held["a"] = asyncio.Event()
    return setting


async def begin_slow(setting: Setting) -> None:
    await queue_up(setting.store, delivery("a"), delivery("behind"))
    await setting.until(lambda: setting.channel.sending == 1)


async def test_what_takes_long_is_held_lease_after_lease_and_no_other_relay_begins_it() -> None:
    setting = patient()
    other = Setting(setting.store, setting.clock)
    async with running(setting), running(other):
        await begin_slow(setting)
        for renewals in range(1, 13):
            setting.clock.advance(45)
            await setting.until(lambda renewals=renewals: setting.outbox.renewals == renewals)  # type: ignore[misc]
            leases = other.outbox.leases
            await other.until(lambda leases=leases: other.outbox.leases > leases + 3)  # type: ignore[misc]
        assert setting.due_in("a") == LEASE.total_seconds()
        setting.channel.held["a"].set()
        await setting.until(done(setting, "a", "behind"))
    assert (setting.channel.sent[0], other.channel.looked_for) == ("a", [])
    assert "a" not in other.channel.sent


async def test_all_that_take_long_are_held_by_one_statement_and_what_is_quick_by_none() -> None:
    setting = patient()
    names = [f"d{number}" for number in range(20)]
    setting.channel.held |= {name: asyncio.Event() for name in names}
    await queue_up(setting.store, *(delivery(name, lane=name) for name in names))
    async with running(setting):
        await setting.until(lambda: setting.channel.sending == 20)
        await queue_up(setting.store, delivery("quick", "0"))
        await setting.until(done(setting, "quick"))
        assert setting.outbox.renewals == 0
        setting.clock.advance(45)
        await setting.until(lambda: all(setting.due_in(name) == 120 for name in names))
        assert setting.outbox.renewals == 1


async def test_a_channel_that_is_not_patient_has_no_lease_renewed() -> None:
    setting = Setting()
    setting.channel.held["a"] = asyncio.Event()
    await queue_up(setting.store, delivery("a"))
    async with running(setting):
        await setting.until(lambda: setting.channel.sending == 1)
        setting.clock.advance(100)
        leases = setting.outbox.leases
        await setting.until(lambda: setting.outbox.leases > leases + 3)
        assert (setting.outbox.renewals, setting.due_in("a")) == (0, 20)


async def test_patience_has_an_end_although_the_lease_is_renewed() -> None:
    setting = patient(patience=timedelta(seconds=0.05))
    setting.channel.there["a"] = DeliveryUnknown("cannot tell")
    async with running(setting):
        await begin_slow(setting)
        await setting.until(lambda: setting.status("a") is DeliveryStatus.UNKNOWN)
    assert setting.channel.sent == ["a", "behind"]


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_lease_that_cannot_be_renewed_cuts_the_call_before_it_ends(*, hangs: bool) -> None:
    setting = patient(lease=timedelta(seconds=2))
    setting.channel.there["a"] = DeliveryUnknown("cannot tell")
    asked: list[Sequence[Delivery]] = []
    gone, began = asyncio.Event(), asyncio.get_running_loop().time()

    async def renew(deliveries: Sequence[Delivery], until: datetime) -> Collection[str]:
        del until
        asked.append(deliveries)
        if hangs:
            await gone.wait()
        raise StorageError("gone")

    setting.outbox.renew = renew  # type: ignore[method-assign]
    async with running(setting):
        await begin_slow(setting)
        setting.clock.advance(0.8)
        await setting.until(lambda: bool(asked))
        await setting.until(lambda: setting.channel.sending == 0)
        gone.set()
        await setting.until(lambda: setting.status("a") is DeliveryStatus.UNKNOWN)
    assert setting.channel.ended[0] - began < 2
    assert (setting.channel.sent[0], setting.channel.looked_for) == ("a", ["a"])


async def test_what_another_relay_has_by_now_is_cut_off_at_once_and_its_end_not_noted() -> None:
    setting = patient()
    async with running(setting):
        await begin_slow(setting)
        # Another's clock, or a long sleep of this process: the lease has passed on.
        (leased,) = await setting.outbox.lease(TUESDAY + LEASE, TUESDAY + 2 * LEASE, 1)
        assert (leased.id, leased.attempts, leased.uncertain) == ("a", 2, True)
        setting.clock.advance(45)
        await setting.until(lambda: setting.channel.sending == 0)
        await setting.until(lambda: setting.channel.looked_for == ["a"])
        leases = setting.outbox.leases
        await setting.until(lambda: setting.outbox.leases > leases + 3)
    assert setting.status("a") is DeliveryStatus.LEASED
    assert (setting.channel.sent, setting.due_in("a")) == (["a"], 195)


async def test_a_database_that_is_away_for_a_moment_cuts_nothing_off() -> None:
    setting = patient()
    async with running(setting):
        await begin_slow(setting)
        setting.outbox.failures = [StorageError("gone")]
        setting.clock.advance(45)
        await setting.until(lambda: setting.outbox.renewals == 1)
        setting.channel.held["a"].set()
        await setting.until(done(setting, "a", "behind"))
    assert setting.channel.looked_for == []


async def test_a_relay_that_is_cut_off_ends_what_it_was_sending() -> None:
    setting = patient()
    task = asyncio.create_task(setting.relay.run())
    await begin_slow(setting)
    setting.relay.stop()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await setting.until(lambda: setting.channel.sending == 0)
    # It is looked for after its lease.
    assert setting.status("a") is DeliveryStatus.LEASED


async def test_what_waits_its_turn_waits_about_as_long_each_time_and_is_never_given_up() -> None:
    setting = Setting()
    setting.channel.answers["a"] = [*[DeliveryWaits("Others first.", 4.0)] * 30, DeliveryDelayed("busy")]
    await queue_up(setting.store, delivery("a"))
    async with running(setting):
        waited = 0
        for chance, wait in [(0.0, 2), (0.5, 4), (1.0, 6)] * 10:
            setting.chance = chance
            setting.clock.advance(waited)
            await setting.until(lambda wait=wait: setting.due_in("a") == wait)  # type: ignore[misc]
            waited = wait
        # Its first real attempt is the 31st: it is not the last one.
        setting.clock.advance(waited)
        await setting.until(lambda: setting.due_in("a") > 1800)
        assert setting.status("a") is DeliveryStatus.PENDING
        setting.clock.advance(3600)
        await setting.until(done(setting, "a"))
    assert len(setting.channel.sent) == 32


@pytest.mark.parametrize("was_cut_off", [False, True])
async def test_what_was_leased_too_late_to_end_in_time_is_leased_anew(*, was_cut_off: bool) -> None:
    setting = Setting()
    await queue_up(setting.store, delivery("a"))
    if was_cut_off:
        await setting.outbox.lease(TUESDAY, TUESDAY, 1)
    lease = setting.outbox.lease
    sent_by_then: list[list[str]] = []

    async def slow_at_first(now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        leased = await lease(now, until, limit)
        if not sent_by_then:
            setting.clock.advance(LEASE.total_seconds())
        sent_by_then.append(list(setting.channel.sent))
        return leased

    setting.outbox.lease = slow_at_first  # type: ignore[method-assign]
    async with running(setting):
        await setting.until(done(setting, "a"))
    assert sent_by_then[:2] == [[], []]
    assert setting.channel.sent == ["a"]
    assert setting.channel.looked_for == (["a"] if was_cut_off else [])


@pytest.mark.parametrize("events", [MANY_EVENTS - 1, MANY_EVENTS])
async def test_under_load_deliveries_leave_in_rounds_until_it_ends(events: int) -> None:
    """Who waits for an acknowledgement comes first: between two rounds the others have the loop."""
    begun: list[int] = []
    setting = Setting()

    async def pause(_seconds: float) -> None:
        await asyncio.sleep(0)
        begun.append(len(setting.channel.sent))
        if len(begun) == 2:
            setting.clock.advance(LOAD_LASTS.total_seconds())

    setting.relay = Relay(
        setting.outbox,
        setting.desk,  # type: ignore[arg-type]
        {"slack": setting.channel},
        setting.clock,
        lambda: 0.5,
        lease=LEASE,
        pause=pause,
    )
    names = [f"d{number}" for number in range(4 * A_ROUND)]
    await queue_up(setting.store, *(delivery(name, lane=name) for name in names))
    setting.relay.batch_done(BatchReport([("SurveySubmitted", "done")] * events, 0.0))
    async with running(setting):
        await setting.until(done(setting, *names))
    assert begun == ([A_ROUND, 2 * A_ROUND] if events == MANY_EVENTS else [])
    assert sorted(setting.channel.sent) == sorted(names)


@dataclass
class BreakableChannel(PatientChannel):
    """A channel that breaks off what cannot have arrived: all that is not in ``past_end``."""

    past_end: set[str] = field(default_factory=set)
    broken_off: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, delivery: Delivery) -> str:
        if delivery.id in self.past_end:
            return await super().send(delivery)
        self.sent.append(delivery.id)
        await self.broken_off.wait()
        raise DeliveryWaits("The desk was stopped.", 0.0)

    def break_off(self) -> None:
        self.broken_off.set()


def stopping_at(setting: Setting, break_off: float, cut_off: float) -> None:
    """Have the relay of the setting stop within these seconds."""
    setting.relay = Relay(
        setting.outbox,
        setting.desk,  # type: ignore[arg-type]
        {"slack": setting.channel},
        setting.clock,
        lambda: 0.5,
        lease=LEASE,
        stopping=StopPolicy(timedelta(seconds=break_off), timedelta(seconds=cut_off)),
    )


async def test_a_stop_breaks_off_what_cannot_have_arrived_and_waits_for_the_rest() -> None:
    channel = BreakableChannel(past_end={"past"})
    setting = Setting(channel=channel)
    channel.held["past"] = asyncio.Event()
    stopping_at(setting, 0.01, 60)
    await queue_up(setting.store, delivery("past", "1"), delivery("early", "2"))
    task = asyncio.create_task(setting.relay.run())
    await setting.until(lambda: len(channel.sent) == 2)
    setting.relay.stop()
    await setting.until(lambda: setting.status("early") is DeliveryStatus.PENDING)
    assert not task.done()
    channel.held["past"].set()
    await asyncio.wait_for(task, 10)
    assert (setting.status("past"), setting.due_in("early")) == (DeliveryStatus.DONE, 0)
    assert channel.looked_for == []


async def test_what_a_stop_cuts_off_is_looked_for_at_once_by_whoever_comes_next() -> None:
    setting = patient()
    stopping_at(setting, 0.0, 0.01)
    task = asyncio.create_task(setting.relay.run())
    await begin_slow(setting)
    setting.relay.stop()
    await asyncio.wait_for(task, 10)
    assert (setting.status("a"), setting.due_in("a")) == (DeliveryStatus.LEASED, 0)
    # There was no time to look.
    assert setting.channel.looked_for == []
    following = Setting(setting.store, setting.clock)
    following.channel.there["a"] = "ts-9"
    async with running(following):
        await following.until(done(following, "a", "behind"))
    assert (following.channel.looked_for, following.channel.sent) == (["a"], ["behind"])


async def test_what_is_leased_while_the_relay_is_told_to_stop_is_not_begun() -> None:
    setting = Setting()
    await queue_up(setting.store, delivery("a"))
    lease = setting.outbox.lease

    async def told_meanwhile(now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        leased = await lease(now, until, limit)
        setting.relay.stop()
        return leased

    setting.outbox.lease = told_meanwhile  # type: ignore[method-assign]
    await asyncio.wait_for(setting.relay.run(), 10)
    assert (setting.channel.sent, setting.status("a")) == ([], DeliveryStatus.PENDING)


async def test_a_stop_does_not_wait_for_a_look_that_hangs() -> None:
    setting = patient()
    stopping_at(setting, 0.0, 0.01)
    asked = asyncio.Event()

    async def find(delivery: Delivery) -> str | None:
        asked.set()
        await asyncio.Event().wait()
        return None

    setting.channel.find = find  # type: ignore[method-assign]
    await queue_up(setting.store, delivery("a"))
    await setting.outbox.lease(TUESDAY, TUESDAY, 1)
    task = asyncio.create_task(setting.relay.run())
    await asked.wait()
    setting.relay.stop()
    await asyncio.wait_for(task, 10)
    assert (setting.status("a"), setting.due_in("a"), setting.channel.sent) == (DeliveryStatus.LEASED, 0, [])


@pytest.mark.parametrize(
    ("target", "payload", "hours", "last"),
    [
        ("slack", {}, 1, True),
        ("email", {"mail": "comment"}, 23, False),
        ("email", {"mail": "comment"}, 24, True),
        ("email", {"mail": "code"}, 1, True),
        (TIMER_TARGET, {}, 48, False),
    ],
)
def test_a_mail_is_tried_for_a_day_as_its_server_may_be_away_for_a_night(
    target: str, payload: dict[str, str], hours: int, last: bool
) -> None:
    tried = replace(delivery("a", target=target), attempts=12, payload=payload)
    assert RetryPolicy().is_last(tried, TUESDAY + timedelta(hours=hours)) is last
