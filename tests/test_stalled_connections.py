"""Connections that begin something and stand still are closed; all others stay, however quiet they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from adapters.web.stalled_connections import PATIENCE, StalledConnections
from chatdesk.cli.server import open_port
from tests.running_desk import serving

GET = b"GET /%s HTTP/1.1\r\nHost: desk\r\n"
POST = b"POST / HTTP/1.1\r\nHost: desk\r\nContent-Length: 100\r\n\r\n"
UPGRADE = (
    GET % b"socket" + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@dataclass
class Served:
    """A server on loopback that says what it has taken so far of the bodies sent to it."""

    port: int
    server: web.Server
    taken: bytearray = field(default_factory=bytearray)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connected(self, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        before = len(self.server.connections)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(sent)
        await until(lambda: len(self.server.connections) > before)
        return reader, writer


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if holds():
                return
            await asyncio.sleep(0.005)


async def is_closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(), 10) == b""
    except ConnectionResetError:
        return True


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    async def take(request: web.Request) -> web.Response:
        async for piece in request.content.iter_any():
            here.taken.extend(piece)
        return web.Response(text="taken")

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await asyncio.Event().wait()
        return response

    async def socket(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for _ in response:
            await response.send_str("heard")
        return response

    application = web.Application()
    application.router.add_post("/", take)
    application.router.add_get("/stream", stream)
    application.router.add_get("/socket", socket)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    assert runner.server is not None
    here = Served(runner.addresses[0][1], runner.server)
    try:
        yield here
    finally:
        for writer in here.writers:
            writer.close()
        await runner.cleanup()


@pytest.mark.parametrize("sent", [b"", b"GET", GET % b"stream" + b"X-A: "], ids=["silent", "half", "header"])
async def test_a_connection_without_a_whole_header_is_closed_in_time(sent: bytes) -> None:
    async with served() as here:
        reader, writer = await here.connected(sent)
        closing = StalledConnections(here.server)
        closing.close_stalled(1000.0)
        closing.close_stalled(1000.0 + PATIENCE - 1)
        assert len(here.server.connections) == 1
        # A piece of a header now and then is no whole one.
        writer.write(b"x")
        closing.close_stalled(1000.0 + PATIENCE)
        assert await is_closed(reader)


async def test_a_body_that_stands_still_is_given_up_and_one_that_moves_is_not() -> None:
    async with served() as here:
        reader, writer = await here.connected(POST + b"x" * 10)
        closing = StalledConnections(here.server)
        now = 1000.0
        for come in range(10, 60, 10):
            await until(lambda come=come: len(here.taken) == come)  # type: ignore[misc]
            closing.close_stalled(now)
            now += PATIENCE - 1
            closing.close_stalled(now)
            writer.write(b"x" * 10)
        await until(lambda: len(here.taken) == 60)
        closing.close_stalled(now)
        assert len(here.server.connections) == 1
        closing.close_stalled(now + PATIENCE)
        assert await is_closed(reader)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (POST + b"x" * 100, b"taken"),
        (GET % b"stream" + b"\r\n", b"first"),
        (UPGRADE, b"\r\n\r\n"),
        (GET % b"missing" + b"\r\n", b"404: Not Found"),
    ],
    ids=["between two requests", "stream", "socket", "after a refusal"],
)
async def test_whoever_has_asked_may_be_quiet_for_hours(sent: bytes, answer: bytes) -> None:
    async with served() as here:
        reader, _writer = await here.connected(sent)
        await asyncio.wait_for(reader.readuntil(answer), 10)
        closing = StalledConnections(here.server)
        for hour in range(3):
            closing.close_stalled(3600.0 * hour)
        await asyncio.sleep(0)
        assert len(here.server.connections) == 1
        assert not reader.at_eof()


async def test_a_desk_closes_a_silent_connection_by_itself() -> None:
    async with serving(demo=True) as desk, open_port(desk.running, "127.0.0.1", 0, patience=0.2) as base:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
        assert await is_closed(reader)
        writer.close()
