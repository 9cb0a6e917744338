"""What a monitor is told: alive, ready or why not, and the figures; and that a dead loop ends the process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from chatdesk.bootstrap import RunningDesk
from chatdesk.cli import server
from chatdesk.cli.setting import Setting
from chatdesk.config import Environment, load_config
from chatdesk.health import Loops
from chatdesk.settings.mail_servers import Encryption, MailServer, MailServers
from storage.database import Database
from tests.running_desk import ANSWERS, ServedDesk, customer, database_url, serving


async def get(desk: ServedDesk, path: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(desk.base + path, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_a_working_desk_is_alive_and_ready() -> None:
    async with serving() as desk:
        assert await get(desk, "/healthz") == (200, '{"status": "ok"}')
        assert await get(desk, "/readyz") == (200, '{"status": "ready"}')


@pytest.mark.parametrize("name", ["desk", "relay", "mail", "mailbox"])
async def test_a_desk_whose_loop_died_is_not_ready_and_says_which(name: str) -> None:
    # Nobody listens there; the mailbox is waited for.
    mailbox = MailServer("127.0.0.1", 9, Encryption.NONE, "desk", "secret")
    async with serving(mail=MailServers(imap=mailbox)) as desk:
        desk.running.loops._tasks[name].cancel()
        await desk.running.loops.failure()
        status, text = await get(desk, "/readyz")
        assert status == 503
        assert f"The {name} loop has stopped" in text
        assert (await get(desk, "/healthz"))[0] == 200


async def test_a_desk_whose_database_does_not_answer_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as desk:

        async def fails(*_: object) -> None:
            raise OSError("disk I/O error")

        database = desk.running.database
        if database.dialect == "postgres":
            monkeypatch.setattr(database.writer, "execute_query_dict", fails)
        else:
            monkeypatch.setattr(Database, "select", fails)
        status, text = await get(desk, "/readyz")
        monkeypatch.undo()
    assert status == 503
    assert "The database does not answer." in text


async def test_a_loop_that_fails_is_named_with_its_reason() -> None:
    async def failing() -> None:
        raise RuntimeError("a secret of 1234")

    loops = Loops()
    loops.start("batch", failing())
    reason = await asyncio.wait_for(loops.failure(), 5)
    assert reason == "The batch loop has stopped: RuntimeError."


async def test_a_loop_without_an_end_of_its_own_is_ended_when_the_desk_stops() -> None:
    loops = Loops()
    loops.start("mailbox", endless())
    await loops.cancel("mailbox")
    assert loops.problems() == []


async def test_a_loop_that_overhears_that_it_shall_end_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatdesk.health.CANCEL_AGAIN", 0.01)

    async def overhears() -> None:
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await endless()
        await endless()

    loops = Loops()
    loops.start("mailbox", overhears())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await loops.cancel("mailbox")


async def endless() -> None:
    await asyncio.Event().wait()


async def test_a_process_whose_loop_died_stops_by_itself_and_says_so(tmp_path: Path) -> None:
    started: asyncio.Future[RunningDesk] = asyncio.get_running_loop().create_future()

    async def on_start(desk: RunningDesk, base: str) -> None:
        started.set_result(desk)

    environment = Environment(database_url=database_url(tmp_path), data=tmp_path, port=0)
    serving_it = asyncio.create_task(
        server.serve(Setting(environment, load_config(None)), on_start, demo=True)
    )
    (await started).loops._tasks["desk"].cancel()
    assert await asyncio.wait_for(serving_it, 15) is False


async def test_the_figures_count_events_sockets_tickets_and_requests() -> None:
    async with serving() as desk:
        # The first mail need not wait for what writes it.
        await desk.running.warming.now()
        async with customer(desk.base) as dana:
            await dana.next("ready")
            await dana.send(t="start", id="1", answers=ANSWERS)
            await dana.next("ready")
            status, text = await get(desk, "/metrics")
        assert status == 200
        assert 'chatdesk_events_total{result="done",type="SurveySubmitted"} 1.0' in text
        assert "chatdesk_live_sockets 1.0" in text
        assert "chatdesk_queue_waiting 1.0" in text
        assert 'chatdesk_tickets{status="new"} 1.0' in text
        assert "chatdesk_set_aside 0.0" in text
        assert "chatdesk_commit_seconds_count" in text
        assert "chatdesk_outbox_overdue_seconds 0.0" in text


async def test_the_figures_are_not_for_who_comes_through_a_proxy() -> None:
    async with serving() as desk:
        assert (await get(desk, "/metrics", **{"X-Forwarded-For": "198.51.100.7"}))[0] == 404
