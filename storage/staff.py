"""Technicians' accounts and sessions in the database; passwords by argon2, secrets kept only as hashes."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from chatdesk.errors import EventRefused
from chatdesk.staff import AgentAccount, SignedIn
from storage import tables
from storage.bulk import Row, insert, update
from storage.columns import Record, moment, optional_moment, timestamp
from storage.connection import execute, fetch
from storage.database import Database
from storage.selecting import Selecting
from storage.turns import take_turn
from storage.writing import write_all

if TYPE_CHECKING:
    from argon2 import PasswordHasher

Result = TypeVar("Result")

_AGENT, _SESSION = "SELECT * FROM agent WHERE {0} = ?", "SELECT * FROM session WHERE id = ? AND {0}"
_ONCE, _MANY_TIMES = "once", "NOT once"
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$+195+eaTVngkCeGYji1KpQ$jPyq751Bh6tNnpzwJo8aib3kj2Ho+XWCqiXU/6+daOE"
"""Checked when there is no such account, so that the answer takes as long as for one. Nobody knows the
password; the parameters are those new passwords are hashed with."""


class TortoiseStaff:
    """Accounts and sessions [chatdesk.staff.Staff]."""

    def __init__(self, database: Database, hasher: PasswordHasher | None = None) -> None:
        self._database = database
        self._selecting = Selecting(database)
        self._given_hasher = hasher

    @cached_property
    def _hasher(self) -> PasswordHasher:
        # Only who has a password needs its library.
        from argon2 import PasswordHasher

        return self._given_hasher or PasswordHasher()

    @cached_property
    def _thread(self) -> ThreadPoolExecutor:
        # One, and nobody else's: a check takes all cores for a tenth of a second, and uploads need threads.
        return ThreadPoolExecutor(1, "passwords")

    async def add(self, name: str, email: str, password: str | None, at: datetime) -> AgentAccount:
        address = email.strip().casefold()
        hashed = await self._in_thread(self._hasher.hash, password) if password else ""
        identity = secrets.token_hex(8)
        async with self._database.writing() as connection:
            await take_turn(connection, f"account {address}")
            if await fetch(connection, "SELECT 1 FROM agent WHERE email = ?", address):
                raise EventRefused(f"{address} has an account already.", code="exists", field="email")
            row = [identity, name, address, hashed, timestamp(at), None]
            _ = await write_all(connection, [insert(tables.AGENT, [row], self._database.dialect)])
        return AgentAccount(identity, name, address, at, None)

    async def accounts(self) -> Sequence[AgentAccount]:
        return [_account(row) for row in await self._selecting.one("SELECT * FROM agent ORDER BY name")]

    async def account(self, identity: str) -> AgentAccount | None:
        found = await self._selecting.one(_AGENT.format("id"), identity)
        return _account(found[0]) if found else None

    async def disable(self, email: str, at: datetime) -> AgentAccount | None:
        address = email.strip().casefold()
        async with self._database.writing() as connection:
            found = await fetch(connection, _AGENT.format("email"), address)
            if not found:
                return None
            row: Row = [found[0]["id"], timestamp(at)]
            only = ("id", "disabled_at")
            disabling = update(tables.AGENT, ("id",), [row], self._database.dialect, only=only)
            _ = await write_all(connection, [disabling])
            await execute(connection, "DELETE FROM session WHERE agent = ?", row[0])
        return _account({**found[0], "disabled_at": at})

    async def check_password(self, email: str, password: str) -> AgentAccount | None:
        found = await self._selecting.one(_AGENT.format("email"), email.strip().casefold())
        expected = (found[0]["password"] if found else "") or NOBODY
        right = await self._in_thread(self._matches, expected, password)
        account = _account(found[0]) if right and found else None
        return account if account and account.is_open else None

    async def begin_session(self, account: AgentAccount, at: datetime, expires_at: datetime) -> str:
        return await self._new_session(account, at, expires_at, once=False)

    async def session(self, secret: str, at: datetime) -> SignedIn | None:
        found = await self._selecting.one(_SESSION.format(_MANY_TIMES), _hashed(secret))
        if not found:
            return None
        expires_at = moment(found[0]["expires_at"])
        account = await self.account(found[0]["agent"]) if expires_at > at else None
        if account is None or not account.is_open:
            return None
        return SignedIn(account, found[0]["id"], expires_at)

    async def open_sessions(self, sessions: Collection[str], at: datetime) -> frozenset[str]:
        members = ", ".join("?" * len(sessions))
        query = (
            "SELECT s.id, s.expires_at FROM session s LEFT JOIN agent a ON a.id = s.agent "
            f"WHERE NOT s.once AND a.disabled_at IS NULL AND s.id IN ({members})"
        )
        found = await self._selecting.one(query, *sessions) if sessions else []
        return frozenset(row["id"] for row in found if moment(row["expires_at"]) > at)

    async def end_session(self, secret: str) -> None:
        async with self._database.writing() as connection:
            await execute(connection, "DELETE FROM session WHERE id = ?", _hashed(secret))

    async def remove_ended(self, at: datetime) -> int:
        async with self._database.writing() as connection:
            return await execute(connection, "DELETE FROM session WHERE expires_at <= ?", at)

    async def sign_in_link(self, account: AgentAccount, at: datetime, expires_at: datetime) -> str:
        return await self._new_session(account, at, expires_at, once=True)

    async def find_link(self, secret: str, at: datetime) -> AgentAccount | None:
        found = await self._selecting.one(_SESSION.format(_ONCE), _hashed(secret))
        return await self._signed_in_by(found, at)

    async def use_link(self, secret: str, at: datetime) -> AgentAccount | None:
        # Of several who use it at the same time one deletes it.
        query = f"DELETE FROM session WHERE id = ? AND {_ONCE} RETURNING agent, expires_at"
        async with self._database.writing() as connection:
            found = await fetch(connection, query, _hashed(secret))
        return await self._signed_in_by(found, at)

    async def _signed_in_by(self, found: Sequence[Record], at: datetime) -> AgentAccount | None:
        """Return the account of a link that was found, unless either is closed."""
        if not found or moment(found[0]["expires_at"]) <= at:
            return None
        account = await self.account(found[0]["agent"])
        return account if account is not None and account.is_open else None

    async def _new_session(
        self, account: AgentAccount, at: datetime, expires_at: datetime, *, once: bool
    ) -> str:
        secret = secrets.token_urlsafe(32)
        row: Row = [_hashed(secret), account.id, once, timestamp(at), timestamp(expires_at)]
        async with self._database.writing() as connection:
            _ = await write_all(connection, [insert(tables.SESSION, [row], self._database.dialect)])
        return secret

    async def _in_thread(self, work: Callable[..., Result], *values: str) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *values)

    def _matches(self, expected: str, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return self._hasher.verify(expected, password)
        except (VerificationError, InvalidHashError):
            return False


def _account(row: Record) -> AgentAccount:
    disabled = optional_moment(row["disabled_at"])
    return AgentAccount(row["id"], row["name"], row["email"], moment(row["created_at"]), disabled)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
