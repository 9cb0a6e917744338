"""Stopping: live clients are told, what was acknowledged is on disk, and it does not take long."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import WSCloseCode

from chatdesk.health import Loops
from chatdesk.relay import STOPPING
from storage.database import Database
from tests.running_desk import ANSWERS, Line, ServerProcess, customer, database_url, serving
from tests.smtp_peer import SILENT, SmtpPeer, smtp_peer


async def begun(line: Line) -> None:
    await line.next("ready")
    await line.send(t="start", id="1", answers=ANSWERS)
    await line.next("ready")


@pytest.mark.crash
async def test_sigterm_in_mid_chat_keeps_what_was_acknowledged_and_tells_the_client(tmp_path: Path) -> None:
    visitor = secrets.token_urlsafe(32)
    async with ServerProcess(tmp_path) as process:
        async with customer(process.base, visitor) as dana:
            await begun(dana)
            for number in range(50):
                await dana.send(t="message", id=f"m{number}", text=f"message {number}")
            acknowledged = await acknowledged_of(dana, at_least=10)
            began = asyncio.get_running_loop().time()
            process.process.send_signal(signal.SIGTERM)
            acknowledged |= await rest_of(dana)
            assert dana.socket.close_code == WSCloseCode.SERVICE_RESTART
            assert await process.wait() == 0
            assert asyncio.get_running_loop().time() - began < 10
        await process.start()
        async with customer(process.base, visitor) as dana:
            kept = {message["text"] for message in (await dana.next("ready"))["messages"]}
    assert {f"message {identity.removeprefix('m')}" for identity in acknowledged} <= kept


async def acknowledged_of(line: Line, at_least: int) -> set[str]:
    found: set[str] = set()
    while len(found) < at_least:
        found.add((await line.next("ack"))["id"])
    return found


async def rest_of(line: Line) -> set[str]:
    """Read until the other side closes; return the ids acknowledged meanwhile."""
    found: set[str] = set()
    try:
        while True:
            found.add((await line.next("ack"))["id"])
    except TypeError:  # What receive_json raises for a frame that closes.
        return found


@pytest.mark.crash
@pytest.mark.parametrize("phase", ["RCPT", "DATA"])
async def test_a_mail_that_its_server_cannot_have_taken_leaves_once_after_a_stop(
    tmp_path: Path, phase: str
) -> None:
    async with smtp_peer() as peer, desk_that_mails(tmp_path, peer) as process:
        peer.answer(phase, SILENT)
        await set_off_a_mail(process.base)
        await until(lambda: phase in {line.split()[0] for line in peer.commands})
        began = asyncio.get_running_loop().time()
        assert await process.terminate() == 0
        assert asyncio.get_running_loop().time() - began < 10
        assert await mails_of(tmp_path) == ["pending"]
        await process.start()
        await until(lambda: len(peer.taken) == 1)
        assert await process.terminate() == 0
    assert (len(peer.taken), await mails_of(tmp_path)) == (1, ["done"])


@pytest.mark.crash
async def test_a_stop_waits_for_the_answer_to_a_mail_and_leaves_no_doubt(tmp_path: Path) -> None:
    async with smtp_peer() as peer, desk_that_mails(tmp_path, peer) as process:
        gate = peer.hold()
        await set_off_a_mail(process.base)
        await until(lambda: peer.blocks == 1)
        process.process.send_signal(signal.SIGTERM)
        while not await refuses(process.base):
            pass
        # Longer than a stop gives what cannot have arrived.
        asyncio.get_running_loop().call_later(STOPPING.break_off.total_seconds() + 1, gate.set)
        assert await process.wait() == 0
    assert (len(peer.taken), await mails_of(tmp_path)) == (1, ["done"])


@pytest.mark.crash
async def test_a_mail_whose_server_never_answers_is_in_doubt_after_a_stop(tmp_path: Path) -> None:
    async with smtp_peer() as peer, desk_that_mails(tmp_path, peer) as process:
        peer.answer("BODY", SILENT)
        await set_off_a_mail(process.base)
        await until(lambda: len(peer.commands) > 0 and peer.blocks == 1)
        began = asyncio.get_running_loop().time()
        assert await process.terminate() == 0
        assert asyncio.get_running_loop().time() - began < 10
        await process.start()
        async with asyncio.timeout(10):
            while await mails_of(tmp_path) != ["unknown"]:  # noqa: ASYNC110 - no word comes of another process
                await asyncio.sleep(0.05)
    assert peer.taken == []


def desk_that_mails(data: Path, peer: SmtpPeer) -> ServerProcess:
    """Return a desk whose mail goes to the peer."""
    return ServerProcess(data, CHATDESK_SMTP_URL=f"smtp+plain://127.0.0.1:{peer.port}")


async def set_off_a_mail(base: str) -> None:
    """Open a ticket, whose first mail leaves at once."""
    async with customer(base) as dana:
        await begun(dana)


async def mails_of(data: Path) -> list[str]:
    """Return how far each of the desk's mails has come, oldest first."""
    async with Database(database_url(data, migrated=False)) as database:
        found = await database.select(
            "SELECT status FROM delivery WHERE target = 'email' ORDER BY created_at"
        )
    return [row["status"] for row in found]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens at the peer, which tells nobody."""
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.crash
async def test_sigint_stops_it_as_cleanly(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as process:
        process.process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


@pytest.mark.crash
async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as process:
        # A client that never says hello holds a clean stop up.
        reader, writer = await asyncio.open_connection("127.0.0.1", int(process.base.rpartition(":")[2]))
        writer.write(upgrade(process.base))
        assert b"101" in await reader.readline()
        process.process.send_signal(signal.SIGTERM)
        while not await refuses(process.base):
            pass
        process.process.send_signal(signal.SIGTERM)
        assert await process.wait() == 128 + signal.SIGTERM
        writer.close()


def upgrade(base: str) -> bytes:
    lines = [
        "GET /widget/socket?key=desk HTTP/1.1",
        f"Host: {base.removeprefix('http://')}",
        f"Origin: {base}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def refuses(base: str) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
    except OSError:
        return True
    writer.close()
    return False


async def test_live_clients_of_a_desk_that_stops_are_told_to_come_back() -> None:
    async with AsyncExitStack() as clients:
        async with serving() as desk:
            dana = await clients.enter_async_context(customer(desk.base))
            await begun(dana)
            told = asyncio.create_task(dana.close_code())
        assert await told == WSCloseCode.SERVICE_RESTART


async def test_a_loop_that_does_not_end_is_cut_off() -> None:
    loops = Loops()
    loops.start("endless", asyncio.Event().wait())  # type: ignore[arg-type]
    await loops.finish("endless", patience=0.01)
    assert len(asyncio.all_tasks()) == 1
