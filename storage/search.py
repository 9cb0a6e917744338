"""Full-text search: FTS5 on SQLite, tsvector on PostgreSQL, behind one interface [chatdesk.search].

Only the newest that match are looked at, so that a common word costs no more than a rare one. A beginning is
not looked up in the index, where it would be the sum of all words that begin so: the newest texts say which
words there are, and these are searched for; only where nothing is found, and the beginning is rare in the
newest texts, is it left to the index.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from chatdesk.conversation import ConversationId, Visibility
from chatdesk.search import Found, holds, ranked, words
from chatdesk.ticket import TicketNumber
from storage import rows
from storage.database import Database
from storage.search_index import index_messages
from storage.selecting import Select, Selecting

ENOUGH, SHORTEST_BEGINNING = 50, 2
"""Matches that make looking for beginnings needless, and characters a beginning must have."""
CANDIDATES = 100
"""How many of the newest matches of each kind are looked at."""
RECENT, COMMON, MOST_WORDS = 500, 10, 50
"""Newest messages, and tickets, that tell words; how many of them make a beginning common; words told."""
OWN = 1_000
"""How many of their newest messages are searched for a visitor."""
_LARGEST = 2**62
_TICKETS = {
    "sqlite": "(SELECT rowid AS number FROM ticket_words WHERE ticket_words MATCH ? AND rowid < ? "
    "ORDER BY rowid DESC LIMIT ?) AS w",
    "postgres": "chatdesk_newest_tickets(to_tsquery('simple', ?), ?, ?) AS w(number)",
}
_TICKET = (
    "SELECT NULL AS seq, t.number AS ticket, t.subject, t.requester_name, t.requester_email, t.company, "
    "t.answers, t.opened_at FROM {newest} JOIN ticket t ON t.number = w.number ORDER BY t.number DESC"
)
_MESSAGES = {
    "sqlite": "(SELECT rowid AS row FROM message_words WHERE message_words MATCH ? AND rowid < ? "
    "ORDER BY rowid DESC LIMIT ?) AS w",
    "postgres": "chatdesk_newest_messages(to_tsquery('simple', ?), ?, ?) AS w(row)",
}
_COLUMNS = "m.conversation, m.seq, m.text, m.at, m.visibility, c.ticket"
_MESSAGE = (
    f"SELECT {_COLUMNS} FROM {{newest}} JOIN message m ON m.row = w.row "
    "JOIN conversation c ON c.id = m.conversation WHERE m.deleted_at IS NULL ORDER BY m.row DESC"
)
_OWN = (
    f"SELECT {_COLUMNS} FROM conversation c JOIN message m ON m.conversation = c.id "
    "WHERE c.visitor = ? AND m.visibility = 'public' AND m.deleted_at IS NULL "
    f"ORDER BY m.row DESC LIMIT {OWN}"
)
_RECENT = f"""
    SELECT text FROM (SELECT substr(text, 1, 1000) AS text
            FROM (SELECT m.text FROM message m ORDER BY m.row DESC LIMIT {RECENT}) AS messages
        UNION ALL SELECT subject || ' ' || requester_name || ' ' || requester_email || ' ' || company
                || ' ' || substr(answers, 1, 1000)
            FROM (SELECT subject, requester_name, requester_email, company, answers
                FROM ticket ORDER BY number DESC LIMIT {RECENT}) AS tickets) AS texts
    WHERE text {{like}} ? LIMIT 100"""

Rows = Sequence[rows.Record]


class TortoiseSearch:
    """Finds texts in one database [chatdesk.search.Search]."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._selecting = Selecting(database)

    async def find(self, text: str, limit: int) -> Sequence[Found]:
        wanted = words(text)
        if not wanted:
            return []
        tickets, messages = await self._newest(wanted, _LARGEST)
        return ranked([*map(_ticket_found, tickets), *map(_message_found, messages)], wanted, limit)

    async def find_own(self, visitor: str, text: str, limit: int) -> Sequence[Found]:
        wanted = words(text)
        if not wanted or not visitor:
            return []
        own = map(_message_found, await self._selecting.one(_OWN, visitor))
        return ranked([one for one in own if holds(one.text, wanted)], wanted, limit)

    async def tickets(self, text: str, below: int = _LARGEST) -> Mapping[TicketNumber, rows.Record]:
        """Return by number the tickets under ``below`` that are found, each with a row for ``found_in``.

        It is their newest message that has the words, or they themselves.
        """
        wanted = words(text)
        if not wanted:
            return {}
        tickets, messages = await self._newest(wanted, below)
        found = {row["ticket"]: row for row in (*tickets, *reversed(messages))}
        return {number: row for number, row in found.items() if number is not None and number < below}

    async def _newest(self, wanted: Sequence[str], below: int) -> tuple[Rows, Rows]:
        """Return the newest with the words; where they are few, with words of the newest texts that begin so.

        Where there are none at all, with any word that begins as the last, unless that would be many.
        """
        if self._database.dialect == "sqlite":
            await index_messages(self._database)
        *others, last = wanted
        found = await self._found(self._query(others, [last]), below)
        if max(map(len, found)) >= ENOUGH or len(last) < SHORTEST_BEGINNING:
            return found
        begun, often = await self._begun(last)
        if begun:
            found = await self._found(self._query(others, [last, *begun]), below)
        if any(found) or often >= COMMON:
            return found
        return await self._found(self._query(others, [last], begun=True), below)

    async def _found(self, query: str, below: int) -> tuple[Rows, Rows]:
        """Return tickets and messages, newest first."""
        dialect = self._database.dialect
        tickets = Select(_TICKET.format(newest=_TICKETS[dialect]), (query, below, CANDIDATES))
        messages = Select(_MESSAGE.format(newest=_MESSAGES[dialect]), (query, _LARGEST, CANDIDATES))
        found = await self._selecting.all([tickets, messages])
        return found[0], found[1]

    async def _begun(self, beginning: str) -> tuple[list[str], int]:
        """Return longer words of the newest texts with a beginning, and how many of these texts have one."""
        like = "LIKE" if self._database.dialect == "sqlite" else "ILIKE"
        texts = await self._selecting.one(_RECENT.format(like=like), f"%{beginning}%")
        pattern = re.compile(rf"\b{beginning}\w+", re.IGNORECASE)
        told = [pattern.findall(row["text"].lower()) for row in texts]
        common = Counter(word for each in told for word in each).most_common(MOST_WORDS)
        return [word for word, _ in common], sum(map(bool, told))

    def _query(self, others: Sequence[str], last: Sequence[str], *, begun: bool = False) -> str:
        """Return the words, and any one of the last, in the database's own language.

        ``begun`` wants all that begins with the last. Words hold letters and digits only.
        """
        if self._database.dialect == "sqlite":
            either = " OR ".join(f'"{word}"' + "*" * begun for word in last)
            return " AND ".join([*(f'"{word}"' for word in others), f"({either})"])
        return " & ".join([*others, f"({' | '.join(word + ':*' * begun for word in last)})"])


def found_in(row: rows.Record) -> Found:
    """Read what was found from a row of a message, or of a ticket."""
    return _ticket_found(row) if row["seq"] is None else _message_found(row)


def _ticket_found(row: rows.Record) -> Found:
    answers = [answer for _, answer in json.loads(row["answers"]) if isinstance(answer, str)]
    texts = (row["subject"], row["requester_name"], row["company"], row["requester_email"], *answers)
    # Answers repeat what the ticket holds already.
    text = " · ".join(text for text in dict.fromkeys(texts) if text)
    return Found(row["ticket"], None, None, rows.moment(row["opened_at"]), internal=False, text=text)


def _message_found(row: rows.Record) -> Found:
    return Found(
        ticket=row["ticket"],
        conversation=ConversationId(row["conversation"]),
        seq=row["seq"],
        at=rows.moment(row["at"]),
        internal=row["visibility"] != Visibility.PUBLIC.value,
        text=row["text"],
    )
