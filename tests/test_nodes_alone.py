"""What one node does at a time: it passes on when its holder hangs or dies, who then counts no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.dovecot import PASSWORD, Dovecot, dovecot
from tests.fake_slack.person import Person, Wire, envelope
from tests.fake_slack.server import FakeSlack
from tests.fake_slack.workspace import APP_TOKEN, BOT_TOKEN
from tests.gate import Gate, gate
from tests.mail_builders import DESK_ADDRESS, MAIL_DESK, mail
from tests.running_desk import customer
from tests.slack_desk import CHAT_ANSWERS, DESK, MARCUS, TRIAGE, heard, new_workspace
from tests.two_nodes import Nodes, freeze, go_on, said, two_nodes

pytestmark = [pytest.mark.slow, pytest.mark.crash, pytest.mark.postgres]
HOLDS = "SELECT token FROM lease WHERE name = '{}' AND until > now()"
READ_UP_TO = "SELECT value FROM adapter_note WHERE adapter = 'email' AND key LIKE 'imap:%'"
FENCED = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event_type = 'Lock' AND query LIKE '%FROM lease%FOR SHARE'"""
FILED = "SELECT count(*) FROM inbound_mail WHERE status = 'filed'"


async def deliver(post: Dovecot, number: int) -> None:
    """Bring a new customer's mail to the desk's mailbox."""
    sender = f"Person {number} <p{number}@contoso.example>"
    await post.deliver(mail(f"Problem {number}.", f"Mail {number}", sender), DESK_ADDRESS)


@asynccontextmanager
async def mail_nodes(folder: Path, imap: Gate) -> AsyncIterator[Nodes]:
    file = folder / "chatdesk.toml"
    file.write_text(MAIL_DESK)
    async with two_nodes(
        folder,
        module="tests.quick_node",
        CHATDESK_CONFIG=str(file),
        CHATDESK_IMAP_URL=f"imap+plain://help%40northwind.example@127.0.0.1:{imap.port}",
        CHATDESK_IMAP_PASSWORD=PASSWORD,
    ) as nodes:
        yield nodes


async def test_who_hung_while_the_mailbox_passed_on_notes_nothing_when_it_wakes(tmp_path: Path) -> None:
    async with dovecot() as post, gate(post.imap_port) as imap:
        await deliver(post, 1)
        async with mail_nodes(tmp_path, imap) as nodes:
            await nodes.until(READ_UP_TO, "1")
            imap.hold(b"BODY.PEEK[]")
            await deliver(post, 2)
            await imap.held.wait()
            # The second mail was asked for, and will be kept and noted as soon as it comes.
            freeze(nodes.a)
            await nodes.until(HOLDS.format("mailbox"), 2)
            await deliver(post, 3)
            await nodes.until(READ_UP_TO, "3")
            imap.open()
            async with nodes.locked("lease"):
                # It cannot learn that it lost the lease before it has tried to write under it.
                go_on(nodes.a)
                await nodes.until(FENCED, 1)
            await said(nodes.a, "lease_lost")
            assert await nodes.database.fetchval(READ_UP_TO) == "3"
            await nodes.until(FILED, 3)
            async with nodes.locked("ticket"):
                # The fourth mail is kept and noted, and its node dies before it can be filed.
                await deliver(post, 4)
                await nodes.until(READ_UP_TO, "4")
                await nodes.b.kill()
            await nodes.until(FILED, 4)
            await nodes.until(HOLDS.format("mailbox"), 3)
            await deliver(post, 5)
            await nodes.until(FILED, 5)
            assert await nodes.database.fetchval("SELECT count(*) FROM ticket") == 5


class SlackNodes:
    """Two nodes beside a fake Slack, and a technician in it."""

    def __init__(self, nodes: Nodes, slack: FakeSlack, session: aiohttp.ClientSession) -> None:
        wire = Wire(slack, nodes.b.base, session)
        wire.by_socket = True
        self.nodes = nodes
        self.slack = slack
        self.marcus = Person(wire, MARCUS)

    async def passed_on(self, olds: set[web.WebSocketResponse], *, gone: bool) -> None:
        """Wait until two other sockets are open, and whether the old ones are gone."""
        await self.slack.until(lambda: len(set(self.slack.sockets) - olds) == 2, within=20.0)
        if gone:
            await self.slack.until(lambda: not set(self.slack.sockets) & olds)


@asynccontextmanager
async def slack_nodes(folder: Path) -> AsyncIterator[SlackNodes]:
    file = folder / "chatdesk.toml"
    file.write_text(DESK)
    async with (
        FakeSlack(new_workspace()).serve() as slack,
        two_nodes(
            folder,
            module="tests.quick_node",
            CHATDESK_CONFIG=str(file),
            SLACK_BOT_TOKEN=BOT_TOKEN,
            SLACK_APP_TOKEN=APP_TOKEN,
            CHATDESK_SLACK_API_URL=slack.api_url,
        ) as nodes,
        aiohttp.ClientSession() as session,
    ):
        beside = SlackNodes(nodes, slack, session)
        await beside.passed_on(set(), gone=False)
        yield beside


async def test_slacks_sockets_pass_on_and_what_comes_over_old_and_new_counts_once(tmp_path: Path) -> None:
    async with slack_nodes(tmp_path) as beside:
        slack, nodes, marcus = beside.slack, beside.nodes, beside.marcus
        async with customer(nodes.b.base) as line:
            await line.next("ready")
            await line.send(t="start", id="survey", answers=CHAT_ANSWERS)
            card = await slack.until(lambda: next(iter(slack.workspace.cards(TRIAGE)), None))
            await marcus.press(TRIAGE, card["ts"], "ticket_take")
            first = set(slack.sockets)
            freeze(nodes.a)
            await beside.passed_on(first, gone=False)
            payload = envelope(marcus.said(TRIAGE, marcus.write(TRIAGE, "only once", card["ts"])))
            await slack.send_frame("events_api", payload, socket=-1)
            await heard(line, "only once")
            async with nodes.locked("lease"):
                # It works on what it was sent before it can learn that it lost the lease.
                late = asyncio.create_task(slack.send_frame("events_api", payload, socket=0))
                go_on(nodes.a)
                await late
            await beside.passed_on(first, gone=True)
        second = set(slack.sockets)
        async with nodes.locked("message"):
            # What the database does not take in time is kept and acknowledged; then its node dies.
            await marcus.say(TRIAGE, "kept by the second", card["ts"])
            await nodes.b.kill()
        await beside.passed_on(second, gone=True)
        await marcus.say(TRIAGE, "from the first again", card["ts"])
        for text in ("only once", "kept by the second", "from the first again"):
            await nodes.until(f"SELECT count(*) FROM message WHERE text = '{text}'", 1)
