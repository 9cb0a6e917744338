"""Full-text search: FTS5 on SQLite, tsvector on PostgreSQL, behind one interface [chatdesk.search].

Only the newest that match are looked at, so that a common word costs no more than a rare one. A beginning is
not looked up in the index, where it would be the sum of all words that begin so: the vocabulary says which
words there are, and these are searched for. Where they are too many, those of the newest texts come first.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.conversation import ConversationId, Visibility
from chatdesk.search import Found, holds, plain, ranked, words
from chatdesk.ticket import TicketNumber
from storage.columns import Record, moment
from storage.database import Database
from storage.search_index import index_texts
from storage.selecting import Select, Selecting
from storage.vocabulary import SOURCES, begun, unlisted

ENOUGH, SHORTEST_BEGINNING = 50, 2
"""Matches that make looking for beginnings needless, and characters a beginning must have."""
CANDIDATES, NARROWED = 100, 500
"""How many of the newest matches of each kind are looked at, and in a list that shows some of them only."""
RECENT, MOST_WORDS = 500, 50
"""Newest messages, and tickets, that tell words; words searched for in the place of a beginning."""
_LARGEST = 2**62
_TICKETS = {
    "sqlite": "(SELECT rowid AS number FROM ticket_words WHERE ticket_words MATCH ? AND rowid < ? "
    "ORDER BY rowid DESC LIMIT ?) AS w",
    "postgres": "chatdesk_newest_tickets(to_tsquery('simple', ?), ?, ?) AS w(number)",
}
_TICKET = (
    "SELECT NULL AS seq, t.number AS ticket, t.subject, t.requester_name, t.requester_email, t.company, "
    "t.answers, t.opened_at FROM {newest} JOIN ticket t ON t.number = w.number WHERE {scope} "
    "ORDER BY t.number DESC"
)
_MESSAGES = {
    "sqlite": "(SELECT rowid AS row FROM message_words WHERE message_words MATCH ? AND rowid < ? "
    "ORDER BY rowid DESC LIMIT ?) AS w",
    "postgres": "chatdesk_newest_messages(to_tsquery('simple', ?), ?, ?) AS w(row)",
}
_COLUMNS = 'm."row", m.conversation, m.seq, m.text, m.at, m.visibility, m.author_kind, c.ticket'
_MESSAGE = (
    f"SELECT {_COLUMNS} FROM {{newest}} JOIN message m ON m.row = w.row "
    "JOIN conversation c ON c.id = m.conversation WHERE m.deleted_at IS NULL AND {scope} ORDER BY m.row DESC"
)
_COUNTED = "SELECT COUNT(*) AS seen FROM {newest}"
_RECENT = f"""
    SELECT text FROM (SELECT substr(text, 1, 1000) AS text
            FROM (SELECT m.text FROM message m ORDER BY m.row DESC LIMIT {RECENT}) AS messages
        UNION ALL SELECT subject || ' ' || requester_name || ' ' || requester_email || ' ' || company
                || ' ' || substr(answers, 1, 1000)
            FROM (SELECT subject, requester_name, requester_email, company, answers
                FROM ticket ORDER BY number DESC LIMIT {RECENT}) AS tickets) AS texts
    WHERE {{text}} LIKE ? LIMIT 100"""

_UNLISTED = " UNION ALL ".join(f"SELECT {unlisted(source, RECENT + 1)} AS texts" for source in SOURCES)

Rows = Sequence[Record]


class Scope(Struct, frozen=True):
    """Which of the newest matches are read: conditions on a ticket ``t``, and on a message ``m`` of ``c``.

    ``values`` are those for the question marks in either.
    """

    ticket: str = "TRUE"
    message: str = "TRUE"
    values: tuple[str, ...] = ()


class _Newest(Struct, frozen=True):
    """What is looked at: so many matches of each kind, tickets under a number, and what is read of these."""

    most: int
    below: int = _LARGEST
    scope: Scope = Scope()


class Matches(Struct, frozen=True):
    """The newest tickets and messages that match; ``all_words`` is False if a beginning was too short.

    Then more words begin so than were searched for. ``full`` says that as many were looked at as may be.
    """

    tickets: Rows
    messages: Rows
    all_words: bool = True
    full: bool = False

    @property
    def all(self) -> bool:
        """Whether nothing older matches."""
        return self.all_words and not self.full

    @property
    def most(self) -> int:
        """How many there are of one kind at most."""
        return max(len(self.tickets), len(self.messages))

    def joined(self, other: Matches, most: int) -> Matches:
        """Return the newest of both, at most so many of each kind."""
        tickets = {row["ticket"]: row for row in (*self.tickets, *other.tickets)}
        messages = {row["row"]: row for row in (*self.messages, *other.messages)}
        newest = [[found[key] for key in sorted(found, reverse=True)] for found in (tickets, messages)]
        return Matches(newest[0][:most], newest[1][:most], full=self.full or other.full)


class _Longer(Struct, frozen=True):
    """Words of tickets, and of messages, that go on as the last word begins; ``all`` if there are no more.

    ``unlisted`` is of how many texts the words are not listed yet, counted no further than needed.
    """

    tickets: list[str]
    messages: list[str]
    all: bool
    unlisted: int


class SearchedTickets(Struct, frozen=True):
    """Tickets that were found, by number, each with a row for ``found_in``.

    ``cut`` tells that older ones may have the words in their messages. Those with a number under ``down_to``
    may have them in their own texts; it is 0 when there are none of these.
    """

    rows: Mapping[TicketNumber, Record]
    cut: bool = False
    down_to: int = 0


class TortoiseSearch:
    """Finds texts in one database [chatdesk.search.Search]."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._selecting = Selecting(database)

    async def find(self, text: str, limit: int) -> Sequence[Found]:
        wanted = words(text)
        if not wanted:
            return []
        newest = await self._newest(wanted, _Newest(CANDIDATES))
        found = [*map(_ticket_found, newest.tickets), *map(_message_found, newest.messages)]
        return ranked(found, wanted, limit)

    async def within(self, text: str, scope: Scope) -> Matches:
        """Return the tickets and messages of a scope that are among the newest matches of the whole desk."""
        wanted = words(text)
        return await self._newest(wanted, _Newest(NARROWED, scope=scope)) if wanted else Matches([], [])

    async def tickets(self, text: str, below: int = _LARGEST, *, narrowed: bool = False) -> SearchedTickets:
        """Return the tickets under ``below`` that are found, by their newest message or by themselves.

        More are looked at where the list is ``narrowed``.
        """
        wanted, most = words(text), NARROWED if narrowed else CANDIDATES
        if not wanted:
            return SearchedTickets({})
        newest = await self._newest(wanted, _Newest(most, below))
        found = {row["ticket"]: row for row in (*newest.tickets, *reversed(newest.messages))}
        return SearchedTickets(
            {number: row for number, row in found.items() if number is not None and number < below},
            cut=len(newest.messages) == most or not newest.all_words,
            down_to=newest.tickets[-1]["ticket"] if len(newest.tickets) == most else 0,
        )

    async def _newest(self, wanted: Sequence[str], which: _Newest) -> Matches:
        """Return the newest with the words; where they are few, also with words that begin as the last."""
        if self._database.dialect == "sqlite":
            await index_texts(self._database)
        else:
            # What a letter stands for may be no letter, or several words, as "(1)" for its sign.
            wanted = words(" ".join(map(plain, wanted)))
        if not wanted:
            return Matches([], [])
        *others, last = wanted
        found = await self._found([self._query(others, [last])] * 2, which)
        if found.most >= ENOUGH or len(last) < SHORTEST_BEGINNING:
            return found
        longer = await self._longer(last)
        if longer.tickets or longer.messages:
            either = [[last, *longer.tickets], [last, *longer.messages]]
            found = await self._found([self._query(others, each) for each in either], which)
        if longer.unlisted > RECENT and not found.most:
            # A desk that is older than its vocabulary, or has just taken very much at once.
            return await self._found([self._query(others, [last], begun=True)] * 2, which)
        if others and not longer.all:
            found = found.joined(await self._holding(others, wanted, which), which.most)
        return replace(found, all_words=longer.all)

    async def _holding(self, others: Sequence[str], wanted: Sequence[str], which: _Newest) -> Matches:
        """Return those of the newest with the other words that hold all, however the last goes on."""
        near = await self._found([self._query(others[:-1], others[-1:])] * 2, which)
        return Matches(
            [row for row in near.tickets if holds(_ticket_found(row).text, wanted)],
            [row for row in near.messages if holds(row["text"], wanted)],
        )

    async def _found(self, queries: Sequence[str], which: _Newest) -> Matches:
        """Return the tickets that the first query finds, and the messages that the second does."""
        scope, dialect = which.scope, self._database.dialect
        kinds = (
            (_TICKET, _TICKETS[dialect], scope.ticket, (queries[0], which.below, which.most)),
            (_MESSAGE, _MESSAGES[dialect], scope.message, (queries[1], _LARGEST, which.most)),
        )
        selects = [
            Select(query.format(newest=newest, scope=only), (*given, *scope.values))
            for query, newest, only, given in kinds
        ]
        if scope.values:
            selects += [Select(_COUNTED.format(newest=newest), given) for _, newest, _, given in kinds]
        tickets, messages, *counts = await self._selecting.all(selects)
        full = any(row["seen"] == which.most for rows in counts for row in rows)
        return Matches(tickets, messages, full=full)

    async def _longer(self, beginning: str) -> _Longer:
        dialect = self._database.dialect
        selects = [begun(source, beginning, MOST_WORDS + 1, dialect) for source in SOURCES]
        *found, counts = await self._selecting.all([*selects, Select(_UNLISTED, ())])
        listed = [[row["word"] for row in each] for each in found]
        missing = max(row["texts"] for row in counts)
        fit = max(map(len, listed)) <= MOST_WORDS
        recent = [] if fit and not missing else await self._recent(beginning)
        tickets, messages = (list(dict.fromkeys([*recent, *each]))[:MOST_WORDS] for each in listed)
        return _Longer(tickets, messages, fit and missing <= RECENT, missing)

    async def _recent(self, beginning: str) -> list[str]:
        """Return longer words that begin so of the newest texts, the most common first."""
        text = "text" if self._database.dialect == "sqlite" else "chatdesk_plain(text)"
        texts = await self._selecting.one(_RECENT.format(text=text), f"%{beginning}%")
        pattern = re.compile(rf"(?<![^\W_]){plain(beginning)}[^\W_]+")
        told = Counter(word for row in texts for word in pattern.findall(plain(row["text"])))
        return [word for word, _ in told.most_common(MOST_WORDS)]

    def _query(self, others: Sequence[str], last: Sequence[str], *, begun: bool = False) -> str:
        """Return the words, and any one of the last, in the database's own language.

        ``begun`` wants all that begins with the last. Words hold letters and digits only.
        """
        if self._database.dialect == "sqlite":
            either = " OR ".join(f'"{word}"' + "*" * begun for word in last)
            return " AND ".join([*(f'"{word}"' for word in others), f"({either})"])
        return " & ".join([*others, f"({' | '.join(word + ':*' * begun for word in last)})"])


def found_in(row: Record) -> Found:
    """Read what was found from a row of a message, or of a ticket."""
    return _ticket_found(row) if row["seq"] is None else _message_found(row)


def _ticket_found(row: Record) -> Found:
    answers = [answer for _, answer in json.loads(row["answers"]) if isinstance(answer, str)]
    texts = (row["subject"], row["requester_name"], row["company"], row["requester_email"], *answers)
    # Answers repeat what the ticket holds already.
    text = " · ".join(text for text in dict.fromkeys(texts) if text)
    return Found(row["ticket"], None, None, moment(row["opened_at"]), internal=False, text=text)


def _message_found(row: Record) -> Found:
    return Found(
        ticket=row["ticket"],
        conversation=ConversationId(row["conversation"]),
        seq=row["seq"],
        at=moment(row["at"]),
        internal=row["visibility"] != Visibility.PUBLIC.value,
        text=row["text"],
    )
