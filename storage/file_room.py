"""How many bytes the desk has room for, and how many are kept or on their way."""

from __future__ import annotations

from chatdesk.errors import EventRefused
from chatdesk.files import FileLimits
from storage.database import Database
from storage.selecting import Selecting


class FileRoom:
    """Counts in this process; what is kept is counted in the database first, and again when asked to."""

    def __init__(self, database: Database, limits: FileLimits) -> None:
        self._selecting = Selecting(database)
        self._limits = limits
        self._kept: int | None = None
        self._coming = 0

    async def take(self, size: int) -> None:
        """Set room aside for bytes that are coming. Raises EventRefused (``full``), StorageError."""
        kept = self._kept if self._kept is not None else await self._count()
        if kept + self._coming + size > self._limits.total:
            raise EventRefused("The desk has no room for more files just now.", code="full", field="file")
        self._coming += size

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
