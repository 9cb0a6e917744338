"""A server on loopback that serves sockets as a test says, and one connected to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.web.pushed_socket import PushedSocket

REQUEST: ContextVar[str] = ContextVar("request", default="none")

Serve = Callable[[PushedSocket], Awaitable[None]]


@asynccontextmanager
async def connected(serve: Serve) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Connect to a server that serves each socket so."""

    async def handle(request: web.Request) -> web.StreamResponse:
        REQUEST.set("of this socket")
        socket = PushedSocket()
        await socket.prepare(request)
        await serve(socket)
        return socket

    application = web.Application()
    application.router.add_get("/", handle)
    async with (
        asyncio.timeout(20),
        TestServer(application) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.make_url("/"), autoping=False) as socket,
    ):
        yield socket
