"""What a channel has to remember of its own between two events, kept where everything else is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class AdapterNotes(Protocol):
    """Small texts by adapter and key, such as the thread that shows a ticket, or a mailbox's last UID."""

    async def get(self, adapter: str, key: str) -> str | None:
        """Return the text under the key, or None."""

    async def put(self, adapter: str, key: str, value: str, at: datetime) -> None:
        """Keep the text under the key, in place of an earlier one."""

    async def claim(self, adapter: str, key: str, value: str, at: datetime) -> str:
        """Keep the text unless the key has one already; return what is kept then."""

    async def remove(self, adapter: str, key: str) -> None:
        """Forget the key."""


class Identities(Protocol):
    """Which technician an account of another service (``provider``) belongs to; one to one on each."""

    async def link(self, provider: str, external_id: str, agent: str, at: datetime) -> None:
        """Link the account to the technician; earlier links of either on this provider end."""

    async def agent(self, provider: str, external_id: str) -> str | None:
        """Return the id of the technician the account belongs to."""

    async def external_id(self, provider: str, agent: str) -> str | None:
        """Return the technician's account on that service."""

    async def unlink(self, provider: str, external_id: str) -> None:
        """End the link of the account."""
