"""Adapters' notes and linked identities."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from storage.adapter_notes import TortoiseAdapterNotes, TortoiseIdentities
from storage.database import Database

AT = datetime(2026, 9, 15, 14, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(f"sqlite:///{tmp_path}/desk.sqlite3") as opened:
        yield opened


async def test_a_note_is_read_back_replaced_and_removed(database: Database) -> None:
    notes = TortoiseAdapterNotes(database)
    assert await notes.get("slack", "ticket:1001") is None
    await notes.put("slack", "ticket:1001", "a", AT)
    await notes.put("slack", "ticket:1001", "b", AT)
    assert await notes.get("slack", "ticket:1001") == "b"
    assert await notes.get("teams", "ticket:1001") is None
    await notes.remove("slack", "ticket:1001")
    assert await notes.get("slack", "ticket:1001") is None


async def test_the_first_claim_stands(database: Database) -> None:
    notes = TortoiseAdapterNotes(database)
    assert await notes.claim("slack", "card", "first", AT) == "first"
    assert await notes.claim("slack", "card", "second", AT) == "first"


async def test_an_account_belongs_to_one_technician_and_a_technician_to_one_account(
    database: Database,
) -> None:
    identities = TortoiseIdentities(database)
    await identities.link("slack", "U1", "marcus", AT)
    await identities.link("slack", "U2", "marcus", AT)
    assert await identities.agent("slack", "U1") is None
    assert await identities.agent("slack", "U2") == "marcus"
    await identities.link("slack", "U2", "ana", AT)
    assert await identities.external_id("slack", "marcus") is None
    assert await identities.external_id("slack", "ana") == "U2"
    await identities.unlink("slack", "U2")
    assert await identities.agent("slack", "U2") is None
