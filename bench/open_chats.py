"""`python -m bench.open_chats`: thousands of open chats in one process, slow readers among them.

Opens a customer's socket each, by a survey; says how long that takes and what memory an open chat needs,
beside a floor that keeps the same sockets open [bench.ticket_floor]. Then all pages are loaded again: each
socket is dropped and connects anew; the desk brings it up to date, the floor only takes it. Then some of the
customers write at a steady rate, while the desk sends long messages to windows that read, and afterwards to
as many that never read: the delay from a message to its acknowledgement should be the same.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Annotated

import typer
import uvloop
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table

from bench.chats import Kind, Target, mails_to_send, survey_answers
from bench.machine import cores, memory, say_when_busy, stay_on
from bench.report import Verdict, show_verdicts
from bench.servers import Server, server
from bench.websocket import Socket

CHATS = 10_000
MUST_SECONDS, AIM_SECONDS = 6.0, 2.0
"""For CHATS chats; for others in proportion."""
MUST_MEMORY, AIM_MEMORY = 30_000, 16_000
HURT = 1.25
"""How many times longer others may wait while some do not read, before they count as hurt."""
KINDS: tuple[Kind, ...] = ("ticket floor", "desk")
_AT_ONCE = 100
_LOADED = 5.0
"""Seconds after which a desk has loaded what its start put off: no chat needs that."""
_WINDOWS = 20
"""Windows of one visitor: a message to it is sent to each of them."""
_LONG = "\N{LARGE RED SQUARE}" * 10_000
"""A message of 40 kB, so that a few fill every buffer on the way to who does not read."""
_FILLING = 120
_TALKERS, _RATE = 200, 200
_PATIENCE = 300.0
"""Seconds that mails may take to leave."""


@dataclass(frozen=True)
class Opened:
    """``seconds`` to open all chats, ``memory`` bytes a chat, ``mail_seconds`` until the mails had left.

    ``again_seconds`` is what it took until all pages that were loaded again showed their chats.
    """

    seconds: float
    memory: float
    load_share: float
    again_seconds: float
    mail_seconds: float = 0.0


@dataclass(frozen=True)
class Delays:
    """Milliseconds from a message to its acknowledgement, and what the load used of its core."""

    p50: float
    p99: float
    load_share: float


@dataclass(frozen=True)
class Round:
    opened: Opened
    with_readers: Delays | None = None
    with_slow: Delays | None = None


class Customer:
    """A customer's open socket; what comes is read and dropped."""

    def __init__(self, socket: Socket, visitor: str) -> None:
        self.socket = socket
        self.visitor = visitor
        self.delays: list[float] = []
        self._sent: dict[bytes, float] = {}
        socket.on_text = self._take

    def write(self, identity: str, text: str, due: float) -> None:
        """Send a message that was due at ``due``."""
        self._sent[identity.encode()] = due
        self.socket.send(to_json({"t": "message", "id": identity, "text": text}))

    @property
    def missing(self) -> int:
        """How many messages are not acknowledged yet."""
        return len(self._sent)

    def _take(self, text: bytes) -> None:
        for part in text.split(b'"t":"ack","id":"')[1:]:
            due = self._sent.pop(part.partition(b'"')[0], None)
            if due is not None:
                self.delays.append(time.perf_counter() - due)


async def open_customers(target: Target, count: int) -> list[Customer]:
    """Open chats, some at once. Raises ConnectionError when the server does not play along."""
    numbers = iter(range(count))
    opened: list[Customer] = []

    async def some() -> None:
        for number in numbers:
            opened.append(await _open(target, number))

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    return opened


async def _open(target: Target, number: int) -> Customer:
    visitor = secrets.token_urlsafe(32)
    start = to_json({"t": "start", "id": "survey", "answers": survey_answers(number)})
    if target.kind == "ticket floor":
        socket = await Socket.connect(target.host, target.port, "/surveys", {})
        socket.send(start)
        await socket.text_with(b'"ack"')
        return Customer(socket, visitor)
    socket = await _window(target, visitor)
    socket.send(start)
    shown = await socket.text_with(b'"phase":"waiting"', b'"t":"error"')
    if b'"t":"error"' in shown:
        raise ConnectionError(f"the survey was answered with {shown!r}")
    return Customer(socket, visitor)


