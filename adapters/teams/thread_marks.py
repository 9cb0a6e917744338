"""The marks by which technicians say in a thread who may read a message."""

from __future__ import annotations

NOTE = "//"
"""Begins an internal note."""


def without_note_mark(text: str) -> str:
    """Return the text without the mark of an internal note."""
    return text.removeprefix(NOTE).strip()
