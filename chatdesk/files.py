"""Files of conversations: kept under names of our own, seen only by those who may see the conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from chatdesk.conversation import ConversationId, FileRef
from chatdesk.errors import EventRefused


class FileLimits(Struct, frozen=True):
    """What uploads may take. Sizes are in bytes; ``per_minute`` and ``at_once`` are for one owner.

    Of the desk's ``total`` visitors leave ``reserve`` to everybody else; each may have ``per_visitor`` in all
    their chats, and ``waiting`` files that no message shows yet.
    """

    size: int = 25 * 1024 * 1024
    per_conversation: int = 200
    total: int = 20 * 1024**3
    reserve: int = 2 * 1024**3
    per_visitor: int = 500 * 1024 * 1024
    waiting: int = 40
    per_minute: int = 60
    at_once: int = 5

    def check_size(self, size: int) -> None:
        """Raise EventRefused (``too_large``) when a file of that size is not taken."""
        if size > self.size:
            text = f"This file is too large: at most {self.size / 1024 / 1024:.3g} MB can be sent."
            raise EventRefused(text, code="too_large", field="file")


class StoredFile(Struct, frozen=True):
    """A file as kept: ``path`` is where its bytes are; ``internal`` ones are for staff only [R38]."""

    ref: FileRef
    conversation: ConversationId
    owner: str
    path: Path
    internal: bool
    at: datetime


class Files(Protocol):
    """Keeps uploads and hands them out again."""

    async def keep(
        self,
        conversation: ConversationId,
        owner: str,
        name: str,
        content: AsyncIterator[bytes],
        at: datetime,
        *,
        internal: bool = False,
        by_visitor: bool = False,
    ) -> FileRef:
        """Stream ``content`` to disk and return what it is known by.

        ``owner`` is the visitor's key or the agent's id; whether they may speak in the conversation is for
        the caller to know. What comes ``by_visitor`` of a page has limits of its own. Nothing is kept when
        it raises: EventRefused with the code ``too_large``, ``empty``, ``too_many`` (in this conversation,
        or waiting), ``too_much`` (of this visitor), ``slow_down`` (from this owner) or ``full`` (the desk);
        StorageError when the disk or the database cannot take it.
        """

    async def attach(
        self, conversation: ConversationId, owner: str, ids: Sequence[str], *, internal: bool = False
    ) -> tuple[FileRef, ...]:
        """Return the owner's uploads for a message of this conversation; asked again it answers the same.

        A public message takes no internal upload. An upload that a note takes is for staff only from then
        on [R38]. Raises NotFound for an id that is not the owner's own upload to this conversation.
        """

    async def find(self, identity: str) -> StoredFile | None:
        """Return the file with that id, for staff."""

    async def find_for(self, visitor: str, identity: str) -> StoredFile | None:
        """Return the file if that visitor may have it.

        They may have their own uploads, and what a public message of their own conversation shows.
        """

    async def remove_forgotten(self, at: datetime) -> int:
        """Remove uploads that no message took for a day before ``at`` (aware); return how many files.

        Raises StorageError.
        """
