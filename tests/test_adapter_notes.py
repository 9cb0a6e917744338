"""Adapters' notes and linked identities, also when several ask at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from storage.adapter_notes import TortoiseAdapterNotes, TortoiseIdentities
from storage.database import Database
from tests.core_builders import url

AT = datetime(2026, 9, 15, 14, 0, tzinfo=UTC)


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
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


async def test_of_claims_at_the_same_time_one_stands(database: Database) -> None:
    notes = TortoiseAdapterNotes(database)
    claims = [notes.claim("slack", "card", f"claim {n}", AT) for n in range(12)]
    stands = set(await asyncio.gather(*claims))
    assert stands == {await notes.get("slack", "card")}


async def test_notes_put_at_the_same_time_leave_one_of_them(database: Database) -> None:
    notes = TortoiseAdapterNotes(database)
    await asyncio.gather(*(notes.put("slack", "card", f"note {n}", AT) for n in range(12)))
    assert await notes.get("slack", "card") in {f"note {n}" for n in range(12)}


async def test_an_account_linked_several_times_at_once_is_linked_once(database: Database) -> None:
    identities = TortoiseIdentities(database)
    await asyncio.gather(*(identities.link("teams", "U1", "marcus", AT) for _ in range(12)))
    assert await identities.agent("teams", "U1") == "marcus"
    await asyncio.gather(*(identities.link("teams", f"U{n}", "marcus", AT) for n in range(12)))
    linked = [n for n in range(12) if await identities.agent("teams", f"U{n}") == "marcus"]
    assert len(linked) == 1
