"""The widget's fall-back where a proxy blocks WebSockets: server-sent events down, POST up.

A page opens a session with its first frame, in the body, and gets a token that is good for one stream and
the frames that belong to it. The frames are those of the WebSocket [docs/protocol.md].
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from aiohttp import web
from msgspec import Struct
from msgspec.json import Decoder

from adapters.web.cors import allow, preflight, refuse
from adapters.web.frames import HELLO, MAX_FRAME, UNREADABLE, VERSION, Identity, VisitorFrame, explain
from adapters.web.live_socket import LiveSocket
from adapters.web.origins import widget_for
from adapters.web.services import SERVICES
from adapters.web.visitor_connection import VisitorConnection
from chatdesk.errors import EventRefused

log = structlog.get_logger(__name__)

ATTACH_WITHIN = 20.0
"""Seconds in which the stream has to be opened after its session."""
BEAT = 15.0
"""Seconds between signs of life; a proxy keeps the stream open, and a page that is gone is noticed."""
MAX_SESSIONS = 10_000
CLOSED = "This connection is over. Connect again."


class Envelope(Struct, frozen=True, forbid_unknown_fields=True):
    """What a page posts: a frame for the session that the token names."""

    token: Identity
    frame: VisitorFrame


ENVELOPE = Decoder(Envelope)


class EventStream:
    """Carries frames as server-sent events."""

    def __init__(self) -> None:
        self._response: web.StreamResponse | None = None

    def attach(self, response: web.StreamResponse) -> None:
        """Begin to write to ``response``, which has been prepared."""
        self._response = response

    async def send_str(self, data: str, /) -> None:
        """Send one text, in which JSON has left no line break."""
        await self._write(f"data: {data}\n\n")

    async def close(self, *, code: int, message: bytes) -> bool:
        """Say why the stream ends; the page opens another."""
        await self._write(f"event: close\ndata: {code} {message.decode()}\n\n")
        return True

    async def beat(self) -> None:
        """Show that the stream is alive."""
        await self._write(":\n\n")

    async def _write(self, text: str) -> None:
        if self._response is not None:
            await self._response.write(text.encode())


class StreamSession:
    """A page that said hello by POST: first without a stream, then with one, then over."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.events = EventStream()
        self.live = LiveSocket(self.events)
        self.connection: VisitorConnection | None = None
        self.attached = False


class Streams:
    """The open sessions by token."""

    def __init__(self) -> None:
        self._open: dict[str, StreamSession] = {}

    def add(self, token: str, session: StreamSession) -> None:
        """Keep a session until its stream ends, or for a short while if none is opened."""
        self._open[token] = session
        asyncio.get_running_loop().call_later(ATTACH_WITHIN, self._give_up, token)

    def find(self, token: str, key: str) -> StreamSession | None:
        """Return the session if it is one of this widget's."""
        session = self._open.get(token)
        return session if session is not None and session.key == key else None

    def end(self, token: str) -> None:
        """Forget a session."""
        session = self._open.pop(token, None)
        if session is not None and session.connection is not None:
            session.connection.close()

    @property
    def full(self) -> bool:
        """Whether there is no room for another."""
        return len(self._open) >= MAX_SESSIONS

    def _give_up(self, token: str) -> None:
        session = self._open.get(token)
        if session is not None and not session.attached:
            self.end(token)


STREAMS = web.AppKey("streams", Streams)


def add_routes(application: web.Application) -> None:
    """Add the fall-back's routes."""
    application[STREAMS] = Streams()
    router = application.router
    router.add_post("/widget/session", open_session)
    router.add_post("/widget/send", take_frame)
    router.add_get("/widget/stream", stream, allow_head=False)
    for path in ("/widget/session", "/widget/send"):
        router.add_options(path, preflight)


async def open_session(request: web.Request) -> web.StreamResponse:
    """Take the first frame and answer with the token of a stream."""
    widget = widget_for(request)
    body = await _body(request)
    if body is None:
        return _too_long(request)
    try:
        hello = HELLO.decode(body)
    except UNREADABLE as error:
        return refuse(request, 400, "bad_hello", explain(error))
    if hello.v != VERSION:
        return refuse(request, 400, "version", f"This desk speaks version {VERSION} of the protocol.")
    streams = request.app[STREAMS]
    session = StreamSession(widget.key)
    try:
        if streams.full:
            raise EventRefused("The desk is very busy. Please try again in a minute.", code="too_many")
        session.connection = VisitorConnection(request, widget, hello, session.live)
    except EventRefused as refusal:
        return refuse(request, 429, refusal.code, str(refusal))
    token = request.app[SERVICES].new_id()
    streams.add(token, session)
    try:
        await session.connection.session.begin(hello.conversation, hello.after)
    except BaseException:
        streams.end(token)
        raise
    return allow(request, web.json_response({"token": token}))


async def stream(request: web.Request) -> web.StreamResponse:
    """Send the session's frames as they come, until either side ends it."""
    widget = widget_for(request, without_origin=True)
    streams, token = request.app[STREAMS], request.query.get("token", "")
    session = streams.find(token, widget.key)
    if session is None or session.attached:
        return refuse(request, 404, "closed", CLOSED)
    session.attached = True
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = allow(request, web.StreamResponse(headers=headers))
    try:
        await response.prepare(request)
        session.live.carried_by(request.transport)
        session.events.attach(response)
        await _run(session)
    except ConnectionError:
        log.debug("stream_gone")
    finally:
        streams.end(token)
    return response


async def take_frame(request: web.Request) -> web.StreamResponse:
    """Take one frame; what comes of it is told on the stream."""
    widget = widget_for(request)
    body = await _body(request)
    if body is None:
        return _too_long(request)
    try:
        envelope = ENVELOPE.decode(body)
    except UNREADABLE as error:
        return refuse(request, 400, "bad_frame", explain(error))
    session = request.app[STREAMS].find(envelope.token, widget.key)
    if session is None or session.connection is None:
        return refuse(request, 404, "closed", CLOSED)
    session.connection.session.handle(envelope.frame)
    return allow(request, web.Response(status=204))


async def _run(session: StreamSession) -> None:
    """Write frames, and signs of life in between, until the stream is closed or its reader is gone."""
    writer = asyncio.create_task(session.live.run())
    try:
        while True:
            done, _ = await asyncio.wait({writer}, timeout=BEAT)
            if done:
                return await writer
            await session.events.beat()
    finally:
        writer.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await writer


async def _body(request: web.Request) -> bytes | None:
    """Return the body, or None when it is longer than a frame may be."""
    body = await request.content.read(MAX_FRAME + 1)
    while body and len(body) <= MAX_FRAME and not request.content.at_eof():
        body += await request.content.read(MAX_FRAME + 1 - len(body))
    return body if len(body) <= MAX_FRAME else None


def _too_long(request: web.Request) -> web.StreamResponse:
    return refuse(request, 413, "too_long", f"A frame has at most {MAX_FRAME:,} bytes.")
