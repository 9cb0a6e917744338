"""Outbox to channels: leases what is due, sends it in order, backs off, and never repeats blindly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from chatdesk.desk import Desk
from chatdesk.effects import MailKind
from chatdesk.errors import (
    ChatdeskError,
    DeliveryDelayed,
    DeliveryRefused,
    DeliveryWaits,
    DeskStopped,
    StorageError,
)
from chatdesk.events import TimerFired
from chatdesk.held_lease import HeldLease
from chatdesk.metrics import BatchReport
from chatdesk.outbox import LONG_TRIED, MAIL_TARGET, TIMER_TARGET, Delivery, DeliveryResult, DeliveryStatus
from chatdesk.pauses import happens_within
from chatdesk.ports import Channel, Clock, Interruptible, Outbox, Patient

log = structlog.get_logger(__name__)


MANY_EVENTS = 8
"""Events of one batch from which on people wait for one another: the desk is under load."""
LOAD_LASTS = timedelta(milliseconds=250)
ROUND, A_ROUND = 0.1, 25
"""Under load, seconds from one round of the relay to the next, and how many deliveries it begins: 250/s.

A round takes three commits of its own: seldom rounds leave the disk to those who wait.
"""


class StopPolicy(Struct, frozen=True):
    """How long what is being sent may take once the relay is told to stop.

    After ``break_off`` what cannot have arrived yet is broken off and goes back to be sent again, so that
    the rest has time for its answer; after ``cut_off`` nothing is waited for.
    """

    break_off: timedelta = timedelta(seconds=2.5)
    cut_off: timedelta = timedelta(seconds=6)


class RetryPolicy(Struct, frozen=True):
    """How often and how long a delayed delivery is tried again.

    The wait doubles from ``first`` with each attempt up to ``longest`` and varies by a tenth either way;
    after ``attempts`` a delivery is given up, and not before ``keep_trying`` has passed since it was queued:
    what had to wait its turn has attempts behind it that were none. Mail is tried for ``keep_mailing``: its
    servers may be away for a night (RFC 5321, 4.5.4.1); but codes, which are good for minutes, are not. A
    timer is never given up.
    """

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=30)
    attempts: int = LONG_TRIED
    keep_trying: timedelta = timedelta(minutes=45)
    keep_mailing: timedelta = timedelta(days=1)

    def wait(self, attempt: int, chance: float) -> timedelta:
        """Return the wait after attempt number ``attempt`` (from 1); ``chance`` is from 0 up to 1."""
        doublings = min(attempt - 1, 20)
        wait = min(self.first * (1 << doublings), self.longest)
        return wait * (0.9 + 0.2 * chance)

    def is_last(self, delivery: Delivery, now: datetime) -> bool:
        """Tell whether this attempt at a delivery, which was delayed again, is the last one."""
        lasting = delivery.target == MAIL_TARGET and delivery.payload.get("mail") != MailKind.CODE
        longest = self.keep_mailing if lasting else self.keep_trying
        tried_enough = delivery.attempts >= self.attempts and now - delivery.created_at >= longest
        return tried_enough and delivery.target != TIMER_TARGET


RETRIES = RetryPolicy()
STOPPING = StopPolicy()
CUT_OFF = "The desk was stopped while this was being sent."


class Relay:
    """Sends deliveries through the channels, by name; timers go back to the desk as TimerFired.

    ``jitter`` returns a number from 0 up to 1. A call that takes a third of the ``lease`` is cut off, so that
    no other relay begins it meanwhile; a channel that is ``Patient`` may take longer, as long as the lease is
    renewed. At most ``limit`` deliveries are sent at a time.

    Who waits for an acknowledgement comes first: while the desk is under load deliveries leave in rounds.
    What leaves in a round is leased and noted together, so that it costs the desk less, too.
    """

    def __init__(
        self,
        outbox: Outbox,
        desk: Desk,
        channels: Mapping[str, Channel],
        clock: Clock,
        jitter: Callable[[], float],
        policy: RetryPolicy = RETRIES,
        lease: timedelta = timedelta(minutes=2),
        limit: int = 100,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        stopping: StopPolicy = STOPPING,
    ) -> None:
        self._outbox = outbox
        self._desk = desk
        self._channels = channels
        self._clock = clock
        self._jitter = jitter
        self._policy = policy
        self._lease = lease
        self._limit = limit
        self._pause = pause
        self._wake = asyncio.Event()
        self._stop_policy = stopping
        self._sending: dict[asyncio.Task[None], HeldLease] = {}
        self._held: set[HeldLease] = set()
        self._results: list[DeliveryResult] = []
        self._told_to_stop = asyncio.Event()
        self._cut_off = False
        self._load_ends: datetime | None = None

    def wake(self) -> None:
        """Say that something was queued."""
        self._wake.set()

    def stop(self) -> None:
        """Begin nothing any more, and let ``run`` end when what is being sent has ended and was noted.

        That takes as long as the ``stopping`` policy allows. To be called where the event loop runs.
        """
        if self._told_to_stop.is_set():
            return
        self._told_to_stop.set()
        self._wake.set()
        loop, policy = asyncio.get_running_loop(), self._stop_policy
        _ = loop.call_later(policy.break_off.total_seconds(), self._break_off_all)
        _ = loop.call_later(policy.cut_off.total_seconds(), self._cut_off_all)

    def _break_off_all(self) -> None:
        for channel in self._channels.values():
            if isinstance(channel, Interruptible):
                channel.break_off()

    def _cut_off_all(self) -> None:
        self._cut_off = True
        for held in self._sending.values():
            held.cut_off()

    async def run(self) -> None:
        """Send what is due until ``stop``; a failing database is waited out, but not while stopping.

        What could not be noted then is leased again after its lease and looked for before it is sent; so is
        what is still being sent when this is cancelled.
        """
        try:
            await self._run()
        finally:
            for task in list(self._sending):
                _ = task.cancel()

    async def _run(self) -> None:
        while not (self._told_to_stop.is_set() and not self._sending and not self._results):
            self._wake.clear()
            try:
                await self._renew()
                busy = await self._note_results() + await self._begin_due()
                if self._under_load and not self._told_to_stop.is_set():
                    await self._pause(ROUND)
                    continue
                wait = 0.0 if busy else min(await self._until_next(), self._until_renewal())
            except StorageError as error:
                log.error("relay_waits_for_storage", error=str(error))
                if self._told_to_stop.is_set() and not self._sending:
                    return
                wait = self._policy.first.total_seconds()
            if wait:
                _ = await happens_within(self._wake, wait)

    def batch_done(self, report: BatchReport) -> None:
        """Take note of a batch of the desk, from which the load is known."""
        if len(report.results) >= MANY_EVENTS:
            self._load_ends = self._clock() + LOAD_LASTS

    @property
    def _under_load(self) -> bool:
        return self._load_ends is not None and self._clock() < self._load_ends

    async def _renew(self) -> None:
        """Hold what is still being sent for another lease; what another relay has by now is cut off."""
        now = self._clock()
        due = [held for held in self._held if held.renewed_at <= now]
        if not due:
            return
        taken, until = asyncio.get_running_loop().time(), now + self._lease
        kept = await self._outbox.renew([held.delivery for held in due], until)
        for held in due:
            if held.delivery.id in kept:
                held.renewed(until, taken)
            elif held in self._held:
                log.warning("delivery_lease_lost", delivery=held.delivery.id)
                self._held.discard(held)
                held.cut_off()

    def _until_renewal(self) -> float:
        """Return for how many seconds no lease has to be renewed."""
        due = min((held.renewed_at for held in self._held), default=None)
        return 60.0 if due is None else max(0.0, (due - self._clock()).total_seconds())

    async def _note_results(self) -> int:
        """Write down what became of deliveries since the last time; return how many there were."""
        results = list(self._results)
        if results:
            await self._outbox.finish(results, self._clock())
            del self._results[: len(results)]
        return len(results)

    async def _begin_due(self) -> int:
        """Begin to send what is due, one delivery a lane and target; a slow one keeps no other waiting."""
        room = self._limit - len(self._sending)
        if self._under_load:
            room = min(room, A_ROUND)
        if self._told_to_stop.is_set() or room <= 0:
            return 0
        now, taken = self._clock(), asyncio.get_running_loop().time()
        deliveries = await self._outbox.lease(now, now + self._lease, room)
        if self._told_to_stop.is_set() or self._clock() - now > self._lease * 0.1:
            # It was told to stop meanwhile; or the database, or this process, stood still, so that sending
            # could outlast the lease.
            self._results += [_not_begun(delivery, self._clock()) for delivery in deliveries]
            return len(deliveries)
        for delivery in deliveries:
            held = HeldLease(delivery, now + self._lease, taken, self._lease)
            if isinstance(self._channels.get(delivery.target), Patient):
                self._held.add(held)
            task = asyncio.create_task(self._carry(held))
            self._sending[task] = held
            task.add_done_callback(self._ended)
        return len(deliveries)

    def _ended(self, task: asyncio.Task[None]) -> None:
        _ = self._sending.pop(task, None)
        self._wake.set()

    async def _carry(self, held: HeldLease) -> None:
        try:
            self._results.append(await self._deliver(held))
        finally:
            self._held.discard(held)

    async def _until_next(self) -> float:
        """Return for how many seconds there is nothing to begin; the end of a send wakes earlier."""
        if self._told_to_stop.is_set() or len(self._sending) >= self._limit:
            return 60.0
        due = await self._outbox.next_due()
        return 60.0 if due is None else min(60.0, max(0.0, (due - self._clock()).total_seconds()))

    async def _deliver(self, held: HeldLease) -> DeliveryResult:
        """Carry out one delivery and say what became of it; never raises."""
        delivery = held.delivery
        try:
            if delivery.target == TIMER_TARGET:
                return await self._fire(delivery)
            return await self._send(held)
        except DeliveryDelayed as delayed:
            return self._delayed(delivery, delayed, DeliveryStatus.PENDING)
        except DeliveryRefused as refused:
            return _result(delivery, DeliveryStatus.FAILED, error=str(refused))
        except Exception as error:
            # Whether it arrived cannot be told: shown to staff, never sent again blindly.
            log.exception("delivery_unknown", delivery=delivery.id, target=delivery.target)
            return _result(delivery, DeliveryStatus.UNKNOWN, error=str(error) or type(error).__name__)

    async def _send(self, held: HeldLease) -> DeliveryResult:
        delivery = held.delivery
        channel = self._channels.get(delivery.target)
        if channel is None:
            raise DeliveryRefused(f"No channel named {delivery.target} is configured.")
        # An earlier attempt was cut off: look whether it arrived before sending again.
        found = await self._look(channel, held) if delivery.uncertain else None
        if found is not None:
            return found
        try:
            patience = channel.patience if isinstance(channel, Patient) else None
            sent = await held.send(channel.send(delivery), patience)
            return _result(delivery, DeliveryStatus.DONE, sent)
        except (DeliveryDelayed, DeliveryRefused):
            raise
        except Exception as error:
            if self._cut_off:
                return self._left_in_doubt(delivery)
            found = await self._look(channel, held)
            if found is None:
                raise DeliveryDelayed(f"The attempt did not arrive: {error}") from error
            return found

    async def _look(self, channel: Channel, held: HeldLease) -> DeliveryResult | None:
        """Return what is known of an attempt that was cut off; None when it did not arrive."""
        delivery = held.delivery
        try:
            found = await held.look(channel.find(delivery))
        except DeliveryDelayed as delayed:
            # Nobody could look: the doubt has to outlive the wait.
            return self._delayed(delivery, delayed, DeliveryStatus.LEASED)
        except TimeoutError:
            if self._cut_off:
                return self._left_in_doubt(delivery)
            raise
        return None if found is None else _result(delivery, DeliveryStatus.DONE, found)

    def _left_in_doubt(self, delivery: Delivery) -> DeliveryResult:
        """Leave a delivery to the next start, or to another node, which looks before it sends again."""
        return _result(delivery, DeliveryStatus.LEASED, error=CUT_OFF, retry_at=self._clock())

    async def _fire(self, delivery: Delivery) -> DeliveryResult:
        of_ticket = bool(delivery.payload["of_ticket"])
        event = TimerFired(
            at=self._clock(),
            channel=TIMER_TARGET,
            external_id=delivery.id,
            name=str(delivery.payload["name"]),
            due=datetime.fromisoformat(str(delivery.payload["due"])),
            conversation=None if of_ticket else delivery.conversation,
            ticket=delivery.ticket if of_ticket else None,
        )
        try:
            await self._desk.receive(event)
        except (StorageError, DeskStopped) as error:
            raise DeliveryDelayed(str(error)) from error
        except ChatdeskError as error:
            return _result(delivery, DeliveryStatus.FAILED, error=str(error))
        return _result(delivery, DeliveryStatus.DONE)

    def _delayed(
        self, delivery: Delivery, delayed: DeliveryDelayed, status: DeliveryStatus
    ) -> DeliveryResult:
        now, chance = self._clock(), self._jitter()
        if isinstance(delayed, DeliveryWaits):
            wait = timedelta(seconds=delayed.seconds * (0.5 + chance))
            return _result(delivery, status, error=str(delayed), retry_at=now + wait)
        if self._policy.is_last(delivery, now):
            given_up = DeliveryStatus.FAILED if status is DeliveryStatus.PENDING else DeliveryStatus.UNKNOWN
            return _result(delivery, given_up, error=str(delayed))
        wait = self._policy.wait(delivery.attempts, chance)
        if delayed.retry_after is not None:
            wait = max(wait, timedelta(seconds=delayed.retry_after))
        return _result(delivery, status, error=str(delayed), retry_at=now + wait)


def _not_begun(delivery: Delivery, at: datetime) -> DeliveryResult:
    status = DeliveryStatus.LEASED if delivery.uncertain else DeliveryStatus.PENDING
    return _result(delivery, status, retry_at=at)


def _result(
    delivery: Delivery,
    status: DeliveryStatus,
    external_id: str = "",
    error: str = "",
    retry_at: datetime | None = None,
) -> DeliveryResult:
    return DeliveryResult(delivery.id, delivery.attempts, status, external_id, error, retry_at)
