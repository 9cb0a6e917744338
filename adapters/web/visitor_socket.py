"""The widget's WebSocket: exact origins, no cookies, the secret in the first frame, not in an address."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from adapters.web.flusher import FLUSHER
from adapters.web.frame_reader import FrameReader
from adapters.web.frames import HELLO, UNREADABLE, VERSION, VISITOR, Hello, error_frame, explain
from adapters.web.heartbeat import HEARTBEAT, Pulse, answered
from adapters.web.live_socket import LiveSocket
from adapters.web.origins import widget_for
from adapters.web.pushed_socket import PushedSocket
from adapters.web.visitor_connection import VisitorConnection
from chatdesk.config import WidgetSettings
from chatdesk.errors import EventRefused

HELLO_TIMEOUT = 10.0


async def visitor_socket(request: web.Request) -> web.StreamResponse:
    """Serve one page's WebSocket; a foreign origin or an unknown key is refused before the upgrade."""
    widget = widget_for(request)
    socket = PushedSocket()
    await socket.prepare(request)
    live = LiveSocket(socket, request.app[FLUSHER], request.transport)
    writer = asyncio.create_task(live.run())
    heartbeat = request.app[HEARTBEAT]
    pulse = heartbeat.add(socket, request)
    try:
        hello = await _hello(socket, live)
        if hello is not None:
            await _talk(request, widget, pulse, live, hello)
    except EventRefused as refusal:
        live.send(error_frame(refusal.code, str(refusal)))
        live.close(WSCloseCode.POLICY_VIOLATION, refusal.code.encode())
        with suppress(ConnectionError):
            await writer
    finally:
        heartbeat.remove(pulse)
        live.close(WSCloseCode.OK, b"")
        writer.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await writer
    return socket


async def _talk(
    request: web.Request,
    widget: WidgetSettings,
    pulse: Pulse,
    live: LiveSocket,
    hello: Hello,
) -> None:
    """Bring the page up to date and take its frames until it goes. Raises EventRefused for one too many."""
    connection = VisitorConnection(request, widget, hello, live)
    try:
        await connection.session.begin(hello.conversation, hello.after)
        await FrameReader(pulse, live, VISITOR, connection.session.handle).run()
    finally:
        connection.close()


async def _hello(socket: web.WebSocketResponse, live: LiveSocket) -> Hello | None:
    """Return the first frame, or None after telling the client what is wrong with it."""
    try:
        async with asyncio.timeout(HELLO_TIMEOUT):
            message = await socket.receive()
            while await answered(socket, message):
                message = await socket.receive()
    except TimeoutError:
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"say hello first")
        return None
    if message.type is not WSMsgType.TEXT:
        await socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"send JSON text frames")
        return None
    try:
        hello = HELLO.decode(message.data)
    except UNREADABLE as error:
        await socket.send_str(error_frame("bad_hello", explain(error)))
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"bad hello")
        return None
    if hello.v != VERSION:
        await socket.send_str(error_frame("version", f"This desk speaks version {VERSION} of the protocol."))
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"version")
        return None
    return hello
