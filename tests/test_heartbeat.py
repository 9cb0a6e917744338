"""A page that is gone without a word is noticed; one that is only silent is left in peace."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import WSMsgType

from adapters.web import heartbeat
from tests.running_desk import serving

HELLO = {"t": "hello", "v": 1, "visitor": secrets.token_urlsafe(32)}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "ROUND", 0.1)


@asynccontextmanager
async def page() -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open a socket that answers no ping by itself."""
    async with serving() as desk, aiohttp.ClientSession() as session:
        address, headers = f"{desk.base}/widget/socket?key=desk", {"Origin": desk.base}
        async with session.ws_connect(address, headers=headers, autoping=False) as socket:
            yield socket


@pytest.mark.parametrize("says_hello", [True, False])
async def test_a_page_that_does_not_answer_is_cut_off(says_hello: bool) -> None:
    async with page() as socket:
        if says_hello:
            await socket.send_json(HELLO)
        heard = []
        async with asyncio.timeout(10):
            while (message := await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.PING):
                heard.append(message.type)
        assert WSMsgType.PING in heard
        assert socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE


async def test_a_silent_page_that_answers_stays_connected() -> None:
    async with page() as socket:
        await socket.send_json(HELLO)
        assert (await socket.receive_json())["t"] == "ready"
        async with asyncio.timeout(10):
            for _ in range(5):
                asked = await socket.receive()
                assert asked.type is WSMsgType.PING
                await socket.pong(asked.data)
        await socket.send_json({"t": "ping"})
        assert (await socket.receive_json())["t"] == "pong"


async def test_a_page_that_asks_whether_the_desk_is_there_is_answered() -> None:
    async with page() as socket:
        await socket.ping(b"early")
        assert (await socket.receive()).data == b"early"
        await socket.send_json(HELLO)
        await socket.ping(b"later")
        async with asyncio.timeout(10):
            while (message := await socket.receive()).type is not WSMsgType.PONG:
                pass
        assert message.data == b"later"
