"""A whole desk for tests: in this process on a free port, or as a process of its own that can be killed."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

import aiohttp

from adapters.web.sign_in import COOKIE
from chatdesk.bootstrap import RunningDesk, now, running_desk
from chatdesk.cli.demonstration import TECHNICIANS, sign_in_address
from chatdesk.cli.server import open_port
from chatdesk.config import Environment, load_config, parse_config
from chatdesk.settings.identity import NO_IDENTITIES, IdentitySecrets
from chatdesk.settings.mail_servers import NO_SERVERS, MailServers
from chatdesk.settings.portal_access import NO_PORTAL, PortalAccess
from tests import postgres_server, sqlite_template

ANSWERS = {
    "name": "Dana Reyes",
    "company": "Contoso",
    "email": "dana@contoso.example",
    "phone": "555-0134",
    "category": "Computer",
    "impact": "Only me",
    "urgency": "Yes",
    "issue": "It is slow",
}
"""Answers that the demonstration desk's survey takes."""

START_TIMEOUT = 30.0
REPOSITORY = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class ServedDesk:
    """A desk that answers at ``base``. ``data`` is its folder: serve it again to restart the desk."""

    base: str
    running: RunningDesk
    data: Path

    async def sign_in_link(self, name: str = "Marcus Bell") -> str:
        """Return an address that signs the technician in once; the account is opened if need be."""
        email = f"{name.split(maxsplit=1)[0].lower()}@northwind.example"
        accounts = {account.email: account for account in await self.running.staff.accounts()}
        account = accounts.get(email) or await self.running.staff.add(name, email, None, now())
        return await sign_in_address(self.running.staff, account, self.base)

    async def sign_in(self, name: str = "Marcus Bell") -> Mapping[str, str]:
        """Return the cookies of a technician's fresh session."""
        return await cookies_from(await self.sign_in_link(name))


@asynccontextmanager
async def serving(
    config_text: str | None = None,
    demo: bool = True,
    data: Path | None = None,
    mail: MailServers = NO_SERVERS,
    address: str = "",
    *,
    behind_proxy: bool = False,
    portal: PortalAccess = NO_PORTAL,
    identities: IdentitySecrets = NO_IDENTITIES,
) -> AsyncIterator[ServedDesk]:
    """Serve a desk in this process on a free port: the demonstration, or the chatdesk.toml ``config_text``.

    With ``data``, an existing folder, the desk goes on with what is there; otherwise it begins empty.
    ``address`` is its database, else the folder's own; ``behind_proxy`` lets a test say by X-Forwarded-For
    where it comes from. ``portal`` are the services to sign in to the customer portal with, ``identities``
    have the secrets of companies' sites.
    """
    config = load_config(None) if config_text is None else parse_config(config_text, "chatdesk.toml")
    proxies = (ip_network("127.0.0.1/32"),) if behind_proxy else ()
    with tempfile.TemporaryDirectory() as fresh:
        folder = data or Path(fresh)
        async with (
            running_desk(
                config,
                Environment(
                    database_url=address or database_url(folder),
                    data=folder,
                    trusted_proxies=proxies,
                    mail=mail,
                    portal=portal,
                    identities=identities,
                ),
                demo=demo,
            ) as desk,
            open_port(desk, "127.0.0.1", 0) as base,
        ):
            yield ServedDesk(base, desk, folder)


def database_url(folder: Path, *, migrated: bool = True) -> str:
    """Return the address of the data folder's database; one that is not ``migrated`` is made by the desk."""
    if postgres_server.wanted_everywhere():
        return postgres_server.database_for(folder)
    path = folder / "chatdesk.sqlite3"
    return sqlite_template.url_of(path) if migrated else f"sqlite:///{path}"


async def cookies_from(link: str) -> Mapping[str, str]:
    """Use a sign-in link and return the session's cookies."""
    async with aiohttp.ClientSession() as session, pressing(session, link) as answer:
        assert answer.status == 303, await answer.text()
        return {COOKIE: answer.cookies[COOKIE].value}


