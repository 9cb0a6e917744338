"""Files that a mail takes along: those of a technician's answer, as far as they fit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from chatdesk.conversation import FileRef
from chatdesk.files import StoredFile

MOST_BYTES = 5 * 1024 * 1024
"""Bytes of files that one mail takes along: many servers refuse more than 10 MB, and a mail adds a third."""


class KeptFiles(Protocol):
    """Where files are kept [chatdesk.files.Files]."""

    async def find(self, identity: str) -> StoredFile | None:
        """Return the file with that id."""


class Attachment(Struct, frozen=True):
    """A file's name, as it was given, and its bytes."""

    name: str
    content: bytes


class Attached(Struct, frozen=True):
    """What a mail takes along, and what it does not: too large together, or gone."""

    files: tuple[Attachment, ...] = ()
    left_out: tuple[FileRef, ...] = ()


async def read_attached(kept: KeptFiles, refs: Sequence[FileRef], most: int = MOST_BYTES) -> Attached:
    """Read these files, each that fits beside those before it; the event loop does not wait for the disk."""
    files: list[Attachment] = []
    left_out: list[FileRef] = []
    for ref in refs:
        content = await _content(kept, ref) if ref.size <= most else None
        if content is None:
            left_out.append(ref)
        else:
            most -= ref.size
            files.append(Attachment(ref.name, content))
    return Attached(tuple(files), tuple(left_out))


async def _content(kept: KeptFiles, ref: FileRef) -> bytes | None:
    stored = await kept.find(ref.id)
    if stored is None or stored.internal:
        return None
    try:
        return await asyncio.to_thread(stored.path.read_bytes)
    except OSError:
        return None
