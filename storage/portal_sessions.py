"""Sessions of the customer portal in the database; their secrets are kept only as hashes [threat 43]."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from chatdesk.portal_sessions import SignedInPerson
from storage.columns import moment
from storage.connection import execute
from storage.database import Database
from storage.selecting import Selecting

_BEGIN = (
    "INSERT INTO portal_session (id, issuer, subject, tenant, address, name, created_at, expires_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class TortoisePortalSessions:
    """Sessions of signed-in customers [chatdesk.portal_sessions.PortalSessions]."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._selecting = Selecting(database)

    async def begin(self, person: SignedInPerson, at: datetime, expires_at: datetime) -> str:
        secret = secrets.token_urlsafe(32)
        who = (person.issuer, person.subject, person.tenant, person.address, person.name)
        async with self._database.writing() as connection:
            await execute(connection, _BEGIN, _hashed(secret), *who, at, expires_at)
        return secret

    async def person(self, secret: str, at: datetime) -> SignedInPerson | None:
        found = await self._selecting.one("SELECT * FROM portal_session WHERE id = ?", _hashed(secret))
        if not found or moment(found[0]["expires_at"]) <= at:
            return None
        row = found[0]
        return SignedInPerson(row["issuer"], row["subject"], row["tenant"], row["address"], row["name"])

    async def end(self, secret: str) -> None:
        async with self._database.writing() as connection:
            await execute(connection, "DELETE FROM portal_session WHERE id = ?", _hashed(secret))

    async def remove_ended(self, at: datetime) -> int:
        async with self._database.writing() as connection:
            return await execute(connection, "DELETE FROM portal_session WHERE expires_at <= ?", at)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
