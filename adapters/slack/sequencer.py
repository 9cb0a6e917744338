"""Puts events that arrive together back into the order of their ts before the desk gets them.

Slack promises no order. Events of one thread are gathered for a moment and handed over by ts. What comes
later than that keeps its own time, by which transcripts are sorted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from chatdesk.desk import Desk
from chatdesk.events import AnyEvent, Outcome

GATHER = 0.05
"""Seconds."""


@dataclass(slots=True)
class _Waiting:
    order: tuple[str, int]
    event: AnyEvent
    done: asyncio.Future[Outcome]


class Sequencer:
    """Hands events to the desk, those of one thread in the order of their ts."""

    def __init__(self, desk: Desk, gather: float = GATHER) -> None:
        self._desk = desk
        self._gather = gather
        self._threads: dict[str, list[_Waiting]] = {}
        self._counter = 0

    async def receive(self, thread: str, ts: str, event: AnyEvent) -> Outcome:
        """Have the desk work on the event; raises as Desk.receive."""
        loop = asyncio.get_running_loop()
        waiting = self._threads.get(thread)
        if waiting is None:
            waiting = self._threads[thread] = []
            loop.call_later(self._gather, self._hand_over, thread)
        self._counter += 1
        done: asyncio.Future[Outcome] = loop.create_future()
        waiting.append(_Waiting((ts, self._counter), event, done))
        return await done

    def _hand_over(self, thread: str) -> None:
        for waiting in sorted(self._threads.pop(thread), key=lambda one: one.order):
            _follow(self._desk.submit(waiting.event), waiting.done)


def _follow(source: asyncio.Future[Outcome], target: asyncio.Future[Outcome]) -> None:
    def settle(settled: asyncio.Future[Outcome]) -> None:
        if target.done():
            return
        if settled.cancelled():
            target.cancel()
            return
        error = settled.exception()
        if error is not None:
            target.set_exception(error)
        else:
            target.set_result(settled.result())

    source.add_done_callback(settle)
