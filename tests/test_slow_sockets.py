"""Sockets that are idle or do not read: others are served promptly, and memory is bounded [threat 7]."""

from __future__ import annotations

import asyncio
import json
import resource
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.raw_sockets import RawSocket, kept_open
from tests.running_desk import Line, ServerProcess, customer, technician
from tests.test_crash import take
from tests.test_nodes import start_chat

IDLE, SLOW, LONG_MESSAGES = 5_000, 100, 96
SOCKETS = IDLE + SLOW + 400
PROMPT = 2.0
"""Seconds in which a message reaches the other side, however busy the machine is besides."""
BOUND = 250
"""Megabytes: what the slow may hold at most, until they are cut off."""
LONG = "\U0001f600" * 15_000
"""Sixty thousand bytes."""
pytestmark = pytest.mark.slow


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process and the server open as many sockets as are needed."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < SOCKETS:
        pytest.skip(f"{SOCKETS} open files are needed and {before[1]} allowed; raise `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], SOCKETS), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def opened(
    count: int, server: ServerProcess, path: str, headers: Mapping[str, str], *, slow: bool
) -> Iterator[list[RawSocket]]:
    """Open that many sockets, a hundred at a time."""
    sockets: list[RawSocket] = []
    try:
        for start in range(0, count, 100):
            fresh = [RawSocket(server.base, path, headers, slow=slow) for _ in range(min(100, count - start))]
            sockets += fresh
            for one in fresh:
                one.opened()
        yield sockets
    finally:
        for one in sockets:
            one.close()


def memory(server: ServerProcess) -> int:
    """Return the megabytes that the server's process holds."""
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024


async def say_much(page: Line) -> None:
    """Write long messages, two at a time."""
    for number in range(0, LONG_MESSAGES, 2):
        for n in (number, number + 1):
            frame = {"t": "message", "id": f"long{n}", "text": LONG}
            await page.socket.send_str(json.dumps(frame, ensure_ascii=False))
        for _ in range(2):
            await page.next("ack", within=30.0)


async def times_of_a_chat(page: Line, console: Line, until: asyncio.Task[None]) -> list[float]:
    """Talk until the task ends; return how long each message took to the other side."""
    times: list[float] = []
    while not until.done():
        began = time.perf_counter()
        await page.send(t="message", id=secrets.token_hex(8), text="Is this slow?")
        while not (await console.next("news", within=30.0)).get("messages"):
            pass
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)  # as people type, and far below what a page may send
    return times


@pytest.mark.usefixtures("many_files")
async def test_who_does_not_read_holds_up_nobody_and_is_cut_off(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        cookies = await server.sign_in()
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        async with (
            customer(server.base) as busy,
            customer(server.base) as page,
            technician(server.base, cookies) as console,
        ):
            watched, chat = await start_chat(busy), await start_chat(page)
            for one in (watched, chat):
                await take(server, cookies, one["ticket"])
            await console.send(t="watch", conversation=chat["conversation"], after=0)
            await console.next("ready")
            with (
                opened(IDLE, server, "/widget/socket?key=desk", {}, slow=False) as idle,
                opened(SLOW, server, "/console/socket", cookie, slow=True) as slow,
            ):
                for one_idle in idle:
                    one_idle.send(t="hello", v=1, visitor=secrets.token_urlsafe(32))
                for one_idle in idle:
                    one_idle.told()
                for one_slow in slow:
                    one_slow.send(t="watch", conversation=watched["conversation"], after=0)
                # Whoever is shown the chat later is sent all of it at once, which the system takes whole.
                for one_slow in slow:
                    await asyncio.to_thread(one_slow.told_of, b'"ready"')
                before = memory(server)
                talking = asyncio.create_task(say_much(busy))
                times = sorted(await times_of_a_chat(page, console, talking))
                await talking
                assert times[int(0.95 * len(times))] < PROMPT
                assert memory(server) - before < BOUND
                port, slow_ports = int(server.base.rpartition(":")[2]), {one.port for one in slow}
                async with asyncio.timeout(20.0):
                    while slow_ports & kept_open(port):  # noqa: ASYNC110 - the system tells nobody
                        await asyncio.sleep(0.05)
