"""A technician's mail: a public answer, or an internal note that no customer may ever read [R37, R38]."""

from __future__ import annotations

import re

_MARK = re.compile(r"^(?:\[[^\]\n]*\]|[^\w/>\n\[])*//[^\S\n]*", re.M)
"""What makes a mail a note. White space of every kind, bullets, asterisks and [pictures] may stand before it:
mail programs put them there."""


def is_note(text: str) -> bool:
    """Tell whether a technician's mail is internal: any line of it that is not quoted begins with //.

    Many write below what they quote, so that the mark is not at the beginning. A public answer that is taken
    for a note can be repeated; a note that was sent to the customer cannot be taken back.
    """
    return _MARK.search(text) is not None


def note_text(text: str) -> str:
    """Return what a note says, without its first mark."""
    return _MARK.sub("", text, count=1).strip()
