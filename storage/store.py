"""The Store [chatdesk.ports]: what it remembers of the database, and which kind of batch works on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.json import encode as to_json

from chatdesk.changes import Changes, SetAside
from chatdesk.errors import ConcurrentChange, NotRemembered
from chatdesk.events import AnyEvent
from chatdesk.nodes import ALONE, Node
from storage.batch import TortoiseBatch
from storage.connection import Connection
from storage.database import Database
from storage.intake import Intake
from storage.memory import Memory
from storage.orm import models
from storage.postgres_batch import PostgresBatch
from storage.remembered_batch import RememberedBatch, RememberedPostgresBatch, RememberedSqliteBatch
from storage.sqlite_connection import SqliteTransaction

READ_FIRST = 32
"""Batches, at most, that read what they are about after one from memory was outdated by another node's."""


class TortoiseStore:
    """The desk's record in a database [chatdesk.ports.Store].

    ``first_ticket`` is a new desk's first; ``node`` is this process to the others on PostgreSQL, and
    ``memory`` is shared with who hears from them [NodeLink].
    """

    def __init__(
        self,
        database: Database,
        first_ticket: int = 1001,
        node: Node = ALONE,
        memory: Memory | None = None,
    ) -> None:
        self._database = database
        self._node = node
        self._first_ticket = first_ticket
        self._memory = memory or Memory()
        self._intake = Intake()
        self._data_version = -1
        self._read_first, self._next_read_first = 0, 1

    @property
    def _on_postgres(self) -> bool:
        return self._database.dialect == "postgres"

    @property
    def works_elsewhere(self) -> bool:
        """Tell whether a server does the work [chatdesk.ports.Store.works_elsewhere]."""
        return self._on_postgres

    @asynccontextmanager
    async def batch(self, *, remembered: bool = False) -> AsyncIterator[TortoiseBatch]:
        """Open a transaction [chatdesk.ports.Store.batch]."""
        batch: TortoiseBatch | None = None
        written = self._node.begin_writing()
        try:
            if remembered:
                batch = self._remembered_batch()
                yield batch
                self._keep(batch.changes)
                self._next_read_first = max(self._next_read_first // 2, 1)
                return
            async with self._database.writing() as connection:
                self._forget_if_outdated(connection)
                kind = PostgresBatch if self._on_postgres else TortoiseBatch
                # Other nodes open tickets too: on PostgreSQL each batch reads, and locks, what that takes.
                intake = Intake() if self._on_postgres else self._intake
                batch = kind(connection, self._memory, self._first_ticket, self._node, intake)
                yield batch
        except NotRemembered:
            self._intake.take_back()
            raise
        except BaseException as error:
            if remembered and self._on_postgres and batch and isinstance(error, ConcurrentChange):
                self._read_first_after(batch.changes)
            else:
                # What a failed batch read or wrote may not be what is stored.
                self._forget_all()
            raise
        finally:
            written()
        self._keep(batch.changes)

    def _remembered_batch(self) -> RememberedBatch:
        sqlite = self._database.sqlite_writer
        if sqlite is not None:
            return RememberedSqliteBatch(
                sqlite, self._memory, self._first_ticket, self._node, self._intake, self._data_version
            )
        if self._read_first > 0:
            self._read_first -= 1
            raise NotRemembered("Another node works on the same conversations.")
        return RememberedPostgresBatch(
            self._database.postgres_writer, self._memory, self._first_ticket, self._node, Intake()
        )

    def _read_first_after(self, outdated: Changes) -> None:
        """Have the next batches read first, more of them after a large batch and after each further conflict.

        What is remembered can stay: on PostgreSQL every other batch compares it with the database.
        """
        self._read_first = min(max(self._next_read_first, len(outdated.conversations)), READ_FIRST)
        self._next_read_first = min(2 * self._next_read_first, READ_FIRST)

    def _keep(self, changes: Changes) -> None:
        self._memory.keep(changes)
        self._intake.follow(changes)

    def _forget_all(self) -> None:
        self._memory.clear()
        self._intake.forget()

    def _forget_if_outdated(self, connection: Connection) -> None:
        """Empty the caches when another connection has written since: even a refusal needs the present.

        On PostgreSQL a batch compares what it uses with the database instead [PostgresBatch].
        """
        if isinstance(connection, SqliteTransaction):
            if connection.data_version != self._data_version:
                self._forget_all()
            self._data_version = connection.data_version

    async def set_aside(self, item: SetAside) -> None:
        """Keep an event that could not be worked on, with the reason."""
        async with self._database.transaction() as connection:
            _ = await models.SetAside.create(
                using_db=connection,
                kind=type(item.event).__name__,
                key=_storable(item.event.key)[:255],
                event=_event_json(item.event),
                reason=_storable(item.reason),
                at=item.at,
            )


def _event_json(event: AnyEvent) -> str:
    """Return the event as JSON; as the text of its representation where a value has no JSON."""
    try:
        return to_json(event).decode()
    except ValueError:
        return to_json(ascii(event)).decode()


def _storable(text: str) -> str:
    """Return the text with what no database takes written as an escape."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
