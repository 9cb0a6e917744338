"""Files of conversations: kept under names of our own, seen only by those who may see the conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from chatdesk.conversation import ConversationId, FileRef


@dataclass(frozen=True, slots=True)
class StoredFile:
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
    ) -> FileRef:
        """Stream ``content`` to disk and return what it is known by.

        ``owner`` is the visitor's key or the agent's id. Raises EventRefused when it is too large, empty
        or one too many; nothing is kept then.
        """

    async def attach(
        self, conversation: ConversationId, owner: str, ids: Sequence[str], *, internal: bool = False
    ) -> tuple[FileRef, ...]:
        """Return the owner's uploads for a message of this conversation.

        Raises EventRefused for an id that is not the owner's own upload to it.
        """

    async def find(self, identity: str) -> StoredFile | None:
        """Return the file with that id."""
