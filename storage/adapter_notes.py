"""Adapters' notes and linked identities in the database [chatdesk.adapter_notes]."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from storage.database import Database
from storage.leases import Fence
from storage.orm import models
from storage.selecting import Selecting
from storage.turns import take_turn

if TYPE_CHECKING:
    from tortoise.backends.base.client import BaseDBAsyncClient


_NOTE = "SELECT value FROM adapter_note WHERE adapter = ? AND key = ?"


class TortoiseAdapterNotes:
    """Small texts by adapter and key.

    With a ``fence`` they are written by the holder of its lease only: what changes them raises LeaseLost,
    and changes nothing, once another node has taken it.
    """

    def __init__(self, database: Database, fence: Fence | None = None) -> None:
        self._database = database
        self._fence = fence
        self._selecting = Selecting(database)

    async def get(self, adapter: str, key: str) -> str | None:
        found = await self._selecting.one(_NOTE, adapter, key)
        return found[0]["value"] if found else None

    async def put(self, adapter: str, key: str, value: str, at: datetime) -> None:
        async with self._writing() as connection:
            _ = await models.AdapterNote.update_or_create(
                defaults={"value": value, "changed_at": at}, using_db=connection, adapter=adapter, key=key
            )

    async def claim(self, adapter: str, key: str, value: str, at: datetime) -> str:
        async with self._writing() as connection:
            found, _ = await models.AdapterNote.get_or_create(
                defaults={"value": value, "changed_at": at}, using_db=connection, adapter=adapter, key=key
            )
        return found.value

    async def remove(self, adapter: str, key: str) -> None:
        async with self._writing() as connection:
            await models.AdapterNote.filter(adapter=adapter, key=key).using_db(connection).delete()

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[BaseDBAsyncClient]:
        async with self._database.transaction() as connection:
            if self._fence is not None:
                await self._fence.check(connection)
            yield connection


class TortoiseIdentities:
    """Links between technicians and their accounts elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def link(self, provider: str, external_id: str, agent: str, at: datetime) -> None:
        async with self._database.transaction() as connection:
            await take_turn(connection, f"identities of {provider}")
            for taken in ({"external_id": external_id}, {"agent": agent}):
                await models.Identity.filter(provider=provider, **taken).using_db(connection).delete()
            _ = await models.Identity.create(
                using_db=connection, provider=provider, external_id=external_id, agent=agent, linked_at=at
            )

    async def agent(self, provider: str, external_id: str) -> str | None:
        found = await models.Identity.get_or_none(
            provider=provider, external_id=external_id, using_db=self._database.reader
        )
        return found.agent if found else None

    async def external_id(self, provider: str, agent: str) -> str | None:
        found = await models.Identity.get_or_none(
            provider=provider, agent=agent, using_db=self._database.reader
        )
        return found.external_id if found else None

    async def unlink(self, provider: str, external_id: str) -> None:
        async with self._database.transaction() as connection:
            links = models.Identity.filter(provider=provider, external_id=external_id)
            await links.using_db(connection).delete()
