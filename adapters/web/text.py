"""Text from outside made fit to be stored: no NUL, no lone surrogates, line ends as \\n."""

from __future__ import annotations


def clean(text: str) -> str:
    """Return the text without what no database or page can hold; nothing that can be read is lost."""
    if text.isascii() and text.isprintable():
        return text
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return plain.encode("utf-8", "replace").decode()
