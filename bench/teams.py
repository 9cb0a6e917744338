"""`python -m bench.teams`: turns of the bot against a connector with 300 ms latency, beside the plain SDK.

A turn begins when a person's message is posted to the bot, and ends when the answer has arrived at the
connector. All turns of a round are begun at once. Issuer and connector, the bot, and the load have a process
each.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from bench.plain_sdk import plain_bot
from chatdesk.bootstrap import running_desk
from chatdesk.cli.server import open_port
from chatdesk.config import Environment, parse_config
from chatdesk.settings.teams_access import TeamsAccess
from tests.fake_connector.issuer import APP_ID, APP_PASSWORD, ISSUER, TENANT
from tests.fake_connector.running import CLIENT_TENANT, TEAMS_DESK, Microsoft, Person, activity_of, microsoft

LATENCY = 0.3
ROUNDS = (80, 500)
WARM_UP = 5
LONGEST = 180.0
"""Seconds after which a round is given up."""


@dataclass(frozen=True)
class Round:
    """What one round took, in seconds: ``answered`` until the last call was answered, ``seconds`` until the
    last answer had arrived at the connector.
    """

    turns: int
    seconds: float
    answered: float
    arrived: int

    @property
    def rate(self) -> float:
        return self.arrived / self.seconds


async def serve_microsoft(_: str) -> None:
    """Run issuer and connector, with a way for the load to get signatures and to count."""
    async with microsoft() as service:
        connector = service.connector
        connector.latency = lambda conversation: LATENCY
        connector.accepts_any_conversation = True
        connector.wants_token = False

        async def sign(request: web.Request) -> web.Response:
            return web.Response(text=service.issuer.sign(service.base))

        async def arrived(request: web.Request) -> web.Response:
            return web.Response(text=str(len(connector.entries)))

        control = web.Application()
        control.router.add_get("/sign", sign)
        control.router.add_get("/arrived", arrived)
        async with listening(control) as control_base:
            await announce(f"{service.base} {control_base}")


async def serve_desk(base: str) -> None:
    """Run chatdesk."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        config = parse_config(TEAMS_DESK, "bench")
        database = f"sqlite://{data / 'd.sqlite3'}"
        environment = Environment(database_url=database, data=data, teams=access(base))
        async with (
            running_desk(config, environment, demo=True) as desk,
            open_port(desk, "127.0.0.1", 0) as address,
        ):
            await announce(address)


async def serve_plain(base: str) -> None:
    """Run the smallest bot the SDK's own way."""
    async with listening(plain_bot(access(base))) as address:
        await announce(address)


def access(base: str) -> TeamsAccess:
    """Return how a bot reaches issuer and connector."""
    return TeamsAccess(APP_ID, APP_PASSWORD, TENANT, False, base, ISSUER, f"{base}/openid", (base,))


@asynccontextmanager
async def listening(application: web.Application) -> AsyncIterator[str]:
    """Serve on a free port and yield the address."""
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def announce(addresses: str) -> None:
    """Tell the load where this process listens, and wait until it goes away."""
    sys.stdout.write(f"READY {addresses}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@asynccontextmanager
async def process(role: str, argument: str = "") -> AsyncIterator[list[str]]:
    """Run a role in a process of its own and yield its addresses; it ends with its standard input."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.teams",
        role,
        argument,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=None if "BENCH_ERRORS" in os.environ else asyncio.subprocess.DEVNULL,
    )
    assert running.stdin is not None and running.stdout is not None
    try:
        async for line in running.stdout:
            if line.startswith(b"READY"):
                break
        yield line.decode().split()[1:]
    finally:
        running.kill()
        await running.wait()


class Load:
    """Posts turns to one bot and watches the connector for the answers."""

    def __init__(self, session: aiohttp.ClientSession, service: Microsoft, control: str, bot: str) -> None:
        self._session = session
        self._service = service
        self._control = control
        self._bot = bot

    async def round(self, turns: int) -> Round:
        """Begin so many turns at once and wait for their answers."""
        before = await self._arrived()
        header = await self._ask("sign")
        began = time.perf_counter()
        await asyncio.gather(*(self._turn(number, header) for number in range(turns)))
        answered = time.perf_counter() - began
        arrived = 0
        while arrived < turns and time.perf_counter() - began < LONGEST:
            await asyncio.sleep(0.005)
            arrived = await self._arrived() - before
        return Round(turns, time.perf_counter() - began, answered, arrived)

    async def _turn(self, number: int, header: str) -> None:
        person = Person(f"29:p{number}", f"aad-{number}", f"Person {number}", CLIENT_TENANT)
        activity = activity_of(self._service, person, text="help")
        url = f"{self._bot}/api/messages"
        async with self._session.post(url, json=activity, headers={"Authorization": header}) as answer:
            if answer.status >= 300:
                raise RuntimeError(f"The bot answered {answer.status}.")

    async def _arrived(self) -> int:
        return int(await self._ask("arrived"))

    async def _ask(self, what: str) -> str:
        async with self._session.get(f"{self._control}/{what}") as answer:
            return await answer.text()


async def measure(role: str) -> list[Round]:
    """Measure one bot against a connector of its own."""
    timeout = aiohttp.ClientTimeout(total=LONGEST)
    connections = aiohttp.TCPConnector(limit=0)
    async with (
        process("microsoft") as (base, control),
        process(role, base) as (bot,),
        aiohttp.ClientSession(timeout=timeout, connector=connections) as session,
    ):
        load = Load(session, Microsoft(None, None, base), control, bot)  # type: ignore[arg-type]
        await load.round(WARM_UP)
        return [await load.round(turns) for turns in ROUNDS]


async def bench() -> None:
    """Measure chatdesk and the plain SDK, and print both."""
    found = {role: await measure(role) for role in ("plain", "desk")}
    print(f"{'':10} {'turns':>6} {'turns/s':>9} {'last call answered':>19} {'last answer arrived':>20}")
    for role, rounds in found.items():
        for one in rounds:
            name = {"plain": "plain SDK", "desk": "chatdesk"}[role]
            lost = "" if one.arrived == one.turns else f"  {one.turns - one.arrived} lost"
            print(
                f"{name:10} {one.turns:6} {one.rate:9.0f} {one.answered:17.2f} s {one.seconds:18.2f} s{lost}"
            )
    for plain, desk in zip(found["plain"], found["desk"], strict=True):
        print(f"{plain.turns} turns: {desk.rate / plain.rate:.1f} times the plain SDK")


ROLES: Mapping[str, Callable[[str], Coroutine[None, None, None]]] = {
    "microsoft": serve_microsoft,
    "desk": serve_desk,
    "plain": serve_plain,
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(ROLES[sys.argv[1]](sys.argv[2]))
    else:
        asyncio.run(bench())
