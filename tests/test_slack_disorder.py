"""Slack repeats, delays and shuffles what it sends: nothing is doubled, nothing lost."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.slack import service
from adapters.slack.inbox import Inbox
from storage.database import Database
from tests.fake_slack.person import envelope, signed
from tests.slack_desk import TRIAGE, SlackDesk, chat, heard, slack_desk

MESSAGES, EDITED, DELETED, COPIES = 2_000, 300, 200, 3


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_10000_duplicated_shuffled_delayed_events_leave_each_message_once(desk: SlackDesk) -> None:
    chance = random.Random(5)
    async with chat(desk) as (_, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        events, expected = _events(desk, card["ts"])
        wave = [event for event in events for _ in range(COPIES)]
        wave += chance.sample(events, 10_000 - len(wave))
        chance.shuffle(wave)
        assert len(wave) == 10_000
        room = asyncio.Semaphore(10)

        async def send(event: dict[str, Any]) -> None:
            async with room:
                answer = await desk.wire.event(event, **{"X-Slack-Retry-Num": "1"})
                assert answer.status == 200

        await asyncio.gather(*map(send, wave))
        await worked_off(desk)
        messages = (await desk.ticket(1001)).messages
        said = {m.text: m for m in messages if m.author.name == "Marcus Bell"}
        kept = [m.text for m in messages if m.author.name == "Marcus Bell" and m.deleted_at is None]
        assert sorted(kept) == sorted(expected)
        assert len(said) >= len(expected)


async def worked_off(desk: SlackDesk) -> None:
    """Wait until nothing is left of what Slack was answered before it was worked on."""
    inbox = Inbox(desk.served.data / "slack-inbox")
    async with asyncio.timeout(60):
        while await inbox.left_over():  # noqa: ASYNC110 - files tell nobody that they have gone
            await asyncio.sleep(0.05)


def _events(desk: SlackDesk, thread: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return events of messages, of edits and of deletions, and the texts that must be left."""
    events: list[dict[str, Any]] = []
    texts: dict[str, str] = {}
    for n in range(MESSAGES):
        message = desk.marcus.write(TRIAGE, f"message {n}", thread)
        events.append(desk.marcus.said(TRIAGE, dict(message)))
        texts[message["ts"]] = f"message {n}"
    stamps = list(texts)
    for ts in stamps[:EDITED]:
        for version in range(2):
            texts[ts] = f"{texts[ts].partition(' edited')[0]} edited {version}"
            events.append(desk.marcus.edited(TRIAGE, ts, texts[ts]))
    events = [_frozen(event) for event in events]
    for ts in stamps[-DELETED:]:
        events.append(desk.marcus.deleted(TRIAGE, ts))
        del texts[ts]
    return events, list(texts.values())


def _frozen(event: dict[str, Any]) -> dict[str, Any]:
    return {name: _frozen(value) if isinstance(value, dict) else value for name, value in event.items()}


async def test_messages_that_arrive_together_in_the_wrong_order_are_put_right_by_ts(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        written = [desk.marcus.write(TRIAGE, f"line {n}", card["ts"]) for n in range(8)]
        shuffled = [desk.marcus.said(TRIAGE, message) for message in written]
        random.Random(1).shuffle(shuffled)
        await asyncio.gather(*map(desk.wire.event, shuffled))
        texts = [m.text for m in (await desk.ticket(1001)).messages if m.text.startswith("line")]
        assert texts == [f"line {n}" for n in range(8)]


async def test_an_edit_that_overtakes_its_message_is_not_lost_or_undone(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        message = desk.marcus.write(TRIAGE, "frist", card["ts"])
        original = desk.marcus.said(TRIAGE, dict(message))
        await desk.wire.event(desk.marcus.edited(TRIAGE, message["ts"], "first"))
        await heard(line, "first")
        await desk.wire.event(original)
        texts = [m.text for m in (await desk.ticket(1001)).messages if m.author.name == "Marcus Bell"]
        assert texts == ["first"]


async def test_a_message_taken_back_before_it_arrived_is_never_shown(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        message = desk.marcus.write(TRIAGE, "oops", card["ts"])
        original = desk.marcus.said(TRIAGE, dict(message))
        await desk.wire.event(desk.marcus.deleted(TRIAGE, message["ts"]))
        await desk.wire.event(original)
        assert all(m.text != "oops" for m in (await desk.ticket(1001)).messages)


async def test_an_unfurl_that_looks_like_an_edit_changes_nothing(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        ts = await desk.marcus.say(TRIAGE, "see https://a.example", card["ts"])
        unfurled = desk.marcus.edited(TRIAGE, ts, "see https://a.example")
        await desk.wire.event(unfurled)
        message = next(m for m in (await desk.ticket(1001)).messages if m.text == "see https://a.example")
        assert message.edited_at is None


async def test_a_note_mark_put_before_a_public_message_does_not_reach_the_customer(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        ts = await desk.marcus.say(TRIAGE, "Hello", card["ts"])
        await desk.marcus.edit(TRIAGE, ts, "// a difficult customer")
        assert "The change was not passed on" in desk.workspace.ephemeral[-1]["text"]
        assert all("difficult" not in m.text for m in (await desk.ticket(1001)).messages)


async def test_slack_is_answered_in_time_when_the_database_is_slow_and_all_is_worked_on(
    desk: SlackDesk,
) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await heard(line, "Marcus Bell from the help desk has joined.")
        inbox = Inbox(desk.served.data / "slack-inbox")
        async with nobody_writes(desk.served.running.database):
            ts = await desk.marcus.say(TRIAGE, "while it was slow", card["ts"])
            assert desk.wire.seconds[-1] < 3
            assert [body["event"]["ts"] for _, body in await inbox.left_over()] == [ts]  # type: ignore[index]
        await heard(line, "while it was slow")


async def test_what_a_node_that_is_gone_has_kept_is_worked_on_by_one_that_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "LOOK_AGAIN", 0.05)
    async with slack_desk() as desk, chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await heard(line, "Marcus Bell from the help desk has joined.")
        message = desk.marcus.write(TRIAGE, "before it was gone", card["ts"])
        file = await Inbox(desk.served.data / "slack-inbox").keep(envelope(desk.marcus.said(TRIAGE, message)))
        long_ago = (datetime.now(UTC) - service.IN_HAND).timestamp() - 1
        os.utime(file, (long_ago, long_ago))
        await heard(line, "before it was gone")
        await worked_off(desk)
        assert not file.exists()


@asynccontextmanager
async def nobody_writes(database: Database) -> AsyncIterator[None]:
    """Let nothing be committed until the block ends: SQLite has one writer, PostgreSQL is told."""
    async with database.transaction() as connection:
        if database.dialect == "postgres":
            await connection.execute_query("LOCK TABLE conversation, message, adapter_note IN EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize("change", ["secret", "old", "body", "missing", "future"])
async def test_a_request_that_slack_has_not_signed_is_refused(desk: SlackDesk, change: str) -> None:
    async with chat(desk) as (_, card):
        message = desk.marcus.write(TRIAGE, "forged", card["ts"])
        text = json.dumps(envelope(desk.marcus.said(TRIAGE, message)))
        headers = {
            "secret": signed(text, "another-secret"),
            "old": signed(text, at=time.time() - 301),
            # Five minutes are allowed; what lies ahead comes nearer while the request is on its way.
            "future": signed(text, at=time.time() + 360),
            "body": signed(text + " "),
            "missing": {},
        }[change]
        status, _ = await desk.wire.post("/slack/events", text, headers)
        assert status == 401
        assert all(m.text != "forged" for m in (await desk.ticket(1001)).messages)