async def load_again(target: Target, customers: Sequence[Customer]) -> list[Customer]:
    """Drop each socket and connect anew, some at once. Raises ConnectionError when a chat is not shown."""
    pages = iter(customers)
    loaded: list[Customer] = []

    async def some() -> None:
        for page in pages:
            page.socket.close()
            if target.kind == "ticket floor":
                socket = await Socket.connect(target.host, target.port, "/surveys", {})
            else:
                socket = await _window(target, page.visitor, b'"phase":"waiting"')
            loaded.append(Customer(socket, page.visitor))

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    return loaded


async def _window(target: Target, visitor: str, shown: bytes = b"") -> Socket:
    """Connect a page; ``shown`` has to be in what it is shown first. Raises ConnectionError."""
    socket = await Socket.connect(target.host, target.port, "/widget/socket?key=desk", {"Origin": target.url})
    socket.send(to_json({"t": "hello", "v": 1, "visitor": visitor}))
    ready = await socket.text_with(b'"ready"')
    if shown not in ready:
        raise ConnectionError(f"the page is not shown its chat: {ready!r}")
    return socket


async def measure(tested: Server, chats: int, slow: int, seconds: float) -> Round:
    """Open the chats; on the desk, write among readers and then among windows that do not read."""
    await asyncio.sleep(_LOADED)
    before, own, began = memory(tested.process), time.process_time(), time.perf_counter()
    customers = await open_customers(tested.target, chats)
    took = time.perf_counter() - began
    share = (time.process_time() - own) / took
    needed = (memory(tested.process) - before) / chats
    desk = tested.target.kind == "desk"
    if desk:
        await mails_have_left(tested.target.database)
    mails, began = time.perf_counter() - began - took, time.perf_counter()
    customers = await load_again(tested.target, customers)
    opened = Opened(took, needed, share, time.perf_counter() - began, mails)
    if not desk:
        return Round(opened)
    loud = customers[: math.ceil(slow / (_WINDOWS - 1))]
    windows = await _more_windows(tested.target, loud, slow)
    talkers = customers[len(loud) : len(loud) + _TALKERS]
    read = await _write(talkers, loud, seconds, "r")
    for window in windows:
        window.stop_reading()
    await _fill(loud)
    return Round(opened, read, await _write(talkers, loud, seconds, "s"))


async def mails_have_left(database: str) -> None:
    """Wait until every mail that opening the chats caused has left. Raises TimeoutError."""
    async with asyncio.timeout(_PATIENCE):
        while await mails_to_send(database):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def _more_windows(target: Target, loud: Sequence[Customer], count: int) -> list[Socket]:
    windows = []
    for number in range(count):
        socket = await _window(target, loud[number % len(loud)].visitor)
        socket.on_text = _drop
        windows.append(socket)
    return windows


