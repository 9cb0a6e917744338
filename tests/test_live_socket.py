"""Frames on their way to one client: one task writes to all who keep up, each of the others has its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import WSCloseCode

from adapters.web.flusher import Flusher
from adapters.web.live_socket import AT_ONCE, MAX_CHARACTERS, MAX_QUEUED, LiveSocket


class Reader:
    """A client and the transport to it: takes frames while ``takes`` is set; ``unsent`` bytes wait for it."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.closed: list[int] = []
        self.aborted = False
        self.unsent = 0
        self.fault: Exception | None = None
        self.asked = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.aborted = True

    async def send_str(self, data: str, /) -> None:
        if self.fault is not None:
            raise self.fault
        self.asked.set()
        await self.takes.wait()
        self.got.append(data)
        self.told.put_nowait(data)

    async def close(self, *, code: int, message: bytes) -> bool:
        self.closed.append(code)
        return True

    async def next(self) -> str:
        return await asyncio.wait_for(self.told.get(), 5)


@asynccontextmanager
async def flushing() -> AsyncIterator[Flusher]:
    flusher = Flusher()
    task = asyncio.create_task(flusher.run())
    yield flusher
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_what_is_sent_in_one_turn_is_written_at_once_and_in_order() -> None:
    reader = Reader()
    async with flushing() as flusher:
        live = LiveSocket(reader, flusher, reader)
        for frame in ('"a"', '"b"', '"c"'):
            live.send(frame)
        assert await reader.next() == '["a","b","c"]'
        live.send('"d"')
        assert await reader.next() == '"d"'


async def test_who_reads_nothing_by_what_has_no_flusher_is_cut_off_too() -> None:
    """As a server-sent stream: the write that waits for its reader would keep the end from it."""
    slow = Reader()
    slow.unsent = 1
    slow.takes.clear()
    live = LiveSocket(slow)
    live.carried_by(slow)
    writer = asyncio.create_task(live.run())
    for _ in range(MAX_QUEUED + 2):
        live.send('"a"')
    assert slow.aborted
    writer.cancel()


async def test_a_reader_that_takes_nothing_keeps_nobody_from_theirs() -> None:
    slow, quick = Reader(), Reader()
    slow.unsent = 1
    slow.takes.clear()
    async with flushing() as flusher:
        held, live = LiveSocket(slow, flusher, slow), LiveSocket(quick, flusher, quick)
        writer = asyncio.create_task(held.run())
        for number in range(3):
            held.send(f"{number}")
            live.send(f"{number}")
            assert await quick.next() == f"{number}"
        assert slow.got == []
        slow.unsent = 0
        slow.takes.set()
        assert [await slow.next(), await slow.next()] == ["0", "[1,2]"]
        held.send("3")
        assert await slow.next() == "3"
        held.close(WSCloseCode.OK, b"")
        await asyncio.wait_for(writer, 5)


async def test_much_at_once_is_waited_for_by_its_own_task() -> None:
    reader = Reader()
    reader.takes.clear()
    async with flushing() as flusher:
        live, other = LiveSocket(reader, flusher, reader), Reader()
        writer = asyncio.create_task(live.run())
        live.send("x" * (AT_ONCE + 1))
        small = LiveSocket(other, flusher, other)
        small.send("1")
        assert await other.next() == "1"
        reader.takes.set()
        assert len(await reader.next()) == AT_ONCE + 1
        live.close(WSCloseCode.OK, b"")
        await asyncio.wait_for(writer, 5)


async def test_a_fault_while_writing_ends_its_socket_and_no_other() -> None:
    gone, there = Reader(), Reader()
    gone.fault = ConnectionResetError("gone")
    async with flushing() as flusher:
        lost, live = LiveSocket(gone, flusher, gone), LiveSocket(there, flusher, there)
        writer = asyncio.create_task(lost.run())
        lost.send("1")
        live.send("1")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(writer, 5)
        assert await there.next() == "1"


async def test_what_is_queued_is_written_before_the_end() -> None:
    reader = Reader()
    async with flushing() as flusher:
        live = LiveSocket(reader, flusher, reader)
        live.send("1")
        live.close(WSCloseCode.SERVICE_RESTART, b"restarting")
        await asyncio.wait_for(live.run(), 5)
    assert (reader.got, reader.closed) == (["1"], [WSCloseCode.SERVICE_RESTART])


@pytest.mark.parametrize("flushed", [True, False])
async def test_a_reader_that_lags_too_far_behind_is_cut_off(flushed: bool) -> None:
    reader = Reader()
    async with flushing() as flusher:
        live = LiveSocket(reader, flusher, reader) if flushed else LiveSocket(reader)
        for _ in range(MAX_QUEUED + 1):
            live.send("{}")
        await asyncio.wait_for(live.run(), 5)
    assert (reader.got, reader.closed) == ([], [WSCloseCode.TRY_AGAIN_LATER])


@pytest.mark.parametrize(
    ("frame", "frames"), [("{}", MAX_QUEUED + 1), ("x" * 10_000, MAX_CHARACTERS // 10_000 + 1)]
)
async def test_a_reader_that_lags_too_far_behind_is_told_nothing_after_the_gap(
    frame: str, frames: int
) -> None:
    reader = Reader()
    reader.takes.clear()
    live = LiveSocket(reader)
    writing = asyncio.create_task(live.run())
    live.send("first")
    await reader.asked.wait()
    for _ in range(frames):
        live.send(frame)
    # It would take the number of this for the last one it has, and never ask for those before.
    live.send("after the gap")
    reader.takes.set()
    await asyncio.wait_for(writing, 5)
    assert (reader.got, reader.closed) == (["first"], [WSCloseCode.TRY_AGAIN_LATER])


async def test_a_chat_longer_than_all_that_may_wait_is_sent_with_what_follows_it() -> None:
    reader = Reader()
    async with flushing() as flusher:
        live = LiveSocket(reader, flusher, reader)
        writer = asyncio.create_task(live.run())
        chat = "x" * (10 * MAX_CHARACTERS)
        for frame in (chat, "1", "2"):
            live.send(frame)
        assert await reader.next() == f"[{chat},1,2]"
        live.close(WSCloseCode.OK, b"")
        await asyncio.wait_for(writer, 5)
    assert reader.closed == [WSCloseCode.OK]


async def test_the_connection_of_a_reader_that_takes_nothing_is_dropped() -> None:
    reader = Reader()
    reader.unsent = 1
    live = LiveSocket(reader, None, reader)
    for _ in range(MAX_QUEUED):
        live.send("{}")
    assert not reader.aborted
    live.send("{}")
    assert reader.aborted


async def test_what_is_sent_without_waiting_never_fills_a_transports_buffer() -> None:
    near, far = socket.socketpair()
    with far:
        _, writer = await asyncio.open_connection(sock=near)
        _, high = writer.transport.get_write_buffer_limits()
        writer.close()
        await writer.wait_closed()
    assert len("\U0001f600".encode()) * AT_ONCE <= high
