"""Uploads that no message took, and what a crash left on the disk: both go after a day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from storage.connection import fetch
from storage.database import Database
from storage.file_writer import remove_unfinished
from storage.selecting import Selecting

ORPHAN_AGE = timedelta(days=1)
"""How long an upload waits to be attached to a message."""

IN_MESSAGE = (
    "EXISTS (SELECT 1 FROM message m WHERE m.conversation = f.conversation "
    "AND m.files LIKE '%\"' || f.id || '\"%')"
)
"""Whether a message of its own conversation shows the file ``f``."""
_SHOWN_ANYWHERE = "SELECT 1 FROM message m WHERE m.files <> '[]' AND m.files LIKE ? LIMIT 1"
"""A file is also shown by a copy that was split off [R20], whose original may have been taken back."""
_FORGET = f"DELETE FROM file AS f WHERE f.id = ? AND NOT {IN_MESSAGE} RETURNING id"


class ForgottenFiles:
    """Finds and removes them; ``path`` tells where a file of that id is in ``folder``."""

    def __init__(self, database: Database, folder: Path, path: Callable[[str], Path]) -> None:
        self._database = database
        self._selecting = Selecting(database)
        self._folder = folder
        self._path = path
        self._looked_until: datetime | None = None

    async def remove(self, at: datetime) -> int:
        """Remove what nobody has needed for a day before ``at`` (aware); return how many files.

        The first time all are looked at, and the disk is searched for what was not finished; after that only
        those that have come of age since. Raises StorageError.
        """
        before, since = at - ORPHAN_AGE, self._looked_until
        removed = await self._forget(await self._found(before, since))
        if since is None:
            removed += await asyncio.to_thread(remove_unfinished, self._folder, before)
        self._looked_until = before
        return removed

    async def _found(self, before: datetime, since: datetime | None) -> list[str]:
        fresh, bounds = ("AND f.at >= ?", (before, since)) if since is not None else ("", (before,))
        query = f"SELECT f.id FROM file f WHERE f.at < ? {fresh} AND NOT {IN_MESSAGE}"
        return [str(row["id"]) for row in await self._selecting.one(query, *bounds)]

    async def _forget(self, identities: Iterable[str]) -> int:
        """Remove these, but for what another conversation shows, or a message has taken since."""
        gone: list[Path] = []
        for identity in identities:
            if await self._selecting.one(_SHOWN_ANYWHERE, f'%"{identity}"%'):
                continue
            async with self._database.writing() as connection:
                rows = await fetch(connection, _FORGET, identity)
            gone += [self._path(str(row["id"])) for row in rows]
        await asyncio.to_thread(_unlink, gone)
        return len(gone)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
