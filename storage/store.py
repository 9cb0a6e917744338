"""The Store on Tortoise ORM: what it remembers, and which kind of batch works on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.json import encode as to_json

from chatdesk.changes import Changes, SetAside
from chatdesk.conversation import Conversation, ConversationId
from chatdesk.errors import ConcurrentChange, NotRemembered
from chatdesk.events import AnyEvent
from chatdesk.nodes import ALONE, Node
from chatdesk.ticket import Ticket, TicketNumber
from storage.batch import TortoiseBatch
from storage.cache import Cache
from storage.connection import Connection
from storage.database import Database
from storage.intake import Intake
from storage.orm import models
from storage.postgres_batch import PostgresBatch
from storage.remembered_batch import RememberedBatch, RememberedPostgresBatch, RememberedSqliteBatch
from storage.sqlite_connection import SqliteTransaction

READ_FIRST = 20
"""Batches that read what they are about after another node was found to write to the same conversations."""


class TortoiseStore:
    """The desk's record in a database [chatdesk.ports.Store].

    ``first_ticket`` is a new desk's first; ``node`` is this process to the others on PostgreSQL.
    """

    def __init__(self, database: Database, first_ticket: int = 1001, node: Node = ALONE) -> None:
        self._database = database
        self._node = node
        self._first_ticket = first_ticket
        self._conversations: Cache[ConversationId, Conversation] = Cache()
        self._tickets: Cache[TicketNumber, Ticket] = Cache()
        self._intake = Intake()
        self._data_version = -1
        self._read_first = 0

    @property
    def _on_postgres(self) -> bool:
        return self._database.dialect == "postgres"

    @asynccontextmanager
    async def batch(self, *, remembered: bool = False) -> AsyncIterator[TortoiseBatch]:
        """Open a transaction [chatdesk.ports.Store.batch]."""
        try:
            if remembered:
                batch: TortoiseBatch = self._remembered_batch()
                yield batch
                self._keep(batch.changes)
                return
            async with self._database.writing() as connection:
                self._forget_if_outdated(connection)
                kind = PostgresBatch if self._on_postgres else TortoiseBatch
                caches = (self._conversations, self._tickets)
                # Other nodes open tickets too: on PostgreSQL each batch reads, and locks, what that takes.
                intake = Intake() if self._on_postgres else self._intake
                batch = kind(connection, *caches, self._first_ticket, self._node, intake)
                yield batch
        except NotRemembered:
            self._intake.take_back()
            raise
        except BaseException as error:
            self._forget(error, remembered=remembered)
            raise
        self._keep(batch.changes)

    def _remembered_batch(self) -> RememberedBatch:
        caches = (self._conversations, self._tickets)
        sqlite = self._database.sqlite_writer
        if sqlite is not None:
            return RememberedSqliteBatch(
                sqlite, *caches, self._first_ticket, self._node, self._intake, self._data_version
            )
        if self._read_first > 0:
            self._read_first -= 1
            raise NotRemembered("Another node works on the same conversations.")
        return RememberedPostgresBatch(
            self._database.writer, *caches, self._first_ticket, self._node, Intake()
        )

    def _forget(self, error: BaseException, *, remembered: bool) -> None:
        """Forget what a failed batch read or wrote: it may not be what is stored.

        On PostgreSQL every other batch compares what is remembered with the database anyway.
        """
        if remembered and self._on_postgres and isinstance(error, ConcurrentChange):
            self._read_first = READ_FIRST
            return
        self._forget_all()

    def _keep(self, changes: Changes) -> None:
        self._conversations.put(changes.conversations)
        self._tickets.put(changes.tickets)
        self._intake.follow(changes)

    def _forget_all(self) -> None:
        self._conversations.clear()
        self._tickets.clear()
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
