"""Socket Mode: two overlapping sockets, requests acknowledged where they came, nothing lost between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.slack.socket_mode import SocketMode
from tests.fake_slack.person import envelope
from tests.slack_desk import TRIAGE, SlackDesk, chat, heard, shown, slack_desk


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk(by_socket=True) as running:
        yield running


async def test_a_chat_is_held_over_sockets_alone(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.until_shown(card, "Marcus Bell is answering")
        await desk.marcus.say(TRIAGE, "Hello from a socket", card["ts"])
        await heard(line, "Hello from a socket")
        answer = await desk.marcus.command("HD-1001", TRIAGE)
        assert "It is slow" in shown(answer.body)


async def test_no_request_url_is_served_without_a_signing_secret(desk: SlackDesk) -> None:
    status, _ = await desk.wire.post("/slack/events", "{}", {})
    assert status == 404


async def test_a_socket_that_is_cut_or_closed_is_replaced_while_the_other_works(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        first, second = desk.slack.sockets
        await first.close()
        await desk.slack.until(lambda: first not in desk.slack.sockets)
        await desk.marcus.say(TRIAGE, "over the other one", card["ts"])
        await heard(line, "over the other one")
        await desk.slack.until(lambda: len(desk.slack.sockets) == 2)
        await second.send_json({"type": "disconnect", "reason": "refresh_requested"})
        await desk.slack.until(lambda: second not in desk.slack.sockets)
        await desk.slack.until(lambda: len(desk.slack.sockets) == 2)
        await desk.marcus.say(TRIAGE, "over a new one", card["ts"])
        await heard(line, "over a new one")


async def test_sockets_are_opened_again_after_any_fault(
    desk: SlackDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    async def address(_: SocketMode) -> str:
        failed.set()
        raise RuntimeError("something that nobody thought of")

    with monkeypatch.context() as failing:
        failing.setattr(SocketMode, "_address", address)
        for socket in tuple(desk.slack.sockets):
            await socket.close()
        await failed.wait()
    await desk.slack.until(lambda: len(desk.slack.sockets) == 2)


@pytest.mark.parametrize("name", ["slack", "slack-inbox", "slack-signs"])
async def test_a_desk_whose_work_for_slack_has_stopped_says_so(desk: SlackDesk, name: str) -> None:
    loops = desk.served.running.loops
    loops._tasks[name].cancel()
    assert f"The {name} loop has stopped" in await asyncio.wait_for(loops.failure(), 5)


async def test_a_request_whose_answer_was_lost_comes_again_and_counts_once(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        message = desk.marcus.write(TRIAGE, "only once", card["ts"])
        payload = envelope(desk.marcus.said(TRIAGE, message))
        frame = {"type": "events_api", "envelope_id": "lost", "payload": payload}
        first = desk.slack.sockets[0]
        await first.send_json(frame)
        await first.close()
        await desk.slack.send_frame("events_api", payload, socket=-1)
        await heard(line, "only once")
        await asyncio.gather(*(desk.slack.send_frame("events_api", payload, socket=-1) for _ in range(5)))
        file = await desk.ticket(1001)
        assert [m.text for m in file.messages].count("only once") == 1
