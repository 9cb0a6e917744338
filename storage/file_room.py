"""How many bytes the desk has room for, how many are kept or on their way, and what a visitor's share is."""

from __future__ import annotations

from datetime import datetime

from chatdesk.errors import EventRefused
from chatdesk.files import FileLimits
from storage.database import Database
from storage.forgotten_files import IN_MESSAGE, ORPHAN_AGE
from storage.selecting import Selecting

FULL = "The desk has no room for more files. Tell whoever runs it, and send this another way."
VISITORS_FULL = "The desk has no room for more files just now. Ask in the chat how else to send it."

_SHARE = f"""
    SELECT COALESCE(SUM(f.size), 0) AS used,
        COALESCE(SUM(CASE WHEN f.at >= ? AND NOT {IN_MESSAGE} THEN 1 ELSE 0 END), 0) AS waiting
    FROM file f JOIN conversation c ON c.id = f.conversation WHERE c.visitor = ? AND f.owner = ?"""
"""What a visitor has in all their chats: bytes, and files that no message shows yet."""


class FileRoom:
    """Counts in this process; what is kept is counted in the database first, and again when asked to."""

    def __init__(self, database: Database, limits: FileLimits) -> None:
        self._selecting = Selecting(database)
        self._limits = limits
        self._kept: int | None = None
        self._coming = 0

    async def take(self, size: int, *, by_visitor: bool = False) -> None:
        """Set room aside for bytes that are coming. Raises EventRefused (``full``), StorageError."""
        kept = self._kept if self._kept is not None else await self._count()
        if kept + self._coming + size > self._limits.total - (self._limits.reserve if by_visitor else 0):
            raise EventRefused(VISITORS_FULL if by_visitor else FULL, code="full", field="file")
        self._coming += size

    async def refuse_over_share(self, visitor: str, at: datetime) -> None:
        """Raise EventRefused (``too_much``, ``too_many``) when the visitor has all that one may have."""
        (found,) = await self._selecting.one(_SHARE, at - ORPHAN_AGE, visitor, visitor)
        if int(found["used"]) >= self._limits.per_visitor:
            text = (
                "Your files take all the room that one person has here. Ask in the chat how else to send it."
            )
            raise EventRefused(text, code="too_much", field="file")
        if int(found["waiting"]) >= self._limits.waiting:
            text = f"{found['waiting']} files wait to be sent. Send a message with some of them first."
            raise EventRefused(text, code="too_many", field="file")

    def give_back(self, size: int) -> None:
        """Bytes for which room was set aside did not stay."""
        self._coming -= size

    def keep(self, size: int) -> None:
        """Bytes for which room was set aside are kept now."""
        self._coming -= size
        if self._kept is not None:
            self._kept += size

    def count_again(self) -> None:
        """Count afresh what is kept, before the next bytes: other nodes keep and remove files as well."""
        self._kept = None

    async def _count(self) -> int:
        (found,) = await self._selecting.one("SELECT COALESCE(SUM(size), 0) AS used FROM file")
        if self._kept is None:
            self._kept = int(found["used"])
        return self._kept
