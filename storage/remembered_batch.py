"""Batches worked on with what the process remembers, and written in one visit to the database.

Most batches are about what is remembered. That an event was received before shows when its key is written;
that another process has written, in the transaction itself. Either way nothing is written then, and the
batch is worked on again after reading.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from chatdesk.conversation import Conversation, ConversationId, Message
from chatdesk.errors import ConcurrentChange, NotRemembered, StorageError
from chatdesk.events import Outcome
from chatdesk.nodes import Node
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Ticket, TicketNumber
from storage.announcements import announcements
from storage.batch import TortoiseBatch
from storage.bulk import Statement
from storage.columns import Record
from storage.connection import Autocommit
from storage.intake import Browser, Intake
from storage.memory import Memory
from storage.orm import faults
from storage.parameters import rows_json
from storage.postgres_statements import all_or_nothing_sql
from storage.sqlite_connection import SqliteConnection

_OUTDATED = "What was remembered is outdated."


class RememberedBatch(TortoiseBatch):
    """A batch that reads nothing."""

    async def received(
        self, keys: Collection[str], about: Collection[ConversationId] = ()
    ) -> Mapping[str, Outcome]:
        return {}

    async def begun(self, ids: Collection[ConversationId]) -> Mapping[ConversationId, Conversation]:
        return self._conversations.pick(ids)[0]

    async def messages(self, wanted: Iterable[tuple[ConversationId, int]]) -> Sequence[Message]:
        raise NotRemembered("Messages are not remembered.")

    async def queue(self) -> Sequence[QueueEntry]:
        raise NotRemembered("The queue is not remembered.")

    async def _read_next_number(self) -> TicketNumber:
        raise NotRemembered("The next number is not remembered.")

    async def _read_open(self) -> dict[Browser, ConversationId]:
        raise NotRemembered("Who has a chat open is not remembered.")

    async def _select(
        self, table: str, column: str, values: Sequence[Any], kind: str = "text"
    ) -> Sequence[Record]:
        if values:
            raise NotRemembered(f"A {table} is not remembered.")
        return []


class RememberedSqliteBatch(RememberedBatch):
    """Written unless another connection has written since ``data_version``."""

    def __init__(
        self,
        connection: SqliteConnection,
        memory: Memory,
        first_ticket: int,
        node: Node,
        intake: Intake,
        data_version: int,
    ) -> None:
        super().__init__(connection, memory, first_ticket, node, intake)
        self._sqlite = connection
        self._data_version = data_version

    async def _execute(self, statements: Sequence[Statement]) -> Statement | None:
        try:
            done = await self._sqlite.execute_at_once(statements, self._data_version)
        except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError):
            raise
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error
        if not done:
            raise ConcurrentChange(_OUTDATED)
        return None


class RememberedPostgresBatch(RememberedBatch):
    """Written, in one statement, unless a conversation or ticket is another than it was."""

    def __init__(
        self,
        client: Autocommit,
        memory: Memory,
        first_ticket: int,
        node: Node,
        intake: Intake,
    ) -> None:
        super().__init__(client, memory, first_ticket, node, intake)
        self._client = client
        self._used: dict[TicketNumber, Ticket] = {}

    async def tickets(self, numbers: Collection[TicketNumber]) -> Mapping[TicketNumber, Ticket]:
        found = await super().tickets(numbers)
        self._used.update(found)
        return found

    async def _execute(self, statements: Sequence[Statement]) -> Statement | None:
        told = announcements(self._node, self.changes, self._went_on)
        query = all_or_nothing_sql(tuple(s.query(len(s.rows)) for s in statements), tell=bool(told))
        # Nodes that change the same rows take them in the same order, so that none waits for another's.
        values: list[Any] = [rows_json(sorted(s.rows, key=_key) if s.changes else s.rows) for s in statements]
        if told:
            values.append(told)
        values.append(rows_json([statement.changes for statement in statements]))
        values.append(rows_json([[ticket.number, ticket.version] for ticket in self._used.values()]))
        try:
            await self._client.execute_autocommit(query, values)
        except faults.IntegrityError:
            raise
        except faults.OperationalError as error:
            raise StorageError(str(error)) from error
        return None


def _key(row: Sequence[Any]) -> Any:
    return row[0]
