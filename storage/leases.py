"""Leases in the database [chatdesk.leases.Leases]; nodes' clocks have to agree to within seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from chatdesk.errors import LeaseLost
from storage.columns import moment, timestamp
from storage.connection import Connection
from storage.database import Database

_TAKE = """
    INSERT INTO lease (name, holder, token, until) VALUES ({0}, {1}, 1, {2})
    ON CONFLICT (name) DO UPDATE
    SET holder = excluded.holder, token = lease.token + 1, until = excluded.until
    WHERE lease.until <= {3}"""


class TortoiseLeases:
    """The leases of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, holder: str, now: datetime, until: datetime) -> int | None:
        values = [name, holder, self._moment(until), self._moment(now)]
        select = "SELECT token, until FROM lease WHERE name = {0} AND holder = {1}"
        async with self._database.writing() as connection:
            await connection.execute_query(self._sql(_TAKE, 4), values)
            found = await connection.execute_query_dict(self._sql(select, 2), [name, holder])
        if not found or moment(found[0]["until"]) != until:
            return None
        return int(found[0]["token"])

    async def keep(self, name: str, token: int, until: datetime) -> bool:
        statement = self._sql("UPDATE lease SET until = {2} WHERE name = {0} AND token = {1}", 3)
        async with self._database.writing() as connection:
            changed, _ = await connection.execute_query(statement, [name, token, self._moment(until)])
        return bool(changed)

    async def give_back(self, name: str, token: int) -> None:
        # The row stays: its token must go on rising.
        long_ago = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
        _ = await self.keep(name, token, long_ago)

    def _sql(self, statement: str, places: int) -> str:
        postgres = self._database.dialect == "postgres"
        marks = [f"${n}" if postgres else f"?{n}" for n in range(1, places + 1)]
        return statement.format(*marks)

    def _moment(self, at: datetime) -> Any:
        return at if self._database.dialect == "postgres" else timestamp(at)


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
        query = "SELECT token FROM lease WHERE name = ? AND token = ?"
        if connection.capabilities.dialect == "postgres":
            query = "SELECT token FROM lease WHERE name = $1 AND token = $2 FOR SHARE"
        if not await connection.execute_query_dict(query, [self.name, self.token]):
            raise LeaseLost(f"Another node holds the lease {self.name} by now.")
