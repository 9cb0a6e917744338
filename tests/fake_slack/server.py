"""The fake Slack as a server: the Web API with faults on demand, Socket Mode, and a ledger of all calls."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from tests.fake_slack.rules import Refused
from tests.fake_slack.workspace import APP_TOKEN, BOT_TOKEN, SCOPES, Workspace

READS = {"conversations.history", "conversations.replies", "conversations.info", "users.info",
         "users.lookupByEmail", "files.info"}  # fmt: skip
FORMS = {"files.getUploadURLExternal"}
Fault = Literal["busy", "failed", "refused", "cut before", "cut after"]


@dataclass(frozen=True)
class Call:
    """One call of the Web API: what was asked, and the error it was answered with, "" for none."""

    method: str
    body: dict[str, Any]
    error: str
    at: float


class FakeSlack:
    """Serves a workspace. ``seconds_per_post`` > 0 refuses posts into a channel that come faster."""

    def __init__(self, workspace: Workspace, seconds_per_post: float = 0.0) -> None:
        self.workspace = workspace
        self.ledger: list[Call] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.changed = asyncio.Event()
        self.latency = 0.0
        self._seconds_per_post = seconds_per_post
        self._last_post: dict[str, float] = {}
        self._faults: defaultdict[str, deque[tuple[Fault, float]]] = defaultdict(deque)
        self._acks: dict[str, asyncio.Future[Any]] = {}
        self._tickets: set[str] = set()
        self._hold: Literal["", "before", "after"] = ""
        self._held = asyncio.Event()
        self._still: dict[str, asyncio.Event] = {}
        self._arrived: set[str] = set()

    @property
    def api_url(self) -> str:
        return f"{self.workspace.base}/api/"

    def fail(self, method: str, fault: Fault, seconds: float = 1.0, times: int = 1) -> None:
        """Let the next calls of the method fail that way; ``seconds`` is Retry-After."""
        self._faults[method].extend([(fault, seconds)] * times)

    def hold_before(self) -> None:
        """Hold the next post up before Slack has taken it."""
        self._hold = "before"

    def hold_after(self) -> None:
        """Hold the answer to the next post back after Slack has taken it."""
        self._hold = "after"

    async def held(self) -> None:
        """Wait until a call is held."""
        async with asyncio.timeout(20):
            await self._held.wait()

    def release(self) -> None:
        """Hold nothing any longer; whoever was held up has gone."""
        self._hold = ""
        self._held.clear()

    @asynccontextmanager
    async def standing_still(self, method: str) -> AsyncIterator[None]:
        """Work on no call of the method until the block ends."""
        self._still[method] = asyncio.Event()
        self._arrived.discard(method)
        try:
            yield
        finally:
            self._still.pop(method).set()

    async def arrived(self, method: str) -> None:
        """Wait until a call of a method that stands still has arrived."""
        await self.until(lambda: method in self._arrived)

    def calls(self, method: str) -> list[Call]:
        """Return the calls of the method that Slack carried out."""
        return [call for call in self.ledger if call.method == method and not call.error]

    async def until(self, holds: Any, within: float = 20.0) -> Any:
        """Wait until ``holds()`` is true after some call, and return what it returned."""
        async with asyncio.timeout(within):
            while True:
                self.changed.clear()
                found = holds()
                if found:
                    return found
                await self.changed.wait()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[FakeSlack]:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/api/{method}", self._api)
        application.router.add_post("/upload/{file}", self._upload)
        application.router.add_get("/files/{file}", self._download)
        application.router.add_get("/socket/{ticket}", self._socket)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.workspace.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            for socket in self.sockets:
                await socket.close()
            await runner.cleanup()

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        body = await _body(request, method)
        if self.latency:
            await asyncio.sleep(self.latency)
        if method in self._still:
            self._arrived.add(method)
            self.changed.set()
            await self._still[method].wait()
        fault, seconds = self._faults[method].popleft() if self._faults[method] else (None, 0.0)
        if fault == "busy":
            return self._busy(method, body, seconds)
        if fault == "failed":
            self._note(method, body, "fault")
            return web.Response(status=503, text="upstream failure")
        if fault == "refused":
            self._note(method, body, "restricted_action")
            return web.json_response({"ok": False, "error": "restricted_action"})
        if fault == "cut before":
            self._note(method, body, "cut")
            return _cut(request)
        if self._hold == "before" and method == "chat.postMessage":
            return await self._hold_up()
        answer = self._answer(request, method, body)
        if self._hold == "after" and method == "chat.postMessage":
            return await self._hold_up()
        if fault == "cut after":
            return _cut(request)
        if answer.get("error") == "ratelimited":
            return self._busy(method, body, 1.0)
        return web.json_response(answer, headers={"x-oauth-scopes": SCOPES})

    async def _hold_up(self) -> web.Response:
        """Answer nothing until the caller has gone."""
        self._held.set()
        # The runner cancels a handler whose caller has gone.
        await asyncio.Event().wait()
        return web.Response()

    def _answer(self, request: web.Request, method: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            self._authorise(request, method)
            if method == "apps.connections.open":
                found: dict[str, Any] = {"url": self._new_socket()}
            else:
                self._pace(method, body)
                found = self.workspace.call(method, body)
        except Refused as refused:
            self._note(method, body, refused.error)
            return {"ok": False, "error": refused.error, "detail": refused.detail}
        self._note(method, body, "")
        return {"ok": True, **found}

    def _authorise(self, request: web.Request, method: str) -> None:
        token = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        if request.headers.get("Authorization") != f"Bearer {token}":
            raise Refused("invalid_auth")
        if request.method == "GET" and method not in READS:
            raise Refused("method_not_supported_for_channel_type", "GET")
        if request.content_type == "application/json" and method in READS | FORMS:
            # Slack ignores a JSON body here, so that the arguments are missing.
            raise Refused("invalid_arguments", "JSON")

    def _pace(self, method: str, body: dict[str, Any]) -> None:
        if method != "chat.postMessage" or not self._seconds_per_post:
            return
        now, channel = time.monotonic(), str(body.get("channel"))
        if now - self._last_post.get(channel, -1e9) < self._seconds_per_post * 0.9:
            raise Refused("ratelimited")
        self._last_post[channel] = now

    def _busy(self, method: str, body: dict[str, Any], seconds: float) -> web.Response:
        self._note(method, body, "ratelimited")
        headers = {"Retry-After": str(max(1, int(seconds)))}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)

    def _note(self, method: str, body: dict[str, Any], error: str) -> None:
        self.ledger.append(Call(method, body, error, time.monotonic()))
        self.changed.set()

    async def _upload(self, request: web.Request) -> web.Response:
        upload = self.workspace.uploads.get(request.match_info["file"])
        content = await request.read()
        if upload is None or len(content) != upload["length"]:
            return web.Response(status=400)
        upload["content"] = content
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.Response:
        upload = self.workspace.uploads.get(request.match_info["file"])
        if upload is None or request.headers.get("Authorization") != f"Bearer {BOT_TOKEN}":
            return web.Response(status=403)
        return web.Response(body=upload["content"])

    def _new_socket(self) -> str:
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return f"{self.workspace.base.replace('http', 'ws', 1)}/socket/{ticket}"

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        ticket = request.match_info["ticket"]
        if ticket not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self.sockets) + 1})
        self.sockets.append(socket)
        self.changed.set()
        try:
            async for received in socket:
                frame = json.loads(received.data)
                waiting = self._acks.pop(frame.get("envelope_id", ""), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(frame.get("payload"))
        finally:
            self.sockets.remove(socket)
            self.changed.set()
        return socket

    async def send_frame(self, kind: str, payload: dict[str, Any], socket: int = 0) -> Any:
        """Send one request by Socket Mode and return what it was answered with, within three seconds."""
        envelope = secrets.token_hex(8)
        self._acks[envelope] = asyncio.get_running_loop().create_future()
        frame = {"type": kind, "envelope_id": envelope, "payload": payload, "accepts_response_payload": True}
        await self.sockets[socket].send_json(frame)
        return await asyncio.wait_for(self._acks[envelope], 3.0)


async def _body(request: web.Request, method: str) -> dict[str, Any]:
    if request.method == "GET":
        return dict(request.query)
    if request.content_type == "application/json":
        parsed: dict[str, Any] = await request.json()
        return parsed
    return dict(await request.post())


def _cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