async def _fill(loud: Sequence[Customer]) -> None:
    """Send more than all buffers on the way to the windows hold, at a rate that people are allowed."""
    for number in range(_FILLING):
        for customer in loud:
            customer.write(f"fill-{number}", _LONG, time.perf_counter())
        while any(customer.missing for customer in loud):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _write(talkers: Sequence[Customer], loud: Sequence[Customer], seconds: float, name: str) -> Delays:
    """Let the talkers write at a steady rate and the loud ones to their windows; measure the talkers."""
    for talker in talkers:
        talker.delays.clear()
    own, began = time.process_time(), time.perf_counter()
    for number in range(int(seconds * _RATE)):
        due = began + number / _RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        talkers[number % len(talkers)].write(f"{name}-{number}", "It still shows paper jam.", due)
        if number % 10 == 0:
            at = number // 10
            loud[at % len(loud)].write(f"{name}-{number}", _LONG[:500], due)
    while any(talker.missing for talker in talkers):
        if time.perf_counter() - began > seconds + _PATIENCE:
            raise TimeoutError("some messages were not acknowledged")
        await asyncio.sleep(0.02)
    took = time.perf_counter() - began
    delays = sorted(delay * 1000 for talker in talkers for delay in talker.delays)
    share = (time.process_time() - own) / took
    return Delays(delays[len(delays) // 2], delays[int(len(delays) * 0.99)], share)


def _drop(_text: bytes) -> None:
    """Forget what has come."""


def open_chats(
    chats: Annotated[int, typer.Option(help="Chats to open.", max=15_000)] = CHATS,
    slow: Annotated[int, typer.Option(help="Windows that stop reading.", max=500)] = 100,
    seconds: Annotated[
        float, typer.Option(help="Seconds in which the others write, each time.", max=60)
    ] = 5.0,
    rounds: Annotated[int, typer.Option(help="Rounds; each measures the floor, then the desk.")] = 3,
) -> None:
    """Measure thousands of open chats beside the hand-made floor."""
    console = Console()
    say_when_busy(console)
    server_core, load_core = cores()
    stay_on(load_core)
    found: dict[Kind, list[Round]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            with server(kind, server_core) as tested:
                found[kind].append(uvloop.run(measure(tested, chats, slow, seconds)))
    _report(console, found, chats)


def _report(console: Console, found: dict[Kind, list[Round]], chats: int) -> None:
    columns = ("x floor", "kB a chat", "load core", "s to load again", "x floor", "s until mails left")
    table = Table("server", f"s to open {chats:,}", *columns)
    floor = median(one.opened.seconds for one in found["ticket floor"])
    floor_again = median(one.opened.again_seconds for one in found["ticket floor"])
    for kind in KINDS:
        opened = [one.opened for one in found[kind]]
        seconds = median(one.seconds for one in opened)
        again = median(one.again_seconds for one in opened)
        table.add_row(
            "chatdesk" if kind == "desk" else "floor",
            f"{seconds:.2f}",
            f"{seconds / floor:.2f}",
            f"{median(one.memory for one in opened) / 1000:.1f}",
            f"{median(one.load_share for one in opened):.0%}",
            f"{again:.2f}",
            f"{again / floor_again:.2f}",
            f"{median(one.mail_seconds for one in opened):.1f}",
        )
    console.print(table)
    delays = Table("others' messages", "p50 ms", "p99 ms", "load core")
    for name, key in (("all read", "with_readers"), ("slow readers among them", "with_slow")):
        ours: list[Delays] = [getattr(one, key) for one in found["desk"]]
        p50, p99, share = (
            median(getattr(one, figure) for one in ours) for figure in ("p50", "p99", "load_share")
        )
        delays.add_row(name, f"{p50:.1f}", f"{p99:.1f}", f"{share:.0%}")
    console.print(delays)
    show_verdicts(console, _verdicts(found["desk"], chats))


def _verdicts(found: Sequence[Round], chats: int) -> list[Verdict]:
    seconds = median(one.opened.seconds for one in found)
    needed = median(one.opened.memory for one in found)
    hurt = median(
        one.with_slow.p99 / one.with_readers.p99 for one in found if one.with_slow and one.with_readers
    )
    limits = [(word, limit * chats / CHATS) for word, limit in (("must", MUST_SECONDS), ("aim", AIM_SECONDS))]
    return [
        *(Verdict(f"{word}: opened in {limit:.1f} s", seconds, seconds <= limit) for word, limit in limits),
        *(
            Verdict(f"{word}: at most {limit / 1000:.0f} kB a chat", needed / 1000, needed <= limit)
            for word, limit in (("must", MUST_MEMORY), ("aim", AIM_MEMORY))
        ),
        Verdict(f"must: p99 of others at most {HURT} x while some do not read", hurt, hurt <= HURT),
    ]


if __name__ == "__main__":
    typer.run(open_chats)