def pressing(
    session: aiohttp.ClientSession, link: str
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    """Press the button on the page of a sign-in link."""
    headers = {"Origin": link.partition("/console/")[0]}
    return session.post(link, headers=headers, allow_redirects=False)


class Line:
    """One live client, a customer or a technician, that reads frames one by one."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._frames: list[dict[str, Any]] = []

    async def send(self, **frame: object) -> None:
        """Send one frame."""
        await self.socket.send_json(frame)

    async def next(self, kind: str, within: float = 10.0) -> dict[str, Any]:
        """Return the next frame of that kind, passing over others; an error frame fails the test."""
        async with asyncio.timeout(within):
            while True:
                while not self._frames:
                    received = await self.socket.receive_json()
                    self._frames = received if isinstance(received, list) else [received]
                frame = self._frames.pop(0)
                if frame["t"] == kind:
                    return frame
                assert frame["t"] != "error", frame

    async def close_code(self, within: float = 10.0) -> int | None:
        """Read until the other side closes, and return the code it closed with."""
        async with asyncio.timeout(within):
            while not self.socket.closed:
                await self.socket.receive()
        return self.socket.close_code


@asynccontextmanager
async def customer(
    base: str, visitor: str | None = None, widget: str = "desk", **more: object
) -> AsyncIterator[Line]:
    """Connect as a page with the widget, and say hello; ``visitor`` is the browser's secret."""
    address = f"{base}/widget/socket?key={widget}"
    async with aiohttp.ClientSession() as session, session.ws_connect(address, origin=base) as socket:
        line = Line(socket)
        await line.send(t="hello", v=1, visitor=visitor or secrets.token_urlsafe(32), **more)
        yield line


@asynccontextmanager
async def technician(base: str, cookies: Mapping[str, str]) -> AsyncIterator[Line]:
    """Connect as a signed-in technician's console page."""
    async with (
        aiohttp.ClientSession(cookies=dict(cookies)) as session,
        session.ws_connect(f"{base}/console/socket", origin=base) as socket,
    ):
        yield Line(socket)


class ServerProcess:
    """`python -m chatdesk demo` as a process of its own on a free port, with its own data folder."""

    def __init__(
        self,
        data: Path,
        arguments: tuple[str, ...] = ("demo",),
        module: str = "chatdesk",
        **environment: str,
    ) -> None:
        self.data = data
        self._arguments = (module, *arguments)
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._reading: list[asyncio.Task[None]] = []
        self.output: list[str] = []
        self.base = ""
        self.sign_in_links: list[str] = []
        self._links_printed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The process; it has to have been started."""
        assert self._process is not None, "not started"
        return self._process

    async def start(self) -> None:
        """Start it and wait until /readyz says that it is ready."""
        self.output.clear()
        self.sign_in_links.clear()
        self._links_printed.clear()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHATDESK_")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self._arguments,
            cwd=REPOSITORY,
            env={
                **environment,
                "CHATDESK_DATA": str(self.data),
                "CHATDESK_DATABASE_URL": database_url(self.data, migrated=False),
                "CHATDESK_PORT": "0",
                "PYTHONUNBUFFERED": "1",
                **self._environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reading = [asyncio.create_task(self._read(listening))]
        async with asyncio.timeout(START_TIMEOUT):
            self.base = await listening
            await self._until_ready()

    async def _read(self, listening: asyncio.Future[str]) -> None:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            line = raw.decode(errors="replace").rstrip()
            self.output.append(line)
            self.sign_in_links += re.findall(r"http://\S+/console/sign-in/[\w-]+", line)
            if len(self.sign_in_links) == len(TECHNICIANS):
                self._links_printed.set()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found and not listening.done():
                listening.set_result(found[0])
        if not listening.done():
            listening.set_exception(AssertionError("it ended: " + "\n".join(self.output)))

    async def _until_ready(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"{self.base}/readyz") as answer:
                    if answer.status == 200:
                        return
                await asyncio.sleep(0.02)

    async def sign_in(self, technician: int = 0) -> Mapping[str, str]:
        """Use a printed link and return the session's cookies; each technician's works once a start."""
        async with asyncio.timeout(START_TIMEOUT):
            await self._links_printed.wait()
        return await cookies_from(self.sign_in_links[technician])

    async def wait(self, within: float = 15.0) -> int:
        """Wait until the process has ended and all its output was read; return its exit code."""
        async with asyncio.timeout(within):
            code = await self.process.wait()
            await asyncio.gather(*self._reading)
        return code

    async def kill(self) -> None:
        """End it at once, as a power cut would (SIGKILL); nothing happens when it has ended."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self.wait()

    async def terminate(self) -> int:
        """Ask it to stop (SIGTERM) and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self.wait()

    async def restart(self) -> None:
        """Kill it and start it again with the same data, on another port."""
        await self.kill()
        await self.start()
