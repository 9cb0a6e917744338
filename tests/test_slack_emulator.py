"""The chat in the thread against a Slack emulator that others wrote (backlot), over its Web API."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from chatdesk.bootstrap import now, running_desk
from chatdesk.cli.server import open_port
from chatdesk.config import Environment, parse_config
from chatdesk.settings.slack import SlackSecrets
from storage.adapter_notes import TortoiseIdentities
from tests.fake_slack.person import envelope, signed
from tests.fake_slack.workspace import SIGNING_SECRET
from tests.running_desk import Line, customer, database_url
from tests.slack_desk import CHAT_ANSWERS, DESK, heard

BACKLOT = Path(sys.prefix, "backlot", "bin", "backlot")
TOKEN = "admin-service-token"
Message = dict[str, Any]


@dataclass
class Emulator:
    """The emulator at ``api_url``: a channel of it, and a person in it."""

    api_url: str
    session: aiohttp.ClientSession
    team: str = ""
    channel: str = ""
    user: str = ""

    async def call(self, method: str, **query: str) -> Message:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.session.get(self.api_url + method, params=query, headers=headers) as answer:
            found: Message = await answer.json()
        assert found["ok"], found
        return found

    async def until(self, text: str, thread: str = "") -> Message:
        """Return the message that shows ``text``, in the channel or in a thread, once it is there."""
        async with asyncio.timeout(15):
            while True:
                method = "conversations.replies" if thread else "conversations.history"
                query = {"channel": self.channel, **({"ts": thread} if thread else {})}
                for message in (await self.call(method, **query))["messages"]:
                    # It keeps texts, neither blocks nor metadata.
                    if text in message["text"]:
                        return dict(message)
                await asyncio.sleep(0.1)


@pytest.fixture
def program() -> Path:
    """The emulator's program; skips the test without it."""
    if not BACKLOT.exists():
        pytest.skip("no backlot; `make emulator` installs it")
    return BACKLOT


@pytest.fixture
async def emulator(program: Path, tmp_path: Path) -> AsyncIterator[Emulator]:
    environment = {**os.environ, "BACKLOT_TELEMETRY": "0", "BACKLOT_DATA_DIR": str(tmp_path)}
    imported = await asyncio.create_subprocess_exec(
        program, "import", "--bundled", env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    assert await imported.wait() == 0
    port = _free_port()
    server = await asyncio.create_subprocess_exec(
        program, "serve", "--port", str(port), "--log-level", "error", "--disable-telemetry", env=environment
    )
    try:
        async with aiohttp.ClientSession() as session:
            found = Emulator(f"http://127.0.0.1:{port}/slack/api/", session)
            await _ready(found)
            found.team = (await found.call("auth.test"))["team_id"]
            found.channel = (await found.call("conversations.list"))["channels"][0]["id"]
            users = (await found.call("users.list"))["members"]
            found.user = next(user["id"] for user in users if user["name"] == "avachen")
            yield found
    finally:
        server.terminate()
        await server.wait()


@asynccontextmanager
async def desk_beside(emulator: Emulator, folder: Path) -> AsyncIterator[str]:
    """Serve a desk whose technician Ava Chen has linked her account there."""
    config = parse_config(DESK.replace("C0TRIAGE", emulator.channel), "chatdesk.toml")
    secrets = SlackSecrets(TOKEN, SIGNING_SECRET, "", emulator.api_url, 0.0)
    environment = Environment(database_url=database_url(folder), data=folder, slack=secrets)
    async with (
        running_desk(config, environment, demo=True) as desk,
        open_port(desk, "127.0.0.1", 0) as base,
    ):
        account = await desk.staff.add("Ava Chen", "ava@northwind.example", None, now())
        identities = TortoiseIdentities(desk.database)
        await identities.link("slack", f"{emulator.team}:{emulator.user}", account.id, now())
        yield base


async def test_a_chat_is_held_over_the_emulators_web_api(emulator: Emulator, tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    folder.mkdir()
    async with desk_beside(emulator, folder) as base, customer(base) as line:
        await line.next("ready")
        await line.send(t="start", id="s", answers=CHAT_ANSWERS)
        card = await emulator.until("HD-1001")
        await _press(emulator, base, card)
        await heard(line, "Ava Chen from the help desk has joined.")
        await emulator.until("LIVE with", card["ts"])
        await _talk(emulator, base, line, card)


async def _talk(emulator: Emulator, base: str, line: Line, card: Message) -> None:
    await line.send(t="message", id="1", text="Hello <!channel> *bold*")
    await emulator.until("Hello", card["ts"])
    event = {"type": "message", "user": emulator.user, "text": "Good morning", "ts": "1790000000.000100"}
    where = {"channel": emulator.channel, "thread_ts": card["ts"], "event_ts": event["ts"]}
    await _post(emulator, base, "events", envelope({**event, **where}, emulator.team))
    sent = await heard(line, "Good morning")
    await line.send(t="message", id="2", text="Bye")
    reply = await emulator.until("Bye", card["ts"])
    news = await heard(line, "Bye")
    await line.send(t="delete", id="3", seq=news["seq"])
    await emulator.until("This message was deleted.", card["ts"])
    history = (await emulator.call("conversations.history", channel=emulator.channel))["messages"]
    assert sum("HD-1001" in message["text"] for message in history) == 1
    assert reply["ts"] != card["ts"]
    assert sent["name"] == "Ava Chen"


async def _press(emulator: Emulator, base: str, card: Message) -> None:
    button = {"type": "button", "action_id": "ticket_take", "value": "HD-1001", "action_ts": "1.1"}
    body = {
        "type": "block_actions",
        "team": {"id": emulator.team},
        "user": {"id": emulator.user, "team_id": emulator.team},
        "trigger_id": "1.2.3",
        "channel": {"id": emulator.channel},
        "container": {"type": "message", "channel_id": emulator.channel, "message_ts": card["ts"]},
        "actions": [{**button, "block_id": "ticket"}],
    }
    await _post(emulator, base, "interactions", body)


async def _post(emulator: Emulator, base: str, path: str, body: Message) -> None:
    text = json.dumps(body) if path == "events" else urlencode({"payload": json.dumps(body)})
    kind = "application/json" if path == "events" else "application/x-www-form-urlencoded"
    headers = {"Content-Type": kind, **signed(text)}
    async with emulator.session.post(f"{base}/slack/{path}", data=text, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ready(emulator: Emulator) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await emulator.call("auth.test")
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
            else:
                return
