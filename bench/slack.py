"""Measures the bridge to Slack: 500 live chats at once, a fake Slack without rate limits.

`python -m bench.slack` starts a desk as a process of its own; this one plays Slack, the customers and the
technician. Measured are the time from a customer's send to the post that Slack accepted, and the time in
which a technician's message is acknowledged to Slack, which is after its commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from chatdesk.bootstrap import now, running_desk
from chatdesk.cli.server import loop_factory, open_port
from chatdesk.config import Environment, parse_config
from tests.fake_slack.person import Person, Wire
from tests.fake_slack.server import FakeSlack
from tests.fake_slack.workspace import Message
from tests.slack_desk import CHAT_ANSWERS, DESK, MARCUS, TRIAGE, new_workspace, secrets_for

CHATS = 500
SECONDS = 20.0
RATES = (25, 50, 100)
"""Messages a second from the customers, and as many from the technicians."""


class Bridge:
    """Every chat with its socket and card, and the moments at which messages were sent."""

    def __init__(self, fake: FakeSlack, person: Person) -> None:
        self.fake = fake
        self.person = person
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []
        self.cards: list[Message] = []
        self.sent: dict[str, float] = {}
        self.posted: list[float] = []
        self.acknowledged: list[float] = []
        self.too_late = 0
        self._seen = 0
        self._readers: list[asyncio.Task[None]] = []

    def collect(self) -> None:
        """Take the times of posts that the fake Slack has accepted since the last time."""
        ledger = self.fake.ledger
        for call in ledger[self._seen :]:
            began = self.sent.pop(call.body.get("text", ""), None)
            if call.method == "chat.postMessage" and began is not None:
                self.posted.append(call.at - began)
        self._seen = len(ledger)

    async def open(self, base: str, session: aiohttp.ClientSession) -> None:
        """Open one chat and have it taken."""
        socket = await session.ws_connect(f"{base}/widget/socket?key=desk", origin=base)
        await socket.send_json({"t": "hello", "v": 1, "visitor": secrets.token_urlsafe(32)})
        await socket.receive()
        await socket.send_json({"t": "start", "id": "s", "answers": CHAT_ANSWERS})
        self.sockets.append(socket)
        # Who does not read answers no pings.
        self._readers.append(asyncio.create_task(_read(socket)))

    async def customer(self, index: int, number: int) -> None:
        """Let the customer write."""
        text = f"message {number} of chat {index}"
        self.sent[text] = time.monotonic()
        await self.sockets[index].send_json({"t": "message", "id": f"m{number}", "text": text})

    async def technician(self, index: int, number: int) -> None:
        """Let the technician write, and time the acknowledgement."""
        began = time.monotonic()
        try:
            await self.person.say(TRIAGE, f"answer {number} of chat {index}", self.cards[index]["ts"])
        except TimeoutError:
            self.too_late += 1
        self.acknowledged.append(time.monotonic() - began)


async def measure() -> None:
    """Run everything and print one line a rate."""
    fake = FakeSlack(new_workspace())
    with tempfile.TemporaryDirectory() as data:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(fake.serve())
            server = _start(data, fake.api_url)
            stack.callback(server.wait)
            stack.callback(server.terminate)
            assert server.stdout is not None
            base = json.loads(await asyncio.to_thread(server.stdout.readline))["base"]
            connector = aiohttp.TCPConnector(limit=0)
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            bridge = Bridge(fake, Person(Wire(fake, base, session), MARCUS))
            await _open_chats(bridge, base, session)
            print(f"{CHATS} live chats; a second each way; send to post and acknowledged, milliseconds")
            print(f"{'rate':>8} {'post p50':>9} {'post p99':>9} {'ack p50':>9} {'ack p99':>9} {'posts':>9}")
            for rate in RATES:
                await _phase(bridge, rate)


async def _open_chats(bridge: Bridge, base: str, session: aiohttp.ClientSession) -> None:
    for _ in range(CHATS):
        await bridge.open(base, session)
    workspace = bridge.fake.workspace
    await bridge.fake.until(lambda: len(workspace.cards(TRIAGE)) == CHATS, within=120)
    bridge.cards = workspace.cards(TRIAGE)
    for card in bridge.cards:
        await bridge.person.press(TRIAGE, card["ts"], "ticket_take")


async def _read(socket: aiohttp.ClientWebSocketResponse) -> None:
    with contextlib.suppress(aiohttp.ClientError):
        async for _ in socket:
            pass


async def _phase(bridge: Bridge, rate: int) -> None:
    await asyncio.sleep(3)
    bridge.posted.clear()
    bridge.acknowledged.clear()
    bridge.too_late = 0
    tasks: list[asyncio.Task[None]] = []
    began = time.monotonic()
    count = int(rate * SECONDS)
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        index = number % CHATS
        key = rate * 1_000_000 + number
        tasks.append(asyncio.create_task(bridge.customer(index, key)))
        tasks.append(asyncio.create_task(bridge.technician((index + CHATS // 2) % CHATS, key)))
    await asyncio.gather(*tasks)
    bridge.collect()
    patience = time.monotonic() + 30
    while bridge.sent and time.monotonic() < patience:
        await asyncio.sleep(0.1)
        bridge.collect()
    lost = len(bridge.sent)
    bridge.sent.clear()
    posted = f"{_at(bridge.posted, 0.5):9.1f} {_at(bridge.posted, 0.99):9.1f}"
    acknowledged = f"{_at(bridge.acknowledged, 0.5):9.1f} {_at(bridge.acknowledged, 0.99):9.1f}"
    late = f"late {lost}; not acknowledged in 3 s: {bridge.too_late}"
    print(f"{rate:>8} {posted} {acknowledged} {len(bridge.posted):>9} of {count}, {late}")


def _at(times: list[float], share: float) -> float:
    ordered = sorted(times)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def _start(data: str, api_url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.slack", "serve", data, api_url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def serve(data: Path, api_url: str) -> None:
    """Serve the desk that is measured, unpaced, until the process is told to end."""
    fake = FakeSlack(new_workspace())
    found = secrets_for(fake, api_url=api_url)
    config = parse_config(DESK, "chatdesk.toml")
    database = f"sqlite://{data / 'chatdesk.sqlite3'}"
    environment = Environment(database_url=database, data=data, secret="x" * 40, slack=found)
    async with (
        running_desk(config, environment, demo=False) as desk,
        open_port(desk, "127.0.0.1", 0) as base,
    ):
        await desk.staff.add("Marcus Bell", "marcus@northwind.example", None, now())
        print(json.dumps({"base": base}), flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Measure, or be the server that is measured."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        if sys.argv[1:2] == ["serve"]:
            from chatdesk.logs import configure_logging

            configure_logging("ERROR")
            runner.run(serve(Path(sys.argv[2]), sys.argv[3]))
        else:
            runner.run(measure())


if __name__ == "__main__":
    main()
