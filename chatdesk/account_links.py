"""Linking a technician's account of another service, once, by a code that is confirmed in the console."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from chatdesk.adapter_notes import AdapterNotes, Identities

ADAPTER = "link"
LASTS = timedelta(minutes=15)


class PendingLink(Struct, frozen=True):
    """An account that waits to be linked: of which service, and its name there."""

    provider: str
    external_id: str
    name: str


class AccountLinks:
    """Codes are handed to the account's owner, kept hashed, and confirmed by who is signed in."""

    def __init__(self, notes: AdapterNotes, identities: Identities) -> None:
        self._notes = notes
        self._identities = identities

    async def begin(self, pending: PendingLink, at: datetime) -> str:
        """Return a code that links the account until ``LASTS`` after ``at``."""
        code = secrets.token_urlsafe(24)
        note = {
            "provider": pending.provider,
            "external_id": pending.external_id,
            "name": pending.name,
            "until": (at + LASTS).isoformat(),
        }
        await self._notes.put(ADAPTER, _key(code), json.dumps(note), at)
        return code

    async def pending(self, code: str, at: datetime) -> PendingLink | None:
        """Return what the code would link; None when it is unknown, used or too old."""
        kept = await self._notes.get(ADAPTER, _key(code))
        found: object = json.loads(kept) if kept else None
        if not isinstance(found, Mapping) or datetime.fromisoformat(str(found["until"])) <= at:
            return None
        return PendingLink(str(found["provider"]), str(found["external_id"]), str(found["name"]))

    async def confirm(self, code: str, agent: str, at: datetime) -> PendingLink | None:
        """Link the account to the technician and use the code up; None as ``pending``."""
        pending = await self.pending(code, at)
        if pending is not None:
            await self._notes.remove(ADAPTER, _key(code))
            await self._identities.link(pending.provider, pending.external_id, agent, at)
        return pending


def _key(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
