"""What a written text must be to become part of a ticket: not empty, and free of control characters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatdesk.conversation import FileRef
from chatdesk.errors import EventRefused

MAX_TEXT = 20_000
"""Characters of the longest message; longer texts belong in a file."""

_NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")
"""Control characters, direction overrides, which can disguise a text, and halves of characters."""


def clean(text: str) -> str:
    """Return the text with plain line breaks, without control characters and trailing white space."""
    if text.isascii() and text.isprintable():
        return text.rstrip()
    return _NOT_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).rstrip()


def check_text(text: str, *, field: str = "text", missing: str = "Write a message first.") -> str:
    """Return the text cleaned. Raises EventRefused for an empty one, with ``missing``, or one too long."""
    cleaned = clean(text)
    if not cleaned.strip():
        raise EventRefused(missing, code="empty", field=field)
    if len(cleaned) > MAX_TEXT:
        long = f"Please shorten this to {MAX_TEXT:,} characters; it has {len(cleaned):,}."
        raise EventRefused(long, code="too_long", field=field)
    return cleaned


def check_message(text: str, files: Sequence[FileRef]) -> str:
    """Return a message's text cleaned; with files it may be empty. Raises EventRefused as check_text does."""
    return "" if files and not text.strip() else check_text(text)
