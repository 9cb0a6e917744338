"""The words that tickets and messages were ever made of: a beginning is looked up here, not in the index.

In the index a beginning costs as much as all places of all words that begin so. Here it is a walk along a
key: each word stands once for every era (so many rows after one another) it was used in, and the newest eras
are looked at first. Words stay listed when the text that had them changes; nothing is found by them then.
"""

from __future__ import annotations

import unicodedata

from msgspec import Struct

from storage.selecting import Select

LONGEST = 255
"""Characters of the longest word that is listed; longer ones are found only when they are typed whole."""
_LAST = "\U0010ffff"
"""Sorts after everything that a word may go on with."""


class Source(Struct, frozen=True):
    """A table whose texts are searched; an era is 2 to the power of ``era_bits`` of its keys."""

    number: int
    table: str
    key: str
    text: str
    era_bits: int


TICKETS = Source(
    0,
    "ticket",
    "number",
    "subject || ' ' || requester_name || ' ' || requester_email || ' ' || company || ' ' || answers",
    15,
)
MESSAGES = Source(1, "message", '"row"', "text", 18)
SOURCES = (TICKETS, MESSAGES)

_ERAS = """
    WITH RECURSIVE eras(era) AS (
        SELECT MAX(era) FROM vocabulary WHERE source = {source}
        UNION ALL SELECT (SELECT MAX(v.era) FROM vocabulary v WHERE v.source = {source} AND v.era < eras.era)
        FROM eras WHERE era IS NOT NULL)
"""
_BEGUN = {
    "sqlite": _ERAS
    + """SELECT DISTINCT v.word FROM eras CROSS JOIN vocabulary v
        WHERE v.source = {source} AND v.era = eras.era AND v.word > ? AND v.word < ? LIMIT {most}""",
    "postgres": _ERAS
    + """SELECT v.word FROM eras, LATERAL (SELECT word FROM vocabulary WHERE source = {source}
            AND era = eras.era AND word > ? AND word < ? ORDER BY word LIMIT {most}) AS v
        GROUP BY v.word ORDER BY MAX(eras.era) DESC, v.word LIMIT {most}""",
}


def begun(source: Source, beginning: str, most: int, dialect: str) -> Select:
    """Return what selects up to ``most`` longer words that begin so, those of the newest eras first."""
    if dialect == "sqlite":
        beginning = _folded(beginning)
    query = _BEGUN[dialect].format(source=source.number, most=most)
    return Select(query, (beginning, beginning + _LAST))


def upto(source: Source) -> str:
    """Return an expression for the key up to which the words of all rows are listed."""
    return f"COALESCE((SELECT upto FROM word_listed WHERE source = {source.number}), 0)"


def unlisted(source: Source, most: int) -> str:
    """Return an expression for how many rows have words that are not listed yet, counted up to ``most``."""
    rows = f"SELECT 1 FROM {source.table} WHERE {source.key} > {upto(source)} LIMIT {most}"
    return f"(SELECT COUNT(*) FROM ({rows}) AS rows_left)"


def _folded(word: str) -> str:
    """Return the word as SQLite's index has it: without case and accents."""
    if word.isascii():
        return word.lower()
    return "".join(c for c in unicodedata.normalize("NFD", word.lower()) if not unicodedata.combining(c))
