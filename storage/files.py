"""Files on the local disk under names of our own, and what is known of them in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import structs

from chatdesk.conversation import ConversationId, FileRef
from chatdesk.errors import EventRefused, NotFound, StorageError
from chatdesk.file_name import clean_file_name
from chatdesk.files import FileLimits, StoredFile
from chatdesk.ports import NewId
from chatdesk.rate_limit import RateLimit
from storage.columns import Record, moment
from storage.connection import execute
from storage.database import Database
from storage.file_room import FileRoom
from storage.file_writer import FileWriter
from storage.forgotten_files import IN_MESSAGE, ForgottenFiles
from storage.orm import faults, models
from storage.selecting import Selecting
from storage.turns import take_turn
from storage.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from tortoise.backends.base.client import BaseDBAsyncClient

Result = TypeVar("Result")

_IN_PUBLIC_MESSAGE = IN_MESSAGE[:-1] + " AND m.visibility = 'public' AND m.deleted_at IS NULL)"
_FOR_VISITOR = (
    "SELECT f.*, c.visitor FROM file f JOIN conversation c ON c.id = f.conversation "
    f"WHERE f.id = ? AND c.visitor = ? AND NOT f.internal AND (f.owner = c.visitor OR {_IN_PUBLIC_MESSAGE})"
)
_MAKE_INTERNAL = f"UPDATE file AS f SET internal = TRUE WHERE f.id = ? AND NOT {_IN_PUBLIC_MESSAGE}"


def path_of(folder: Path, identity: str) -> Path:
    """Return where in the desk's folder of files the bytes of one are."""
    return folder / identity[:2] / identity[2:4] / identity


