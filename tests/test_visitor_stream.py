"""The fall-back without WebSocket: server-sent events down, POST up, the same frames."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from adapters.web import visitor_stream
from adapters.web.frames import MAX_FRAME
from tests.running_desk import ANSWERS, ServedDesk, customer, serving


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


class Page:
    """A page that talks by streams and posts."""

    def __init__(self, base: str, session: aiohttp.ClientSession, origin: str | None = None) -> None:
        self.base = base
        self.http = session
        self.headers = {"Origin": origin or base}
        self.token = ""
        self._frames: list[dict[str, Any]] = []

    async def post(self, path: str, body: object) -> tuple[int, Any]:
        """Post JSON and return status and answer."""
        address = f"{self.base}/widget/{path}?key=desk"
        async with self.http.post(address, data=json.dumps(body), headers=self.headers) as answer:
            return answer.status, None if answer.status == 204 else await answer.json()

    async def hello(self, visitor: str | None = None) -> tuple[int, Any]:
        """Open a session."""
        status, found = await self.post(
            "session", {"t": "hello", "v": 1, "visitor": visitor or secrets.token_urlsafe(32)}
        )
        self.token = found.get("token", "")
        return status, found

    def stream(self) -> Any:
        """Open the stream of the session."""
        return self.http.get(f"{self.base}/widget/stream?key=desk&token={self.token}")

    async def send(self, **frame: object) -> int:
        """Post one frame."""
        return (await self.post("send", {"token": self.token, "frame": frame}))[0]

    async def next(self, stream: aiohttp.ClientResponse, kind: str) -> dict[str, Any]:
        """Return the next frame of that kind."""
        async with asyncio.timeout(10):
            while True:
                while not self._frames:
                    line = (await stream.content.readline()).decode()
                    if line.startswith("data: "):
                        found = json.loads(line.removeprefix("data: "))
                        self._frames = found if isinstance(found, list) else [found]
                frame = self._frames.pop(0)
                if frame["t"] == kind:
                    return frame


async def test_a_chat_is_begun_and_held_without_a_websocket(desk: ServedDesk) -> None:
    secret = secrets.token_urlsafe(32)
    async with aiohttp.ClientSession() as session:
        page = Page(desk.base, session)
        assert (await page.hello(secret))[0] == 200
        async with page.stream() as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            assert (await page.next(stream, "ready"))["conversation"] is None
            assert await page.send(t="start", id="s", answers=ANSWERS) == 204
            assert (await page.next(stream, "ready"))["state"]["phase"] == "waiting"
            assert await page.send(t="message", id="m", text="by post") == 204
            assert (await page.next(stream, "ack"))["id"] == "m"
    async with customer(desk.base, secret) as line:
        assert (await line.next("ready"))["messages"][-1]["text"] == "by post"


async def test_a_foreign_origin_gets_nothing(desk: ServedDesk) -> None:
    async with aiohttp.ClientSession() as session:
        address = f"{desk.base}/widget/session?key=desk"
        for method in ("POST", "OPTIONS"):
            headers = {"Origin": "https://evil.example"}
            async with session.request(method, address, data="{}", headers=headers) as answer:
                assert answer.status == 403
                assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_listed_page_is_let_in_by_name_and_without_cookies(desk: ServedDesk) -> None:
    origin = "http://localhost:8080"
    async with aiohttp.ClientSession() as session:
        address = f"{desk.base}/widget/session?key=desk"
        async with session.options(address, headers={"Origin": origin}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert "Access-Control-Allow-Credentials" not in answer.headers
        page = Page(desk.base, session, origin)
        assert (await page.hello())[0] == 200


async def test_a_token_is_good_for_one_stream(desk: ServedDesk) -> None:
    async with aiohttp.ClientSession() as session:
        page = Page(desk.base, session)
        await page.hello()
        async with page.stream() as stream:
            await page.next(stream, "ready")
            async with page.stream() as second:
                assert second.status == 404
        page.token = "0" * 32
        async with page.stream() as third:
            assert third.status == 404


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("session", {"t": "hello"}, "bad_hello"),
        ("session", {"t": "hello", "v": 9, "visitor": "x" * 32}, "version"),
        ("send", {"token": "0" * 32, "frame": {"t": "ping"}}, "closed"),
        ("send", {"token": "0" * 32, "frame": {"t": "watch_desk"}}, "bad_frame"),
        ("send", [], "bad_frame"),
        ("send", "x" * MAX_FRAME, "too_long"),
    ],
)
async def test_what_cannot_be_used_is_explained(desk: ServedDesk, path: str, body: object, code: str) -> None:
    async with aiohttp.ClientSession() as session:
        status, found = await Page(desk.base, session).post(path, body)
    assert status >= 400
    assert found["code"] == code


async def test_a_session_without_a_stream_is_forgotten(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor_stream, "ATTACH_WITHIN", 0.0)
    async with aiohttp.ClientSession() as session:
        page = Page(desk.base, session)
        await page.hello()
        async with page.stream() as stream:
            assert stream.status == 404
