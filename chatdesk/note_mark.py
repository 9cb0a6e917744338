"""The mark by which staff say in a channel's thread that a message is an internal note [R38]."""

from __future__ import annotations

import unicodedata

NOTE = "//"
"""Begins an internal note."""
FORMATTING = frozenset("*_~`>")
"""What people's apps put before a text to show it bold, slanted, struck out, as code or quoted."""
BLANKS = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
"""Letters and marks that show nothing, though Unicode does not class them as blanks or controls."""


def is_note(text: str) -> bool:
    """Tell whether the text begins with the mark; blanks, seen or not, and formatting may stand before it."""
    return NOTE in text and text.startswith(NOTE, _leading(text))


def without_note_mark(text: str) -> str:
    """Return the text without the mark, and without the formatting around the whole of it."""
    start = _leading(text)
    if not text.startswith(NOTE, start):
        return text.strip()
    note = text[start + len(NOTE) :].strip()
    for char in text[:start]:
        if char in FORMATTING and note.endswith(char):
            note = note[:-1].rstrip()
    return note


def _leading(text: str) -> int:
    """Return how many characters stand before what people see as the text's beginning."""
    return next((at for at, char in enumerate(text) if not _is_passed_over(char)), len(text))


def _is_passed_over(char: str) -> bool:
    if char.isascii():
        return char in FORMATTING or char.isspace() or not char.isprintable()
    # Separators and controls, among them the no-break and zero-width spaces; and variation selectors.
    return unicodedata.category(char)[0] in "ZC" or char in BLANKS or "\ufe00" <= char <= "\ufe0f"
