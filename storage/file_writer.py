"""One file on its way to disk: a temporary name, a sync, then its own name; every step blocks in a thread."""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import suppress
from datetime import datetime
from io import BufferedWriter
from pathlib import Path

from storage.file_type import HEAD, media_type

BUFFER = 256 * 1024
"""Bytes that are gathered before a thread is asked to write them."""


class FileWriter:
    """Writes one file to ``path``, where it appears whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(f"{path.name}.part")
        self._file: BufferedWriter | None = None
        self._head = b""
        self._pending = bytearray()
        self._hash = hashlib.sha256()

    async def open(self) -> None:
        """Make room for the file under its temporary name. Raises OSError."""
        await asyncio.to_thread(self._open)

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises OSError."""
        if len(self._head) < HEAD:
            self._head += chunk[: HEAD - len(self._head)]
        self._pending += chunk
        if len(self._pending) >= BUFFER:
            await asyncio.to_thread(self._flush)

    async def finish(self) -> tuple[str, str]:
        """Bring the file safely to disk under its own name; return its media type and SHA-256."""
        await asyncio.to_thread(self._finish)
        return media_type(self._head), self._hash.hexdigest()

    async def abandon(self) -> None:
        """Leave nothing behind, however far it got."""
        await asyncio.to_thread(self._abandon)

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb")

    def _flush(self) -> None:
        assert self._file is not None
        self._hash.update(self._pending)
        self._file.write(self._pending)
        self._pending.clear()

    def _finish(self) -> None:
        assert self._file is not None
        self._flush()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._unfinished.rename(self._path)
        # The name has to outlive a power cut as the bytes do, and so do the folders that lead to it.
        for folder in (self._path.parent, self._path.parent.parent, self._path.parent.parent.parent):
            sync_folder(folder)

    def _abandon(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                # Closing writes what is buffered, which a full disk refuses.
                self._file.close()
        self._unfinished.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have a folder's names outlive a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(folder: Path, before: datetime) -> int:
    """Remove files that were begun before ``before`` and not finished; return how many. Blocks.

    Whole files are left alone: another database, to which the desk may go back, may know them.
    """
    removed = 0
    for path in folder.glob("*/*/*.part"):
        if path.stat().st_mtime < before.timestamp():
            path.unlink()
            removed += 1
    return removed
