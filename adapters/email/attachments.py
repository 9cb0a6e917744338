"""Files that a mail takes along: those of a technician's answer, as far as they fit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from chatdesk.conversation import FileRef
from chatdesk.files import StoredFile
from chatdesk.plain_text import clean_line
from chatdesk.transcript_text import say_size

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
    """What a mail takes along, and what it does not: too large together, or unreadable."""

    files: tuple[Attachment, ...] = ()
    too_large: tuple[FileRef, ...] = ()
    unread: tuple[FileRef, ...] = ()

    def left_out(self) -> list[str]:
        """Return the sentences that name what the mail does not take along, and how to get it."""
        reasons = (
            ("this mail would become too large", self.too_large),
            ("it could not be read", self.unread),
        )
        return [
            f"Not attached, as {why}: {_names(refs)}. Ask us for another way."
            for why, refs in reasons
            if refs
        ]


async def read_attached(kept: KeptFiles, refs: Sequence[FileRef], most: int = MOST_BYTES) -> Attached:
    """Read these files, each that fits beside those before it; the event loop does not wait for the disk.

    One that is for staff only by now is not even named [R38]. Raises StorageError.
    """
    files: list[Attachment] = []
    too_large: list[FileRef] = []
    unread: list[FileRef] = []
    for ref in refs:
        stored = await kept.find(ref.id)
        if stored is None:
            unread.append(ref)
        elif stored.internal:
            continue
        elif ref.size > most:
            too_large.append(ref)
        elif (content := await asyncio.to_thread(_content, stored)) is None:
            unread.append(ref)
        else:
            most -= ref.size
            files.append(Attachment(ref.name, content))
    return Attached(tuple(files), tuple(too_large), tuple(unread))


def _names(refs: Sequence[FileRef]) -> str:
    return ", ".join(f"{clean_line(ref.name)} ({say_size(ref.size)})" for ref in refs)


def _content(stored: StoredFile) -> bytes | None:
    try:
        return stored.path.read_bytes()
    except OSError:
        return None
