"""Outgoing calls under faults: order kept, waits obeyed, nothing repeated blindly, kills survived."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from adapters.slack.pacing import Pacer
from chatdesk.errors import DeliveryDelayed
from storage.database import Database
from tests.fake_slack.server import FakeSlack, Fault
from tests.fake_slack.workspace import BOT_TOKEN, SIGNING_SECRET
from tests.running_desk import Line, ServerProcess, customer, database_url
from tests.slack_desk import CHAT_ANSWERS, DESK, TRIAGE, SlackDesk, chat, new_workspace, shown, slack_desk


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as running:
        yield running


@pytest.mark.parametrize("fault", ["busy", "failed", "cut before", "cut after"])
async def test_a_failing_post_keeps_order_and_is_shown_once(desk: SlackDesk, fault: Fault) -> None:
    async with chat(desk) as (line, card):
        await desk.reply(card, "You are number 1")
        desk.slack.fail("chat.postMessage", fault)
        for n in range(3):
            await line.send(t="message", id=str(n), text=f"line {n}")
        await desk.reply(card, "line 2")
        lines = [shown(reply) for reply in desk.thread(card) if "line" in shown(reply)]
        assert lines == ["line 0", "line 1", "line 2"]


@pytest.mark.parametrize("fault", ["busy", "failed", "cut before", "cut after"])
async def test_a_failing_card_is_never_posted_twice(desk: SlackDesk, fault: Fault) -> None:
    desk.slack.fail("chat.postMessage", fault)
    async with chat(desk) as (_, card):
        await desk.reply(card, "You are number 1")
        assert len(desk.workspace.cards(TRIAGE)) == 1
        banners = [reply for reply in desk.thread(card) if "is waiting in the chat" in shown(reply)]
        assert len(banners) == 1


async def test_retry_after_is_obeyed(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.reply(card, "You are number 1")
        desk.slack.fail("chat.postMessage", "busy", seconds=4)
        await line.send(t="message", id="1", text="after a while")
        await desk.reply(card, "after a while")
        posts = [call for call in desk.slack.ledger if call.method == "chat.postMessage"]
        assert posts[-2].error == "ratelimited"
        assert posts[-1].at - posts[-2].at >= 4


async def test_a_search_that_fails_after_a_cut_is_no_reason_to_post_again(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.reply(card, "You are number 1")
        desk.slack.fail("chat.postMessage", "cut after")
        desk.slack.fail("conversations.replies", "failed", times=2)
        await line.send(t="message", id="1", text="only one of me")
        await desk.slack.until(lambda: len(desk.slack.calls("conversations.replies")) >= 1, within=20.0)
        await line.send(t="message", id="2", text="and then me")
        await desk.reply(card, "and then me")
        assert [shown(reply) for reply in desk.thread(card)].count("only one of me") == 1


async def test_posts_into_one_channel_are_a_second_apart() -> None:
    async with slack_desk(seconds_per_post=1.0) as desk, chat(desk) as (line, card):
        for n in range(3):
            await line.send(t="message", id=str(n), text=f"line {n}")
        await desk.slack.until(
            lambda: any("line 2" in shown(reply) for reply in desk.thread(card)), within=30.0
        )
        times = [call.at for call in desk.slack.calls("chat.postMessage")]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert min(gaps) > 0.9


async def test_a_long_message_is_posted_in_parts_and_taken_back_whole(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        text = "All printers are on fire. " * 461
        await line.send(t="message", id="1", text=text)
        await desk.slack.until(lambda: len(_parts(desk, card)) == 2)
        assert "".join("".join(_parts(desk, card)).split()) == "".join(text.split())
        file = await desk.ticket(1001)
        seq = next(m.seq for m in file.messages if m.text.startswith("All printers"))
        await line.send(t="delete", id="2", seq=seq)
        await desk.slack.until(lambda: not _parts(desk, card))


def _parts(desk: SlackDesk, card: dict[str, object]) -> list[str]:
    return [shown(reply) for reply in desk.thread(card) if "printers" in shown(reply)]


async def test_a_turn_far_away_is_kept_for_its_delivery() -> None:
    now = 0.0
    pacer = Pacer(1.0, lambda: now)
    await pacer.turn("C1", "first")
    waits: list[float | None] = []
    for n in range(5):
        try:
            await asyncio.wait_for(pacer.turn("C1", f"more {n}"), 0.01)
        except TimeoutError:
            waits.append(None)
        except DeliveryDelayed as delayed:
            waits.append(delayed.retry_after)
    assert waits == [None, None, 3.0, 4.0, 5.0]
    await pacer.turn("C2", "another channel")
    now = 3.0
    await pacer.turn("C1", "more 2")
    with pytest.raises(DeliveryDelayed):
        await pacer.turn("C1", "a late one")


class Killed:
    """`chatdesk serve` as a process beside a fake Slack, killed and started again with the same data."""

    def __init__(self, fake: FakeSlack, data: Path) -> None:
        file = data / "chatdesk.toml"
        file.write_text(DESK)
        self.data = data
        self.process = ServerProcess(
            data,
            ("serve",),
            CHATDESK_CONFIG=str(file),
            CHATDESK_SECRET="x" * 40,
            SLACK_BOT_TOKEN=BOT_TOKEN,
            SLACK_SIGNING_SECRET=SIGNING_SECRET,
            CHATDESK_SLACK_API_URL=fake.api_url,
        )

    async def start_again(self) -> None:
        """Kill it (SIGKILL) and start it after the leases of the dead process have run out."""
        await self.process.kill()
        before = (datetime.now(UTC) - timedelta(minutes=5)).isoformat(sep=" ")
        async with Database(database_url(self.data)) as database, database.transaction() as connection:
            change = f"UPDATE delivery SET due_at = '{before}' WHERE status = 'leased'"
            await connection.execute_query(change)
        await self.process.start()


@pytest.mark.crash
@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before the post", "after the post"])
async def test_a_kill_around_a_post_leaves_each_message_once(tmp_path: Path, moment: str) -> None:
    """Slack's answer is held back, so that the kill falls between commit, post and the note of it."""
    async with FakeSlack(new_workspace()).serve() as fake:
        killed = Killed(fake, tmp_path)
        async with killed.process:
            for round_ in range(3):
                hold = fake.hold_before if moment == "before the post" else fake.hold_after
                async with customer(killed.process.base) as line:
                    if not round_:
                        # The first kill falls on the card itself.
                        hold()
                    await _open(line)
                    hold()
                    await line.send(t="message", id="m", text=f"message {round_}")
                    await line.next("ack")
                await fake.held()
                await killed.start_again()
                fake.release()
                await fake.until(lambda n=round_: _all_shown(fake, n + 1), within=40.0)
        _check_ledger(fake, 3)


async def _open(line: Line) -> None:
    await line.next("ready")
    await line.send(t="start", id="survey", answers=CHAT_ANSWERS)
    await line.next("ready")


def _all_shown(fake: FakeSlack, chats: int) -> bool:
    replies = [shown(m) for m in fake.workspace.channels[TRIAGE].messages.values() if "thread_ts" in m]
    return all(f"message {n}" in replies for n in range(chats))


def _check_ledger(fake: FakeSlack, chats: int) -> None:
    assert len(fake.workspace.cards(TRIAGE)) == chats
    posted = Counter(
        (message.get("thread_ts", ""), shown(message))
        for message in fake.workspace.channels[TRIAGE].messages.values()
        if "thread_ts" in message
    )
    assert [words for words, count in posted.items() if count > 1] == []
    assert sum(words.startswith("message ") for _, words in posted) == chats
