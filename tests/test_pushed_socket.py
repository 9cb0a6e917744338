"""Texts are handed over as they come; what is no text, and the end, is received as ever."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import WSMsgType
from structlog.testing import capture_logs

from adapters.web.frames import MAX_FRAME
from adapters.web.pushed_socket import PushedSocket
from tests.socket_server import REQUEST, connected


async def test_texts_are_handed_over_in_order_while_the_reader_waits_for_something_else() -> None:
    taken: list[str] = []
    received: list[WSMsgType] = []

    async def serve(socket: PushedSocket) -> None:
        socket.hand_texts_to(taken.append)
        while (message := await socket.receive()).type is not WSMsgType.CLOSE:
            received.append(message.type)
            await socket.send_str(f"{bytes(message.data)!r} after {len(taken)}")

    async with connected(serve) as socket:
        for number in range(5):
            await socket.send_str(f"text {number}")
        await socket.ping(b"there?")
        assert await socket.receive_str() == "b'there?' after 5"
        await socket.send_bytes(b"bytes")
        assert await socket.receive_str() == "b'bytes' after 5"
    assert taken == [f"text {number}" for number in range(5)]
    assert received == [WSMsgType.PING, WSMsgType.BINARY]


async def test_what_comes_before_and_after_texts_are_handed_over_is_received() -> None:
    taken: list[str] = []
    received: list[str] = []

    async def serve(socket: PushedSocket) -> None:
        received.append(await socket.receive_str())
        socket.hand_texts_to(taken.append)
        await socket.send_str("handed over")
        await socket.receive()
        socket.hand_texts_to(None)
        await socket.send_str("no more")
        received.append(await socket.receive_str())

    async with connected(serve) as socket:
        await socket.send_str("before")
        assert await socket.receive_str() == "handed over"
        await socket.send_str("meanwhile")
        await socket.ping()
        assert await socket.receive_str() == "no more"
        await socket.send_str("after")
        assert (await socket.receive()).type is WSMsgType.CLOSE
    assert (received, taken) == (["before", "after"], ["meanwhile"])


async def test_a_text_is_taken_in_the_context_of_its_request() -> None:
    async def serve(socket: PushedSocket) -> None:
        told = asyncio.get_running_loop().create_future()
        socket.hand_texts_to(lambda _: told.set_result(REQUEST.get()))
        await socket.send_str(await told)
        await socket.receive()

    async with connected(serve) as socket:
        await socket.send_str("where am I?")
        assert await socket.receive_str() == "of this socket"


async def test_a_fault_in_taking_a_text_ends_the_socket_and_is_logged() -> None:
    taken: list[str] = []
    ended: list[WSMsgType] = []

    def take(text: str) -> None:
        taken.append(text)
        raise RuntimeError("A fault of the desk.")

    async def serve(socket: PushedSocket) -> None:
        socket.hand_texts_to(take)
        await socket.send_str("go on")
        ended.append((await socket.receive()).type)

    with capture_logs() as logs:
        async with connected(serve) as socket:
            assert await socket.receive_str() == "go on"
            await socket.send_str("first")
            await socket.send_str("second")
            assert (await socket.receive()).type is WSMsgType.CLOSE
    assert (taken, ended) == (["first"], [WSMsgType.ERROR])
    assert [entry["event"] for entry in logs] == ["frame_not_taken"]


@pytest.mark.parametrize("handed", [True, False])
async def test_a_text_that_is_too_long_ends_the_socket(handed: bool) -> None:
    taken: list[str] = []

    async def serve(socket: PushedSocket) -> None:
        if handed:
            socket.hand_texts_to(taken.append)
        await socket.receive()

    async with connected(serve) as socket:
        await socket.send_str("x" * (MAX_FRAME + 1))
        ended = await socket.receive()
        assert (ended.type, ended.data) == (WSMsgType.CLOSE, aiohttp.WSCloseCode.MESSAGE_TOO_BIG)
    assert not taken
