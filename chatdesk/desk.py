"""The one way in: Desk.receive(event). A batch loop steps what has gathered and commits it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import structlog
from msgspec import Struct

from chatdesk.changes import Changes, SetAside
from chatdesk.config import Config
from chatdesk.draft import Loaded
from chatdesk.errors import (
    ConcurrentChange,
    DatabaseUnavailable,
    DeskStopped,
    EventRefused,
    NotRemembered,
    StorageError,
)
from chatdesk.events import AnyEvent, Outcome
from chatdesk.hub import Hub
from chatdesk.loading import load, plainly_about
from chatdesk.metrics import BatchReport
from chatdesk.ports import Clock, ConversationFlow, NewId, Store, TicketFlow
from chatdesk.routing import Router
from chatdesk.work import AlreadyOpen, IsGone, Work, nobody_is_gone

News = TypeVar("News")
log = structlog.get_logger(__name__)

SMALL_BATCH, MAX_BATCH = 500, 1_500
"""Events of one transaction, at most. Of more than twice the first number half are taken: the larger a batch
the less of the database it takes an event, and while it is busy with that half the other half gathers.
"""
FEW = 100
"""When fewer events wait, all whom the batch before concerns are told before these are stepped, where the
process commits by itself: both take the same processor's time then, and what is done need not wait.
"""
MAX_CONFLICTS = 10
PATIENCE, RETRY_AFTER = 20.0, 0.25
"""Seconds that events wait for a database server that restarts or fails over, and between attempts."""
MOST_IN_DOUBT = 10_000
"""Events, the latest, of which is remembered that a lost answer leaves it open whether they were stored."""
_TOLD = (Outcome, EventRefused)
"""What a sender is told of a batch that was stored; other errors are faults of the desk."""


class Flows(Struct, frozen=True):
    """The dialogues the desk runs."""

    conversation: ConversationFlow
    ticket: TicketFlow


class _Pending(Struct):
    """An event on its way, and who is told what became of it."""

    event: AnyEvent
    told: Callable[[Outcome | Exception], None]


class _Committed(Struct):
    """A batch that was stored in ``seconds``, of which nobody was told yet."""

    batch: Sequence[_Pending]
    changes: Changes
    results: list[Outcome | Exception]
    seconds: float


class Desk:
    """Takes events, commits them in batches, and tells live listeners and the relay afterwards.

    ``is_gone`` tells which customers have left their page. ``run`` has to be running for events to be
    worked on.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        hub: Hub,
        flows: Flows,
        clock: Clock,
        new_id: NewId,
        is_gone: IsGone = nobody_is_gone,
    ) -> None:
        self._config = config
        self._store = store
        self._hub = hub
        self._flows = flows
        self._clock = clock
        self._new_id = new_id
        self._is_gone = is_gone
        self._router = Router(config, new_id)
        self._waiting: list[_Pending] = []
        self._untold: _Committed | None = None
        self._in_doubt: dict[str, None] = {}
        self._arrived = asyncio.Event()
        self._stopping = False
        self._after_commit: list[Callable[[Changes], None]] = []
        self._after_batch: list[Callable[[BatchReport], None]] = []

    def on_commit(self, listener: Callable[[Changes], None]) -> None:
        """Call ``listener`` on the event loop after each commit, with what it changed."""
        self._after_commit.append(listener)

    def on_batch(self, listener: Callable[[BatchReport], None]) -> None:
        """Call ``listener`` on the event loop after each batch, with what became of its events."""
        self._after_batch.append(listener)

    def submit(self, event: AnyEvent) -> asyncio.Future[Outcome]:
        """Queue the event and return a future of its outcome, which is set after the commit.

        The future raises EventRefused (nothing changed; the text is fit to be shown), StorageError
        (nothing was stored; it may be sent again) or DeskStopped.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.take(event, partial(_settle, future))
        return future

    def take(self, event: AnyEvent, told: Callable[[Outcome | Exception], None]) -> None:
        """Queue the event and call ``told`` with its outcome, or the error that ``submit`` names.

        It is called on the event loop and must not wait; a future costs more than a message's own steps.
        """
        if self._stopping:
            told(DeskStopped("The desk is stopping."))
            return
        self._waiting.append(_Pending(event, told))
        self._arrived.set()

    async def receive(self, event: AnyEvent) -> Outcome:
        """Work on one event and return its outcome once it is committed; raises as ``submit`` says."""
        return await self.submit(event)

    async def run(self) -> None:
        """Work on events until ``stop``; what was submitted before it is still committed.

        When it is cancelled instead, whoever still waits for an outcome gets DeskStopped.
        """
        try:
            while not (self._stopping and not self._waiting):
                if not self._waiting:
                    self._arrived.clear()
                    await self._arrived.wait()
                    continue
                if self._untold and len(self._waiting) < FEW and not self._store.works_elsewhere:
                    self._tell_untold()
                    # What was told leaves in the next turn of the loop; then comes the batch.
                    await asyncio.sleep(0)
                count = min(max(SMALL_BATCH, len(self._waiting) // 2), MAX_BATCH)
                batch, self._waiting = self._waiting[:count], self._waiting[count:]
                await self._work_off(batch)
                if not self._waiting:
                    self._tell_untold()
        finally:
            self.stop()
            self._tell_untold()
            _fail(self._waiting, DeskStopped("The desk has stopped."))

    def stop(self) -> None:
        """Take no more events and let ``run`` end when the present ones are committed."""
        self._stopping = True
        self._arrived.set()

    async def _work_off(self, batch: Sequence[_Pending]) -> None:
        """Commit the batch; if an event is in the way of that, find it by halves and commit the others.

        Whoever has still to be told of the batch before is told while the database is busy with this one.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        if self._untold is not None:
            # Called when the commit first waits: then this batch is stepped and on its way.
            loop.call_soon(self._tell_untold)
        try:
            changes, results = await self._commit_with_retries([pending.event for pending in batch])
        except asyncio.CancelledError:
            _fail(batch, DeskStopped("The desk stopped before this was known to be stored; send it again."))
            raise
        except Exception as error:
            await self._not_committed(batch, error)
        else:
            self._tell_untold()
            self._untold = _Committed(batch, changes, results, loop.time() - began)
            await self._set_broken_aside(batch, results)

    def _tell_untold(self) -> None:
        """Tell senders, then listeners, of the batch that was committed last, if that has not been done."""
        untold, self._untold = self._untold, None
        if untold is None:
            return
        # Senders first: what they are told and the news of it then leave in one write.
        _settle_all(untold.batch, untold.results)
        self._after(untold.changes)
        # The figures can wait until it has left.
        words = [_word(result) for result in untold.results]
        asyncio.get_running_loop().call_soon(self._report, untold.batch, words, untold.seconds)

    async def _set_broken_aside(
        self, batch: Sequence[_Pending], results: Sequence[Outcome | Exception]
    ) -> None:
        """Set aside the events that could not be worked on, after the others' senders were told."""
        for pending, result in zip(batch, results, strict=True):
            if not isinstance(result, _TOLD):
                self._tell_untold()
                await self._set_aside(pending, result)

    async def _not_committed(self, batch: Sequence[_Pending], error: Exception) -> None:
        conflict = isinstance(error, ConcurrentChange)
        if isinstance(error, StorageError) and not (conflict and len(batch) > 1):
            # The database is at fault, not an event: nothing is set aside, senders may try again.
            log.error("batch_not_stored", events=len(batch), error=str(error))
            self._report(batch, ["not_stored"] * len(batch))
            _fail(batch, error)
        elif len(batch) == 1:
            self._report(batch, ["set_aside"])
            await self._set_aside(batch[0], error)
        else:
            middle = len(batch) // 2
            await self._work_off(batch[:middle])
            await self._work_off(batch[middle:])

    async def _commit_with_retries(
        self, events: Sequence[AnyEvent]
    ) -> tuple[Changes, list[Outcome | Exception]]:
        conflicts = 0
        give_up = asyncio.get_running_loop().time() + PATIENCE
        try:
            return await self._commit(events, remembered=True)
        except (ConcurrentChange, NotRemembered):
            log.debug("batch_read_afresh", events=len(events))
        except DatabaseUnavailable:
            self._doubt(events)
        while True:
            try:
                return await self._commit(events, remembered=False)
            except ConcurrentChange:
                # Another writer was first: its state is loaded afresh and the events are stepped again.
                log.info("batch_conflict", events=len(events))
                conflicts += 1
                if conflicts > MAX_CONFLICTS:
                    raise
            except DatabaseUnavailable as error:
                # What was committed all the same is found to have been received before.
                self._doubt(events)
                if self._stopping or asyncio.get_running_loop().time() > give_up:
                    raise
                log.warning("desk_waits_for_database", events=len(events), error=str(error))
                await asyncio.sleep(RETRY_AFTER)

    async def _commit(
        self, events: Sequence[AnyEvent], *, remembered: bool
    ) -> tuple[Changes, list[Outcome | Exception]]:
        """Step the events, in order, and write what they change, all in one transaction.

        Raises NotRemembered when something has to be read after all: an event that is refused by what
        the store remembers may have been received, and accepted, before.
        """
        async with self._store.batch(remembered=remembered) as batch:
            keys = [event.key for event in events]
            about = () if remembered else plainly_about(events)
            known = dict(await batch.received(set(keys), about))
            loaded = await load(batch, [e for e, key in zip(events, keys, strict=True) if key not in known])
            work = self._work(loaded)
            results = [_step(work, event, key, known) for event, key in zip(events, keys, strict=True)]
            if remembered and any(isinstance(r, Exception) or r.repeated for r in results):
                raise NotRemembered("A refusal needs a second look.")
            if not work.changes.empty:
                await batch.write(work.changes)
        if self._in_doubt:
            work.changes.recovered = self._settle_doubts(keys, results)
        return work.changes, results

    def _doubt(self, events: Sequence[AnyEvent]) -> None:
        """Note that these may have been committed: the database was lost before it said so."""
        self._in_doubt.update(dict.fromkeys(event.key for event in events))
        for key in tuple(self._in_doubt)[:-MOST_IN_DOUBT]:
            del self._in_doubt[key]

    def _settle_doubts(self, keys: Sequence[str], results: Sequence[Outcome | Exception]) -> bool:
        """Tell whether some of these events, now known to be stored, had been committed in doubt."""
        found = False
        for key, result in zip(keys, results, strict=True):
            doubted = key in self._in_doubt
            self._in_doubt.pop(key, None)
            found = found or (doubted and isinstance(result, Outcome) and result.repeated)
        return found

    def _work(self, loaded: Loaded) -> Work:
        flows, new_id = self._flows, self._new_id
        return Work(
            self._config, flows.conversation, flows.ticket, new_id, self._router, loaded, self._is_gone
        )

    async def _set_aside(self, pending: _Pending, error: Exception) -> None:
        log.error("event_set_aside", kind=type(pending.event).__name__, exc_info=error)
        reason = f"{type(error).__name__}: {error}"
        try:
            await self._store.set_aside(SetAside(pending.event, reason, self._clock()))
        except Exception as failure:
            log.error("event_not_set_aside", kind=type(pending.event).__name__, error=str(failure))
            _fail([pending], StorageError("This could not be stored; please send it again."))
            return
        text = "This could not be worked on; the desk's staff have been told."
        _tell(pending.told, EventRefused(text, code="set_aside"))

    def _after(self, changes: Changes) -> None:
        self._hub.publish(changes)
        for listener in self._after_commit:
            _tell(listener, changes)

    def _report(self, batch: Sequence[_Pending], results: Sequence[str], seconds: float = 0.0) -> None:
        if self._after_batch:
            kinds = (type(pending.event).__name__ for pending in batch)
            report = BatchReport(list(zip(kinds, results, strict=True)), seconds)
            for listener in self._after_batch:
                _tell(listener, report)


