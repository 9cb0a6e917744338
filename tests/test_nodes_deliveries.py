"""Deliveries and timers of a node that is killed or hangs: another one carries them out, each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.console_client import ConsoleClient, console_of
from tests.fake_slack.server import FakeSlack
from tests.fake_slack.workspace import APP_TOKEN, BOT_TOKEN
from tests.quick_node import DELIVERIES
from tests.running_desk import Line, customer
from tests.slack_desk import CHAT_ANSWERS, DESK, TRIAGE, new_workspace, shown
from tests.smtp_peer import SILENT, SmtpPeer, smtp_peer
from tests.two_nodes import Nodes, freeze, go_on, two_nodes

pytestmark = [pytest.mark.slow, pytest.mark.crash, pytest.mark.postgres]
MAILING = (
    DESK.replace('phone = "555-0100"', 'phone = "555-0100"\nemail = "help@northwind.example"')
    + '[mail]\ngather = "0s"\n'
)
LEASED = "SELECT count(*) FROM delivery WHERE status = 'leased'"
UNFINISHED = "SELECT count(*) FROM delivery WHERE status IN ('pending', 'leased') AND target <> 'timer'"


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack(new_workspace()).serve() as fake:
        yield fake


@pytest.fixture
async def peer() -> AsyncIterator[SmtpPeer]:
    async with smtp_peer() as served:
        yield served


@pytest.fixture
async def nodes(tmp_path: Path, slack: FakeSlack, peer: SmtpPeer) -> AsyncIterator[Nodes]:
    file = tmp_path / "chatdesk.toml"
    file.write_text(MAILING)
    async with two_nodes(
        tmp_path,
        module="tests.quick_node",
        CHATDESK_CONFIG=str(file),
        CHATDESK_SMTP_URL=f"smtp+plain://127.0.0.1:{peer.port}",
        SLACK_BOT_TOKEN=BOT_TOKEN,
        SLACK_APP_TOKEN=APP_TOKEN,
        CHATDESK_SLACK_API_URL=slack.api_url,
    ) as pair:
        yield pair


async def open_chat(line: Line) -> str:
    """Answer the survey and return the ticket's number."""
    await line.next("ready")
    await line.send(t="start", id="survey", answers=CHAT_ANSWERS)
    return str((await line.next("ready"))["state"]["ticket"])


async def say(line: Line, *texts: str) -> None:
    for text in texts:
        await line.send(t="message", id=text, text=text)
        await line.next("ack")


def posted(slack: FakeSlack, words: str) -> list[str]:
    """Return what begins with these words in the threads, in order."""
    replies = [m for m in slack.workspace.channels[TRIAGE].messages.values() if "thread_ts" in m]
    return [shown(reply) for reply in replies if shown(reply).startswith(words)]


async def handing_over(peer: SmtpPeer) -> None:
    """Wait until a mail is being handed over."""
    async with asyncio.timeout(10):
        while "DATA" not in peer.commands:  # noqa: ASYNC110 - another process sends it
            await asyncio.sleep(0.01)


async def test_what_a_killed_node_was_sending_is_sent_once_by_another(
    nodes: Nodes, slack: FakeSlack, peer: SmtpPeer
) -> None:
    async with customer(nodes.a.base) as one, customer(nodes.a.base) as two, customer(nodes.a.base) as three:
        for line in (one, two, three):
            await open_chat(line)
        await nodes.until(UNFINISHED, 0)
        freeze(nodes.b)
        peer.commands.clear()
        peer.answer("BODY", SILENT)
        slack.hold_after()
        await say(one, "1a")
        await slack.held()
        slack.release()
        slack.hold_before()
        await say(two, "2a")
        await slack.held()
        await three.send(t="leave", id="leave")
        await handing_over(peer)
        await say(one, "1b", "1c")
        await say(two, "2b")
        await nodes.a.kill()
    slack.release()
    assert await nodes.database.fetchval(LEASED) >= 3
    go_on(nodes.b)
    await nodes.until(UNFINISHED, 0)
    # Slack is looked into before anything is posted again; a mail server does not say what it has taken.
    assert posted(slack, "1") == ["1a", "1b", "1c"]
    assert posted(slack, "2") == ["2a", "2b"]
    query = "SELECT status, attempts FROM delivery WHERE target = 'email' ORDER BY row DESC LIMIT 1"
    assert tuple(await nodes.database.fetchrow(query)) == ("unknown", 2)
    assert peer.commands.count("DATA") == 1


async def holding_on(nodes: Nodes) -> None:
    """Wait until the lease of the mail that is being sent was renewed for longer than it lasted at first."""
    query = "SELECT due_at FROM delivery WHERE target = 'email' AND status = 'leased'"
    async with asyncio.timeout(30):
        first = await nodes.database.fetchval(query)
        while await nodes.database.fetchval(query) < first + DELIVERIES:  # noqa: ASYNC110 - a node writes it
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("node_dies", [False, True])
async def test_a_mail_that_takes_longer_than_its_lease_leaves_once_whatever_becomes_of_its_node(
    nodes: Nodes, peer: SmtpPeer, *, node_dies: bool
) -> None:
    async with customer(nodes.a.base) as line:
        await open_chat(line)
        await nodes.until(UNFINISHED, 0)
        peer.commands.clear()
        gate = peer.hold()
        freeze(nodes.b)
        await line.send(t="leave", id="leave")
        await handing_over(peer)
        go_on(nodes.b)
        await holding_on(nodes)
        before = len(peer.taken)
        if node_dies:
            await nodes.a.kill()
        else:
            gate.set()
        await nodes.until(UNFINISHED, 0)
    query = "SELECT status, attempts FROM delivery WHERE target = 'email' ORDER BY row DESC LIMIT 1"
    found = tuple(await nodes.database.fetchrow(query))
    assert found == (("unknown", 2) if node_dies else ("done", 1))
    assert (peer.commands.count("DATA"), len(peer.taken) - before) == (1, 0 if node_dies else 1)


async def pause(console: ConsoleClient, ticket: str, seconds: float) -> None:
    """Let a ticket wait for a moment so many seconds from now."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    await console.does(f"/tickets/{ticket}/wait", on="date", until=until.isoformat())


async def test_timers_of_a_dead_node_fire_once_on_another(nodes: Nodes) -> None:
    timers = "FROM delivery WHERE target = 'timer' AND payload LIKE '%date_reached%'"
    cookies = await nodes.a.sign_in()
    async with (
        customer(nodes.a.base) as one,
        customer(nodes.a.base) as two,
        console_of(nodes.a.base, cookies) as technician,
    ):
        begun, later = await open_chat(one), await open_chat(two)
        for ticket in (begun, later):
            await technician.does(f"/tickets/{ticket}/take")
        freeze(nodes.b)
        await pause(technician, begun, 1.0)
        # Long after: on a busy machine seconds may pass before the first is leased.
        await pause(technician, later, 8.0)
        async with nodes.locked("ticket"):
            # A's first timer is leased, and cannot be carried out as long as somebody else has the rows.
            await nodes.until(f"SELECT count(*) {timers} AND status = 'leased'", 1)
            await nodes.a.kill()
    go_on(nodes.b)
    await nodes.until(f"SELECT count(*) {timers} AND status = 'done'", 2)
    fired = await nodes.database.fetch(f"SELECT attempts {timers} ORDER BY due_at")
    assert sorted(row["attempts"] for row in fired) == [1, 2]
    for ticket in (begun, later):
        moved = "SELECT count(*) FROM history WHERE 'HD-' || ticket = $1 AND what = 'moved on by its date'"
        assert await nodes.database.fetchval(moved, ticket) == 1
