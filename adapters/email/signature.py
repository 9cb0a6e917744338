"""Where a mail's signature begins. Only what can be nothing else is one, so that no word is lost with it."""

from __future__ import annotations

import re
from re import Pattern

from adapters.email.mail_phrases import (
    CONFIDENTIAL,
    ENVIRONMENT,
    PHONE_SENT,
    POSTSCRIPT,
    RECIPIENTS,
    REGISTERED,
    SIGN_OFFS,
    SMALL_WORDS,
)

MAX_LINES = 15
"""Lines that a signature has at most, disclaimers aside."""
LONGEST_LINE = 300
LONGEST_PART, MAX_WORDS = 50, 5
"""Characters and words of what stands in a line between commas and bars, without addresses and numbers."""
SHORTEST_DISCLAIMER = 80
_DASHES = re.compile(r"-- ?$")
_DETAILS = re.compile(
    r"<?(?:https?://|www\.)\S+|\[[^\]]*\]"
    r"|(?:\b[^\W\d_]{1,10}\.?:?\s+)?(?:\S+@\S+|\+?[\d(][\d ()./\u2010-\u2013-]{5,}\d)"
)
"""Addresses and numbers, with the word that says what they are."""
_PARTS = re.compile(r"[,;|/:\u00b7\u2022\u2013\u2014]|\s-\s")
_WORDS = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_LISTED = re.compile(r"(?:\d{1,2}[.)]|[-*\u2022])\s")
_SENTENCE_ENDS = ("!", "?", "\u3002", "\uff01", "\uff1f")


def signature_start(lines: list[str]) -> int:
    """Return the number of the line at which the signature begins; past the end when there is none."""
    by_rule = next((number for number in _written(lines)[1:] if lines[number] == "-- "), None)
    end = _last(_DASHES, lines) if by_rule is None else by_rule
    end = _last(PHONE_SENT, lines[:end])
    start = _last(SIGN_OFFS, lines[:end])
    if start < end:
        # "Many thanks," stands above "Best regards" as often as alone.
        above = _written(lines[:start])[1:]
        while above and SIGN_OFFS.match(lines[above[-1]]):
            start = above.pop()
    return start


def _last(phrase: Pattern[str], lines: list[str]) -> int:
    """Return where the phrase stands last, if only a signature follows; past the end when it does not.

    A mail does not begin with its signature.
    """
    found = next((number for number in reversed(_written(lines)[1:]) if phrase.match(lines[number])), None)
    return len(lines) if found is None or not _is_signature(lines[found + 1 :]) else found


def _written(lines: list[str]) -> list[int]:
    return [number for number, line in enumerate(lines) if line.strip()]


def _is_signature(lines: list[str]) -> bool:
    """Whether these lines are a name, an address and the like, and perhaps a disclaimer."""
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", "\n".join(lines))]
    written = [line for part in paragraphs if not _is_disclaimer(part) for line in part.split("\n")]
    return len(written) <= MAX_LINES and not any(_is_prose(line.strip()) for line in written)


def _is_disclaimer(paragraph: str) -> bool:
    if ENVIRONMENT.search(paragraph):
        return True
    is_long = len(paragraph) >= SHORTEST_DISCLAIMER and not POSTSCRIPT.match(paragraph)
    return is_long and bool(CONFIDENTIAL.search(paragraph) and RECIPIENTS.search(paragraph))


def _is_prose(line: str) -> bool:
    """Whether somebody says something in this line. A signature that is taken for that costs nothing."""
    if len(line) > LONGEST_LINE or POSTSCRIPT.match(line) or _LISTED.match(line):
        return True
    if PHONE_SENT.match(line) or REGISTERED.search(line):
        return False
    bare = _DETAILS.sub("", line)
    parts = _PARTS.split(bare)
    if line.endswith(_SENTENCE_ENDS) or any(len(part) > LONGEST_PART for part in parts):
        return True
    small = [word for word in _WORDS.findall(bare) if word[0].islower() and word not in SMALL_WORDS]
    return len(small) > 1 or any(len(part.split()) > MAX_WORDS for part in parts)
