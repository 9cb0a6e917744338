"""The load: one process that opens chats against a server and measures what comes out at the other side.

Reads a Plan as JSON from standard input and writes one Measured a phase as JSON to standard output.
A message carries the moment it was due to be sent; the other side takes the time when it gets it.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import uvloop
from pydantic import TypeAdapter

from bench.chats import Chat, Target, open_chats
from bench.machine import memory, processor_time

CUSTOMER, TECHNICIAN = 0, 1
_RECEIVED = (re.compile(rb'"text":"(\d+)c'), re.compile(rb'"text":"(\d+)t'))
_NUMBERED = (re.compile(rb'"text":"(\d+)c (\S+)'), re.compile(rb'"text":"(\d+)t (\S+)'))
_WORDS = "The printer on the second floor shows paper jam again, but there is no paper in it."
_TICK = 0.001
_PATIENCE = 10.0
"""Seconds without anything coming after which what is still missing counts as lost."""


@dataclass(frozen=True)
class Plan:
    """What to do: ``rates`` are messages a second over all chats, 0 as many as are taken.

    ``servers`` are the processes whose time is taken; ``staff`` is where technicians are connected when it
    is another node than the customers'.
    """

    target: Target
    chats: int
    seconds: float
    warm_up: float
    rates: tuple[int, ...]
    servers: tuple[int, ...]
    window: int = 2
    staff: Target | None = None


@dataclass(frozen=True)
class Measured:
    """One phase: ``p50`` and ``p99`` in milliseconds, rates a second, processor shares of one core."""

    rate: int
    acknowledged_per_second: float
    delivered_per_second: float
    p50: float
    p99: float
    load_share: float
    server_share: float
    server_memory: int
    sent: int
    acknowledged: int
    delivered: int
    errors: tuple[str, ...] = ()


@dataclass
class Counts:
    """What has happened so far in a phase; ``delays`` in nanoseconds."""

    sent: int = 0
    acknowledged: int = 0
    delivered: int = 0
    delays: list[int] = field(default_factory=list)
    errors: set[str] = field(default_factory=set)


class Phase:
    """Sends at one rate, or keeps a window of undelivered messages per side, and counts."""

    def __init__(self, plan: Plan, chats: Sequence[Chat], rate: int, number: int) -> None:
        self._plan = plan
        self._rate = rate
        self._number = number
        self._chats = chats
        self._refill = rate == 0
        self.counts = Counts()
        for chat in chats:
            chat.customer.on_text = self._listener(chat, CUSTOMER)
            chat.technician.on_text = self._listener(chat, TECHNICIAN)

    async def run(self) -> Measured:
        """Warm up, measure, and wait until everything that was sent has come out."""
        sender = asyncio.create_task(self._send_at_rate() if self._rate else self._send_in_windows())
        await asyncio.sleep(self._plan.warm_up)
        counts = self.counts
        counts.delays.clear()
        acknowledged, delivered = counts.acknowledged, counts.delivered
        began, own, other = time.perf_counter(), time.process_time(), self._server_time()
        await asyncio.sleep(self._plan.seconds)
        took = time.perf_counter() - began
        delays = sorted(counts.delays)
        acknowledged, delivered = counts.acknowledged - acknowledged, counts.delivered - delivered
        own_share = (time.process_time() - own) / took
        other_share = (self._server_time() - other) / took
        self._refill = False
        sender.cancel()
        await self._drain()
        return Measured(
            rate=self._rate,
            acknowledged_per_second=acknowledged / took,
            delivered_per_second=delivered / took,
            p50=_quantile(delays, 0.50),
            p99=_quantile(delays, 0.99),
            load_share=own_share,
            server_share=other_share,
            server_memory=sum(map(memory, self._plan.servers)),
            sent=counts.sent,
            acknowledged=counts.acknowledged,
            delivered=counts.delivered,
            errors=tuple(sorted(counts.errors)),
        )

    def _server_time(self) -> float:
        return sum(map(processor_time, self._plan.servers))

    async def _send_at_rate(self) -> None:
        senders = [(chat, side) for side in (CUSTOMER, TECHNICIAN) for chat in self._chats]
        began = time.perf_counter_ns()
        step = 1_000_000_000 // self._rate
        while True:
            due = (time.perf_counter_ns() - began) // step
            while self.counts.sent < due:
                chat, side = senders[self.counts.sent % len(senders)]
                self._send(chat, side, began + (self.counts.sent + 1) * step)
            await asyncio.sleep(_TICK)

    async def _send_in_windows(self) -> None:
        for _ in range(self._plan.window):
            for chat in self._chats:
                self._send(chat, CUSTOMER, time.perf_counter_ns())
                self._send(chat, TECHNICIAN, time.perf_counter_ns())
            await asyncio.sleep(0)

    def _send(self, chat: Chat, side: int, due: int) -> None:
        self.counts.sent += 1
        number = f"{self._number}-{self.counts.sent}"
        if side == CUSTOMER:
            frame = f'{{"t":"message","id":"{number}","text":"{due}c {number} {_WORDS}"}}'
            chat.customer.send(frame.encode())
        else:
            to = f'"conversation":"{chat.conversation}"'
            frame = f'{{"t":"message","id":"{number}",{to},"text":"{due}t {number} {_WORDS}"}}'
            chat.technician.send(frame.encode())

    def _listener(self, chat: Chat, side: int) -> Callable[[bytes], None]:
        counts, other = self.counts, 1 - side
        find = _each_once(other) if self._plan.staff is not None else _RECEIVED[other].findall

        def listen(text: bytes) -> None:
            counts.acknowledged += text.count(b'"t":"ack"')
            now = 0
            for due in find(text):
                now = now or time.perf_counter_ns()
                counts.delivered += 1
                counts.delays.append(now - int(due))
                if self._refill:
                    self._send(chat, other, now)
            if b'"t":"error"' in text:
                counts.errors.add(text[:200].decode())

        return listen

    async def _drain(self) -> None:
        """Wait for what is under way, as long as something still comes."""
        counts, seen = self.counts, -1
        while (came := counts.acknowledged + counts.delivered) < 2 * counts.sent and came != seen:
            seen = came
            for _ in range(int(_PATIENCE / 0.02)):
                await asyncio.sleep(0.02)
                if counts.acknowledged + counts.delivered != seen:
                    break


def _each_once(side: int) -> Callable[[bytes], list[bytes]]:
    """Return what finds a side's messages, each once: across nodes pages may be told one twice."""
    seen: set[bytes] = set()

    def find(text: bytes) -> list[bytes]:
        fresh = {number: due for due, number in _NUMBERED[side].findall(text) if number not in seen}
        seen.update(fresh)
        return list(fresh.values())

    return find


def _quantile(ordered: Sequence[int], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6 if ordered else 0.0


async def measure(plan: Plan) -> list[Measured]:
    """Open the chats and measure each rate."""
    chats = await open_chats(plan.target, plan.chats, plan.staff)
    found = []
    for number, rate in enumerate(plan.rates):
        found.append(await Phase(plan, chats, rate, number).run())
    for chat in chats:
        chat.customer.close()
        chat.technician.close()
    return found


def main() -> None:
    """Carry out the plan on standard input."""
    plan = TypeAdapter(Plan).validate_json(sys.stdin.read())
    measured = uvloop.run(measure(plan))
    print(TypeAdapter(list[Measured]).dump_json(measured).decode())


if __name__ == "__main__":
    main()
