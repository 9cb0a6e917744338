"""Who is signed in to the customer portal: a person, by the service that says who they are [R32]."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class SignedInPerson(Struct, frozen=True):
    """A person as a service knows them, and the address that it vouches for, in lower case.

    A person is ``issuer``, ``subject`` and, at Microsoft, ``tenant`` ("" elsewhere) [threat 22]: an address
    may be given to somebody else later.
    """

    issuer: str
    subject: str
    tenant: str
    address: str
    name: str


class PortalSessions(Protocol):
    """Sessions of signed-in customers. A session's secret is kept hashed; the browser alone has it."""

    async def begin(self, person: SignedInPerson, at: datetime, expires_at: datetime) -> str:
        """Begin a session and return its secret."""

    async def person(self, secret: str, at: datetime) -> SignedInPerson | None:
        """Return whose session the secret is, unless it has ended."""

    async def end(self, secret: str) -> None:
        """End the session."""

    async def remove_ended(self, at: datetime) -> int:
        """Remove sessions that ended by themselves before ``at``; return how many."""
