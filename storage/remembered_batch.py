"""A batch worked on with what the process remembers, and written in one visit to SQLite."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from tortoise.exceptions import IntegrityError, OperationalError

from chatdesk.conversation import Conversation, ConversationId, Message
from chatdesk.errors import ConcurrentChange, NotRemembered, StorageError
from chatdesk.events import Outcome
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Ticket, TicketNumber
from storage import rows
from storage.batch import TortoiseBatch
from storage.bulk import Statement
from storage.cache import Cache
from storage.sqlite_client import ImmediateSqliteClient


class RememberedBatch(TortoiseBatch):
    """A batch that looks at SQLite only once, to write: most batches are about what is remembered.

    That an event was received before shows when its key is written; that another connection has written,
    in the transaction itself. Either way nothing is written then, and the batch is worked on again.
    """

    def __init__(
        self,
        client: ImmediateSqliteClient,
        conversations: Cache[ConversationId, Conversation],
        tickets: Cache[TicketNumber, Ticket],
        first_ticket: int,
        node: str,
        data_version: int,
    ) -> None:
        super().__init__(client, conversations, tickets, first_ticket, node)
        self._client = client
        self._data_version = data_version

    async def received(self, keys: Collection[str]) -> Mapping[str, Outcome]:
        return {}

    async def messages(self, wanted: Iterable[tuple[ConversationId, int]]) -> Sequence[Message]:
        raise NotRemembered("Messages are not remembered.")

    async def queue(self) -> Sequence[QueueEntry]:
        raise NotRemembered("The queue is not remembered.")

    async def next_number(self) -> TicketNumber:
        raise NotRemembered("Numbers are not remembered.")

    async def _execute(self, statements: Sequence[Statement]) -> Statement | None:
        try:
            done = await self._client.execute_at_once(statements, self._data_version)
        except IntegrityError:
            raise
        except OperationalError as error:
            raise StorageError(str(error)) from error
        if not done:
            raise ConcurrentChange("What was remembered is outdated.")
        return None

    async def _select(
        self, table: str, column: str, values: Sequence[Any], kind: str = "text"
    ) -> Sequence[rows.Record]:
        if values:
            raise NotRemembered(f"A {table} is not remembered.")
        return []
