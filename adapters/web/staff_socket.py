"""The console's WebSocket: the session cookie opens it, and only for the console's own origin."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import WSCloseCode, web

from adapters.web.flusher import FLUSHER
from adapters.web.frame_reader import FrameReader
from adapters.web.frames import STAFF, encode
from adapters.web.heartbeat import HEARTBEAT
from adapters.web.live_socket import LiveSocket
from adapters.web.origins import own_origin
from adapters.web.presence import PRESENCE
from adapters.web.pushed_socket import PushedSocket
from adapters.web.services import SERVICES
from adapters.web.session_watch import SESSION_WATCH
from adapters.web.sign_in import signed_in
from adapters.web.staff_session import StaffSession


@dataclass(frozen=True, slots=True, eq=False)
class _Page:
    """An open page; when it is closed from here, nothing more that it sends counts."""

    session: StaffSession
    live: LiveSocket

    def close(self, code: int, reason: bytes) -> None:
        self.session.close()
        self.live.close(code, reason)


async def staff_socket(request: web.Request) -> web.StreamResponse:
    """Serve one console page's WebSocket; without a session or from elsewhere it is refused."""
    if request.headers.get("Origin") != own_origin(request):
        raise web.HTTPForbidden(text="Only the console itself may connect here.")
    staff = await signed_in(request)
    services = request.app[SERVICES]
    socket = PushedSocket()
    await socket.prepare(request)
    live = LiveSocket(socket, request.app[FLUSHER], request.transport)
    writer = asyncio.create_task(live.run())
    session = StaffSession(services, request.app[PRESENCE], staff.account.agent, live.send, live.break_off)
    page = _Page(session, live)
    services.sockets.add(staff.session, page)
    request.app[SESSION_WATCH].add(staff.session)
    heartbeat = request.app[HEARTBEAT]
    pulse = heartbeat.add(socket, request)
    try:
        live.send(encode({"t": "hello", "agent": {"id": staff.account.id, "name": staff.account.name}}))
        await FrameReader(pulse, live, STAFF, session.handle).run()
    finally:
        heartbeat.remove(pulse)
        request.app[SESSION_WATCH].remove(staff.session)
        services.sockets.remove(staff.session, page)
        session.close()
        live.close(WSCloseCode.OK, b"")
        writer.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await writer
    return socket
