"""Technicians' accounts and sessions in the database; passwords by argon2, secrets kept only as hashes."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chatdesk.errors import EventRefused
from chatdesk.staff import AgentAccount, SignedIn
from storage import models, rows
from storage.database import Database
from storage.turns import take_turn

NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$+195+eaTVngkCeGYji1KpQ$jPyq751Bh6tNnpzwJo8aib3kj2Ho+XWCqiXU/6+daOE"
"""Checked when there is no such account, so that the answer takes as long as for one. Nobody knows the
password; the parameters are those new passwords are hashed with."""


class TortoiseStaff:
    """Accounts and sessions [chatdesk.staff.Staff]."""

    def __init__(self, database: Database, hasher: PasswordHasher | None = None) -> None:
        self._database = database
        self._hasher = hasher or PasswordHasher()

    async def add(self, name: str, email: str, password: str | None, at: datetime) -> AgentAccount:
        address = email.strip().casefold()
        hashed = await asyncio.to_thread(self._hasher.hash, password) if password else ""
        async with self._database.transaction() as connection:
            await take_turn(connection, f"account {address}")
            if await models.Agent.filter(email=address).using_db(connection).exists():
                raise EventRefused(f"{address} has an account already.", code="exists", field="email")
            identity = secrets.token_hex(8)
            created = await models.Agent.create(
                using_db=connection, id=identity, name=name, email=address, password=hashed, created_at=at
            )
        return _account(created)

    async def accounts(self) -> Sequence[AgentAccount]:
        found = await models.Agent.all().order_by("name").using_db(self._database.reader)
        return [_account(agent) for agent in found]

    async def account(self, identity: str) -> AgentAccount | None:
        found = await models.Agent.get_or_none(id=identity, using_db=self._database.reader)
        return _account(found) if found else None

    async def disable(self, email: str, at: datetime) -> AgentAccount | None:
        async with self._database.transaction() as connection:
            found = await models.Agent.get_or_none(email=email.strip().casefold(), using_db=connection)
            if found is None:
                return None
            found.disabled_at = at
            await found.save(using_db=connection)
            await models.Session.filter(agent=found.id).using_db(connection).delete()
        return _account(found)

    async def check_password(self, email: str, password: str) -> AgentAccount | None:
        address = email.strip().casefold()
        found = await models.Agent.get_or_none(email=address, using_db=self._database.reader)
        expected = found.password if found and found.password else NOBODY
        right = await asyncio.to_thread(self._matches, expected, password)
        return _account(found) if right and found and found.disabled_at is None else None

    async def begin_session(self, account: AgentAccount, at: datetime, expires_at: datetime) -> str:
        return await self._new_session(account, at, expires_at, once=False)

    async def session(self, secret: str, at: datetime) -> SignedIn | None:
        found = await models.Session.get_or_none(
            id=_hashed(secret), once=False, using_db=self._database.reader
        )
        if found is None or found.expires_at <= at:
            return None
        account = await self.account(found.agent)
        if account is None or account.disabled_at is not None:
            return None
        return SignedIn(account, found.id, rows.moment(found.expires_at))

    async def open_sessions(self, sessions: Collection[str], at: datetime) -> frozenset[str]:
        closed = models.Agent.filter(disabled_at__isnull=False).using_db(self._database.reader)
        disabled = set(await closed.values_list("id", flat=True))
        standing = models.Session.filter(id__in=list(sessions), once=False, expires_at__gt=at)
        found = await standing.using_db(self._database.reader).values_list("id", "agent")
        return frozenset(identity for identity, agent in found if agent not in disabled)

    async def end_session(self, secret: str) -> None:
        async with self._database.transaction() as connection:
            await models.Session.filter(id=_hashed(secret)).using_db(connection).delete()

    async def sign_in_link(self, account: AgentAccount, at: datetime, expires_at: datetime) -> str:
        return await self._new_session(account, at, expires_at, once=True)

    async def use_link(self, secret: str, at: datetime) -> AgentAccount | None:
        async with self._database.transaction() as connection:
            link = models.Session.filter(id=_hashed(secret), once=True).using_db(connection)
            found = await link.get_or_none()
            # Of several who use it at the same time one deletes it.
            if found is None or not await link.delete():
                return None
        account = await self.account(found.agent)
        usable = found.expires_at > at and account is not None and account.disabled_at is None
        return account if usable else None

    async def _new_session(
        self, account: AgentAccount, at: datetime, expires_at: datetime, *, once: bool
    ) -> str:
        secret = secrets.token_urlsafe(32)
        async with self._database.transaction() as connection:
            _ = await models.Session.create(
                using_db=connection,
                id=_hashed(secret),
                agent=account.id,
                once=once,
                created_at=at,
                expires_at=expires_at,
            )
        return secret

    def _matches(self, expected: str, password: str) -> bool:
        try:
            return self._hasher.verify(expected, password)
        except (VerificationError, InvalidHashError):
            return False


def _account(found: models.Agent) -> AgentAccount:
    return AgentAccount(found.id, found.name, found.email, found.created_at, found.disabled_at)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