def _tell(listener: Callable[[News], None], news: News) -> None:
    # What is committed is committed: a listener's fault must not keep it from its senders.
    try:
        listener(news)
    except Exception:
        log.exception("commit_listener_failed")


def _word(result: Outcome | Exception) -> str:
    match result:
        case Outcome():
            return "repeated" if result.repeated else "done"
        case EventRefused():
            return "refused"
        case _:
            return "set_aside"


def _step(work: Work, event: AnyEvent, key: str, known: dict[str, Outcome]) -> Outcome | Exception:
    """Step one event; a repetition, also within the batch, is answered with the first one's outcome.

    An event that cannot be worked on has changed nothing, so that the others are committed all the same.
    """
    before = known.get(key)
    if before is not None:
        return Outcome(before.conversation, before.seq, before.ticket, repeated=True)
    try:
        outcome = work.step(event)
    except AlreadyOpen as found:
        return found.outcome
    except Exception as error:
        return error
    known[key] = outcome
    return outcome


def _settle_all(batch: Sequence[_Pending], results: Sequence[Outcome | Exception]) -> None:
    """Tell senders what became of their events, but of those that could not be worked on."""
    for pending, result in zip(batch, results, strict=True):
        if isinstance(result, _TOLD):
            _tell(pending.told, result)


def _settle(done: asyncio.Future[Outcome], result: Outcome | Exception) -> None:
    # A sender that went away has cancelled its future; its event is committed all the same.
    if done.done():
        return
    if isinstance(result, Outcome):
        done.set_result(result)
    else:
        done.set_exception(result)


def _fail(batch: Sequence[_Pending], error: Exception) -> None:
    for pending in batch:
        _tell(pending.told, error)
