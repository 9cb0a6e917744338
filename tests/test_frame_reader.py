"""What a page sends is taken in its order, also what came before anybody read it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

import pytest
from aiohttp import WSMsgType
from msgspec.json import Decoder

from adapters.web.frame_reader import FrameReader
from adapters.web.frames import MAX_FRAME
from adapters.web.heartbeat import Pulse
from adapters.web.live_socket import LiveSocket
from adapters.web.pushed_socket import PushedSocket
from tests.socket_server import connected


@pytest.mark.parametrize("length", [10, 1_000, MAX_FRAME // 2, MAX_FRAME - 1])
async def test_more_than_waits_to_be_read_is_taken_in_order_when_it_is_read(length: int) -> None:
    read, taken = asyncio.Event(), list[str]()

    async def serve(socket: PushedSocket) -> None:
        await read.wait()
        await FrameReader(Pulse(socket, None), LiveSocket(socket), Decoder(str), taken.append).run()

    sent = [f"{number:06}".ljust(length - 2, "x") for number in range(max(20, 500_000 // length))]
    async with connected(serve) as socket:
        sending = asyncio.create_task(_send(socket.send_str, sent))
        # As much as the desk takes from the network before anybody reads it has come by then.
        await asyncio.wait([sending], timeout=0.2)
        read.set()
        await sending
        await socket.ping()
        assert (await socket.receive()).type is WSMsgType.PONG
    assert [text[:6] for text in taken] == [text[:6] for text in sent]


async def _send(send: Callable[[str], Awaitable[None]], texts: Sequence[str]) -> None:
    for text in texts:
        await send(json.dumps(text))
