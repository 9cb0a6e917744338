"""Full-text search: FTS5 on SQLite, tsvector on PostgreSQL, behind one interface [chatdesk.search].

Only the newest that match are looked at, so that a common word costs no more than a rare one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tortoise.exceptions import BaseORMException

from chatdesk.conversation import ConversationId, Visibility
from chatdesk.errors import StorageError
from chatdesk.search import Found, ranked, words
from chatdesk.ticket import TicketNumber
from storage import rows
from storage.database import Database
from storage.search_index import index_messages

ENOUGH, SHORTEST_BEGINNING = 50, 2
"""Matches that make looking for beginnings needless, and characters a beginning must have."""
CANDIDATES = 200
"""How many of the newest matches of each kind are looked at."""
_TICKET_WORDS = (
    "chatdesk_words(t.subject || ' ' || t.requester_name || ' ' || t.requester_email || ' ' || t.company "
    "|| ' ' || t.answers) @@ to_tsquery('simple', $1)"
)
_MESSAGE_WORDS = "chatdesk_words(m.text) @@ to_tsquery('simple', $1)"
# "+ 0": without it PostgreSQL may read the newest rows one by one until it has enough, all of them for a
# rare word.
_TICKETS = {
    "sqlite": "SELECT t.* FROM (SELECT rowid AS number FROM ticket_words WHERE ticket_words MATCH ?1 "
    "AND rowid < ?2 ORDER BY rowid DESC LIMIT ?3) AS w JOIN ticket t ON t.number = w.number "
    "ORDER BY t.number DESC",
    "postgres": f"SELECT t.* FROM ticket t WHERE {_TICKET_WORDS} AND t.number < $2 "
    "ORDER BY t.number + 0 DESC LIMIT $3",
}
_COLUMNS = "m.conversation, m.seq, m.text, m.at, m.visibility, c.ticket"
_MESSAGES = {
    "sqlite": f"SELECT {_COLUMNS} FROM (SELECT rowid AS row FROM message_words WHERE message_words MATCH ?1 "
    "ORDER BY rowid DESC LIMIT ?2) AS w JOIN message m ON m.row = w.row "
    "JOIN conversation c ON c.id = m.conversation WHERE m.deleted_at IS NULL ORDER BY m.row DESC",
    "postgres": f"SELECT {_COLUMNS} FROM message m JOIN conversation c ON c.id = m.conversation "
    f"WHERE {_MESSAGE_WORDS} AND m.deleted_at IS NULL ORDER BY m.row + 0 DESC LIMIT $2",
}
_OWN = {
    "sqlite": f"SELECT {_COLUMNS} FROM conversation c JOIN message m ON m.conversation = c.id "
    "WHERE c.visitor = ?3 AND m.visibility = 'public' AND m.deleted_at IS NULL "
    "AND m.row IN (SELECT rowid FROM message_words WHERE message_words MATCH ?1) "
    "ORDER BY m.row DESC LIMIT ?2",
    "postgres": f"SELECT {_COLUMNS} FROM conversation c JOIN message m ON m.conversation = c.id "
    f"WHERE c.visitor = $3 AND m.visibility = 'public' AND m.deleted_at IS NULL AND {_MESSAGE_WORDS} "
    "ORDER BY m.row DESC LIMIT $2",
}
_LARGEST = 2**62


class TortoiseSearch:
    """Finds texts in one database [chatdesk.search.Search]."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, text: str, limit: int) -> Sequence[Found]:
        wanted = words(text)
        if not wanted:
            return []
        tickets = await self._tickets(wanted, _LARGEST)
        messages = await self._messages(_MESSAGES, wanted)
        return ranked([*map(_ticket_found, tickets), *messages], wanted, limit)

    async def find_own(self, visitor: str, text: str, limit: int) -> Sequence[Found]:
        wanted = words(text)
        if not wanted or not visitor:
            return []
        return ranked(await self._messages(_OWN, wanted, visitor), wanted, limit)

    async def tickets(self, text: str, below: int = _LARGEST) -> list[TicketNumber]:
        """Return the numbers of tickets, newest first and under ``below``, that the words are found in."""
        wanted = words(text)
        if not wanted:
            return []
        found = {row["number"] for row in await self._tickets(wanted, below)}
        messages = await self._messages(_MESSAGES, wanted)
        found |= {one.ticket for one in messages if one.ticket is not None and one.ticket < below}
        return sorted(found, reverse=True)

    async def _tickets(self, wanted: Sequence[str], below: int) -> list[dict[str, Any]]:
        return await self._newest(_TICKETS, wanted, below, CANDIDATES)

    async def _messages(self, query: dict[str, str], wanted: Sequence[str], *more: str) -> list[Found]:
        if self._database.dialect == "sqlite":
            await index_messages(self._database)
        found = await self._newest(query, wanted, CANDIDATES, *more)
        return [_message_found(row) for row in found]

    async def _newest(
        self, query: dict[str, str], wanted: Sequence[str], *more: int | str
    ) -> list[dict[str, Any]]:
        """Return what holds the words; only where that is little, what the last word begins in, too.

        Both databases read every place of every word with that beginning, but of a whole word only the
        newest ones.
        """
        found = await self._rows(query, [self._query(wanted, whole=True), *more])
        if len(found) >= ENOUGH or len(wanted[-1]) < SHORTEST_BEGINNING:
            return found
        return await self._rows(query, [self._query(wanted, whole=False), *more])

    def _query(self, wanted: Sequence[str], *, whole: bool) -> str:
        """Return the words in the database's own language; words hold letters and digits only."""
        *others, last = wanted
        if self._database.dialect == "sqlite":
            return " ".join([*(f'"{word}"' for word in others), f'"{last}"' + "*" * (not whole)])
        return " & ".join([*others, last + ":*" * (not whole)])

    async def _rows(self, query: dict[str, str], values: list[Any]) -> list[dict[str, Any]]:
        try:
            return await self._database.reader.execute_query_dict(query[self._database.dialect], values)
        except BaseORMException as error:
            raise StorageError(str(error)) from error


def _ticket_found(row: rows.Record) -> Found:
    answers = " · ".join(answer for _, answer in json.loads(row["answers"]) if isinstance(answer, str))
    texts = (row["subject"], row["requester_name"], row["company"], answers)
    text = " · ".join(text for text in texts if text)
    return Found(row["number"], None, None, rows.moment(row["opened_at"]), internal=False, text=text)


def _message_found(row: rows.Record) -> Found:
    return Found(
        ticket=row["ticket"],
        conversation=ConversationId(row["conversation"]),
        seq=row["seq"],
        at=rows.moment(row["at"]),
        internal=row["visibility"] != Visibility.PUBLIC.value,
        text=row["text"],
    )
