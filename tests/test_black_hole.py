"""Connections to PostgreSQL on which nothing passes any more, though they stay open: given up in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chatdesk.errors import DatabaseUnavailable
from storage import database as module
from storage import kept_connection
from storage.database import Database
from storage.store import TortoiseStore
from tests import postgres_server
from tests.asking import number
from tests.core_builders import message, new_desk, running, survey, url
from tests.gate import Gate, gate

pytestmark = pytest.mark.postgres

SOON = 5.0
"""Seconds, of which a statement has a fifth of one here."""


@dataclass
class Behind:
    """A database behind a gate."""

    gate: Gate
    database: Database
    address: str
    """Past the gate."""


@pytest.fixture
async def behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Behind]:
    monkeypatch.setattr(module, "WRITE_TIMEOUT", 0.2)
    monkeypatch.setattr(kept_connection, "RELEASE_TIMEOUT", 0.2)
    address = url(tmp_path, "postgres")
    name = urlsplit(address).path
    info = postgres_server.server().get_postmaster_info()
    socket = Path(str(info.socket_dir), f".s.PGSQL.{info.port}")
    user = postgres_server.server().postgres_user
    async with (
        gate(socket) as standing,
        Database(f"postgres://{user}@127.0.0.1:{standing.port}{name}") as database,
    ):
        yield Behind(standing, database, address)
        # A pool takes leave of the server on each.
        standing.cut()


@asynccontextmanager
async def soon() -> AsyncIterator[None]:
    """See that the block is not cut off, but ends in time by itself."""
    clock = asyncio.get_running_loop().time
    began = clock()
    async with asyncio.timeout(SOON):
        yield
    assert clock() - began < SOON


async def test_a_message_is_committed_over_a_new_connection(behind: Behind) -> None:
    async with running(new_desk(TortoiseStore(behind.database))) as desk:
        await desk.receive(survey())
        await desk.receive(message("one"))
        behind.gate.swallow()
        async with soon():
            await desk.receive(message("two"))
    assert await number(behind.address, "SELECT count(*) FROM message WHERE text = 'two'") == 1


async def test_a_statement_that_is_kept_a_connection_for_is_given_up(behind: Behind) -> None:
    client = behind.database.postgres_writer
    await client.execute_autocommit("SELECT 1", [])
    behind.gate.swallow()
    async with soon():
        with pytest.raises(DatabaseUnavailable):
            await client.execute_autocommit("SELECT 1", [])
        await client.execute_autocommit("SELECT 1", [])


@pytest.mark.parametrize("when", ["before it begins", "in its middle", "before it is committed"])
async def test_a_transaction_is_given_up(behind: Behind, when: str) -> None:
    async def work(when: str = "never") -> None:
        async with behind.database.transaction() as connection:
            await connection.execute_query("SELECT 1")
            if when != "never":
                behind.gate.swallow()
            if when == "in its middle":
                await connection.execute_query("SELECT 1")

    if when == "before it begins":
        behind.gate.swallow()
    async with soon():
        with pytest.raises(DatabaseUnavailable):
            await work(when)
        await work()
