"""What Slack sent, kept on disk when the desk needs longer than Slack waits: stored first, worked later.

The folder does not depend on the database, so that a database that is locked or slow loses nothing either.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from datetime import datetime
from math import inf
from pathlib import Path

import structlog

from adapters.slack.payload import Payload

log = structlog.get_logger(__name__)


class Inbox:
    """One file a request, written durably before Slack is answered, removed when it was worked on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, body: Payload) -> Path:
        """Write the request and return its file. Raises OSError when the disk does not take it."""
        return await asyncio.to_thread(self._keep, json.dumps(body, separators=(",", ":")))

    async def remove(self, file: Path) -> None:
        """Forget a request that was worked on."""
        await asyncio.to_thread(file.unlink, missing_ok=True)

    async def left_over(self, kept_before: datetime | None = None) -> list[tuple[Path, Payload]]:
        """Return what was kept, before this moment if one is given, and is not finished, oldest first."""
        return await asyncio.to_thread(self._left_over, kept_before)

    def _keep(self, text: str) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:32]
        file, partial = self._folder / f"{name}.json", self._folder / f"{name}.part"
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(file)
        self._sync_folder()
        return file

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _left_over(self, kept_before: datetime | None) -> list[tuple[Path, Payload]]:
        if not self._folder.is_dir():
            return []
        before = inf if kept_before is None else kept_before.timestamp()
        found: list[tuple[float, Path, Payload]] = []
        for file in self._folder.glob("*.json"):
            try:
                at = file.stat().st_mtime
                if at >= before:
                    continue
                body = json.loads(file.read_text())
            except FileNotFoundError:
                # Another node that shares the folder has just finished it.
                continue
            except (OSError, ValueError) as error:
                log.error("slack_inbox_unreadable", file=file.name, error=str(error))
                continue
            if isinstance(body, dict):
                found.append((at, file, body))
        return [(file, body) for _, file, body in sorted(found, key=lambda one: one[0])]
