"""Leases in the database [chatdesk.leases.Leases]; nodes' clocks have to agree to within seconds."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from chatdesk.errors import LeaseLost
from storage.columns import moment
from storage.connection import Connection, execute, fetch
from storage.database import Database

_TAKE = """
    INSERT INTO lease (name, holder, token, until) VALUES (?, ?, 1, ?)
    ON CONFLICT (name) DO UPDATE
    SET holder = excluded.holder, token = lease.token + 1, until = excluded.until
    WHERE lease.until <= ?"""


class TortoiseLeases:
    """The leases of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, holder: str, now: datetime, until: datetime) -> int | None:
        select = "SELECT token, until FROM lease WHERE name = ? AND holder = ?"
        async with self._database.writing() as connection:
            await execute(connection, _TAKE, name, holder, until, now)
            found = await fetch(connection, select, name, holder)
        if not found or moment(found[0]["until"]) != until:
            return None
        return int(found[0]["token"])

    async def keep(self, name: str, token: int, until: datetime) -> bool:
        update = "UPDATE lease SET until = ? WHERE name = ? AND token = ?"
        async with self._database.writing() as connection:
            return bool(await execute(connection, update, until, name, token))

    async def give_back(self, name: str, token: int) -> None:
        # The row stays: its token must go on rising.
        long_ago = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
        _ = await self.keep(name, token, long_ago)


class Fence(Struct, frozen=True):
    """Lets a holder write only while its lease has not passed on, however long it slept meanwhile.

    ``token`` is what the holder was given with the lease called ``name`` [chatdesk.leases.Alone.run].
    """

    name: str
    token: int

    async def check(self, connection: Connection) -> None:
        """Pass if the lease is still its; whoever takes it then waits until this transaction has ended.

        Raises LeaseLost.
        """
        lock = " FOR SHARE" if connection.capabilities.dialect == "postgres" else ""
        query = f"SELECT token FROM lease WHERE name = ? AND token = ?{lock}"
        if not await fetch(connection, query, self.name, self.token):
            raise LeaseLost(f"Another node holds the lease {self.name} by now.")
