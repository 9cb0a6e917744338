"""Searching the record: what is asked for, what is found, and how it is ranked and marked.

Finding is the database's work [storage.search]; ranking and marking are done here, alike on every database:
of the newest 100 tickets and the newest 100 messages that match, those with more of the words come first, and
newer ones before older ones. A list of tickets is not ranked: it has the same texts' tickets, newest first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.conversation import ConversationId
from chatdesk.ticket import TicketNumber

MAX_WORDS = 8
SHOWN, BEFORE = 160, 40
"""Characters of a text that are shown, and how many of them before the first word found."""
_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*")
"""Letters and digits, with the accents that follow them where a text has them apart."""


class Found(Struct, frozen=True):
    """A text that holds every word asked for: a message, or with ``seq`` None a ticket's own texts.

    ``marked`` is its most telling piece, cut where a word that was asked for begins and ends: every
    second part, from the second on, is such a word.
    """

    ticket: TicketNumber | None
    conversation: ConversationId | None
    seq: int | None
    at: datetime
    internal: bool
    text: str
    marked: tuple[str, ...] = ()


class Search(Protocol):
    """Finds texts by their words. The last word may be the beginning of one; order does not matter."""

    async def find(self, text: str, limit: int) -> Sequence[Found]:
        """Return what staff find, best first."""


def words(text: str) -> list[str]:
    """Return the words asked for, at most MAX_WORDS."""
    return _WORD.findall(text)[:MAX_WORDS]


def ranked(found: Sequence[Found], wanted: Sequence[str], limit: int) -> list[Found]:
    """Return the best of what was found, with its words marked."""
    asked = [plain(word) for word in wanted]
    best = sorted(found, key=lambda one: (_score(one, asked), one.at), reverse=True)[:limit]
    return [_marked(one, asked) for one in best]


def holds(text: str, wanted: Sequence[str]) -> bool:
    """Tell whether a text has every word asked for; the last may be the beginning of one."""
    asked, said = [plain(word) for word in wanted], plain(text)
    if any(word not in said for word in asked):
        # As it is with most texts: looking no closer takes a fraction of the time.
        return False
    held = {plain(word) for word in _WORD.findall(text)}
    *others, last = asked
    return held.issuperset(others) and any(word.startswith(last) for word in held)


def excerpt(found: Found, wanted: Sequence[str]) -> Found:
    """Return what was found with its most telling piece marked."""
    return _marked(found, [plain(word) for word in wanted])


def marked(text: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return a whole text cut where words asked for begin and end, as ``Found.marked`` is."""
    parts, at = [], 0
    for first, last in _hits(text, [plain(word) for word in wanted]):
        parts += [text[at:first], text[first:last]]
        at = last
    return (*parts, text[at:])


def _score(found: Found, wanted: Sequence[str]) -> int:
    """Whole words count more than beginnings, a ticket's own texts more than a message."""
    held = [plain(word) for word in _WORD.findall(found.text)]
    whole = sum(min(3, held.count(word)) for word in wanted)
    together = " ".join(wanted) in " ".join(held)
    return whole + 3 * together + 4 * (found.seq is None)


def _marked(found: Found, wanted: Sequence[str]) -> Found:
    hits = _hits(found.text, wanted)
    begin = max(0, hits[0][0] - BEFORE) if hits else 0
    end = min(len(found.text), begin + SHOWN)
    parts, at = [], begin
    for first, last in hits:
        if last <= end:
            parts += [found.text[at:first], found.text[first:last]]
            at = last
    parts.append(found.text[at:end])
    return replace(found, marked=tuple(parts))


def _hits(text: str, wanted: Sequence[str]) -> list[tuple[int, int]]:
    """Return where words are that were asked for, or that begin as the last of these."""
    whole, last = set(wanted), wanted[-1]
    held = ((match.span(), plain(match[0])) for match in _WORD.finditer(text))
    return [span for span, word in held if word in whole or word.startswith(last)]


def plain(word: str) -> str:
    """Return the word, or a text, without case and accents, as it is compared."""
    if word.isascii():
        return word.lower()
    folded = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char))