class LocalFiles:
    """Files of one database in one folder [chatdesk.files.Files]; ``new_id`` gives unguessable ids."""

    def __init__(self, database: Database, folder: Path, limits: FileLimits, new_id: NewId) -> None:
        self._database = database
        self._selecting = Selecting(database)
        self._folder = folder
        self._limits = limits
        self._new_id = new_id
        self._rate = RateLimit(limits.per_minute, timedelta(minutes=1))
        self._under_way: dict[str, int] = {}
        self._room = FileRoom(database, limits)
        self._forgotten = ForgottenFiles(database, folder, self._path)

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
        """Stream a file to disk [chatdesk.files.Files.keep]."""
        if self._under_way.get(owner, 0) >= self._limits.at_once or not self._rate.take(owner, at):
            text = "These are too many files at once. Wait a minute and send it again."
            raise EventRefused(text, code="slow_down", field="file")
        self._under_way[owner] = self._under_way.get(owner, 0) + 1
        try:
            if by_visitor:
                await self._room.refuse_over_share(owner, at)
            await self._refuse_one_too_many(conversation, self._database.reader)
            identity = self._new_id()
            ref = FileRef(identity, clean_file_name(name), "", 0)
            file = StoredFile(ref, conversation, owner, self._path(identity), internal, at)
            return await self._keep(file, content, by_visitor=by_visitor)
        finally:
            self._under_way[owner] -= 1
            if not self._under_way[owner]:
                del self._under_way[owner]

    async def attach(
        self, conversation: ConversationId, owner: str, ids: Sequence[str], *, internal: bool = False
    ) -> tuple[FileRef, ...]:
        """Return the owner's own uploads [chatdesk.files.Files.attach]."""
        wanted = list(dict.fromkeys(ids))
        query = models.File.filter(id__in=wanted, conversation=conversation, owner=owner)
        if not internal:
            query = query.filter(internal=False)
        found = {row["id"]: row for row in await self._read(query.using_db(self._database.reader).values())}
        if len(found) < len(wanted):
            raise NotFound("A file of this message")
        if internal:
            await self._make_internal([row["id"] for row in found.values() if not row["internal"]])
        return tuple(self._stored(found[identity]).ref for identity in wanted)

    async def find(self, identity: str) -> StoredFile | None:
        """Return a file for staff [chatdesk.files.Files.find]."""
        query = models.File.filter(id=identity).using_db(self._database.reader).values()
        found = await self._read(query)
        return self._stored(found[0]) if found else None

    async def find_for(self, visitor: str, identity: str) -> StoredFile | None:
        """Return a file for a visitor [chatdesk.files.Files.find_for]."""
        found = await self._selecting.one(_FOR_VISITOR, identity, visitor)
        return self._stored(found[0]) if found else None

    async def remove_forgotten(self, at: datetime) -> int:
        """Remove uploads that no message took for a day; return how many.

        The first time all are looked at, and what a crash left is removed as well [storage.forgotten_files].
        Raises StorageError.
        """
        removed = await self._forgotten.remove(at)
        self._room.count_again()
        return removed

    async def _keep(self, file: StoredFile, content: AsyncIterator[bytes], *, by_visitor: bool) -> FileRef:
        writer = FileWriter(file.path)
        taken = 0
        committed = False

        async def commit(ref: FileRef, sha256: str) -> None:
            nonlocal committed
            await self._insert(structs.replace(file, ref=ref), sha256)
            self._room.keep(taken)
            committed = True

        try:
            await uninterrupted(writer.open())
            async for chunk in content:
                self._limits.check_size(taken + len(chunk))
                await self._room.take(len(chunk), by_visitor=by_visitor)
                taken += len(chunk)
                await uninterrupted(writer.write(chunk))
            if not taken:
                raise EventRefused("This file is empty.", code="empty", field="file")
            kind, sha256 = await uninterrupted(writer.finish())
            ref = structs.replace(file.ref, media_type=kind, size=taken)
            await uninterrupted(commit(ref, sha256))
        except ConnectionError:
            # The sender went away: nothing is wrong with the disk.
            raise
        except OSError as error:
            raise StorageError(f"The file could not be written: {error.strerror}.") from error
        finally:
            if not committed:
                self._room.give_back(taken)
                await uninterrupted(writer.abandon())
        return ref

    async def _refuse_one_too_many(self, conversation: ConversationId, connection: BaseDBAsyncClient) -> None:
        query = models.File.filter(conversation=conversation).using_db(connection).count()
        if await self._read(query) >= self._limits.per_conversation:
            text = f"This chat has {self._limits.per_conversation} files already. Send this one another way."
            raise EventRefused(text, code="too_many", field="file")

    async def _insert(self, file: StoredFile, sha256: str) -> None:
        async with self._database.transaction() as connection:
            # Counted again, one after the other: uploads that ran side by side each saw room for one.
            await take_turn(connection, f"files of {file.conversation}")
            await self._refuse_one_too_many(file.conversation, connection)
            _ = await models.File.create(
                using_db=connection,
                id=file.ref.id,
                conversation=file.conversation,
                owner=file.owner,
                name=file.ref.name,
                media_type=file.ref.media_type,
                size=file.ref.size,
                sha256=sha256,
                internal=file.internal,
                at=file.at,
            )

    async def _make_internal(self, ids: Sequence[str]) -> None:
        """Turn uploads into internal ones, but for those that a public message shows already."""
        for identity in ids:
            async with self._database.transaction() as connection:
                await execute(connection, _MAKE_INTERNAL, identity)

    def _path(self, identity: str) -> Path:
        return path_of(self._folder, identity)

    def _stored(self, row: Record) -> StoredFile:
        return StoredFile(
            ref=FileRef(row["id"], row["name"], row["media_type"], row["size"]),
            conversation=ConversationId(row["conversation"]),
            owner=row["owner"],
            path=self._path(row["id"]),
            internal=bool(row["internal"]),
            at=moment(row["at"]),
        )

    async def _read(self, query: Awaitable[Result]) -> Result:
        try:
            return await query
        except faults.BaseORMException as error:
            raise StorageError(str(error)) from error
