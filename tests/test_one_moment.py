"""What is read in several statements is of one moment, whatever is committed between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatdesk.changes import Changes
from storage.database import Database
from storage.selecting import Select, Selecting
from storage.store import TortoiseStore
from tests.core_builders import url
from tests.desk_builders import CHAT, conversation, ticket

VERSIONS = [
    Select("SELECT version FROM ticket WHERE number = ?", (1024,)),
    Select("SELECT version FROM conversation WHERE id = ?", (CHAT,)),
]
MOMENTS = 25


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        async with TortoiseStore(opened).batch() as batch:
            chats, tickets = {CHAT: conversation(version=1)}, {ticket().number: ticket(version=1)}
            await batch.write(Changes(conversations=chats, tickets=tickets))
        yield opened


async def raise_versions(database: Database) -> None:
    """Give both rows the next version again and again, both in one transaction."""
    while True:
        async with database.transaction() as connection:
            for table in ("ticket", "conversation"):
                await connection.execute_query(f"UPDATE {table} SET version = version + 1")


async def test_rows_that_change_together_are_read_together(database: Database) -> None:
    selecting = Selecting(database)
    writing = asyncio.create_task(raise_versions(database))
    seen = set[int]()
    async with asyncio.timeout(60):
        while len(seen) < MOMENTS:
            of_ticket, of_conversation = await selecting.all(VERSIONS)
            assert of_ticket == of_conversation
            seen.add(of_ticket[0]["version"])
    writing.cancel()
    await asyncio.wait({writing})
