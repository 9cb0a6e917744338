"""What a file is, told from its first bytes and never from what its sender says."""

from __future__ import annotations

import re
from collections.abc import Iterator

HEAD = 8 * 1024
"""Bytes of a file that are looked at."""
TEXT, UNKNOWN, ZIP = "text/plain", "application/octet-stream", "application/zip"

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_WRITTEN_AS_TEXT = frozenset(
    {"application/pdf", "application/rtf", "image/gif", "image/svg+xml", "text/html", "text/rtf"}
)
"""Types whose first bytes may be plain text and are recognised all the same."""


def media_type(head: bytes) -> str:
    """Return the media type of a file that begins with ``head`` (up to HEAD bytes)."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        # Office documents are archives too; which one it is cannot be told from the beginning.
        return ZIP
    found = _recognised(head)
    if _is_text(head):
        return next((kind for kind in found if kind in _WRITTEN_AS_TEXT), TEXT)
    return next(found, UNKNOWN)


def _recognised(head: bytes) -> Iterator[str]:
    # Imported by a desk that gets a file.
    import puremagic

    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return
    for match in matches:
        kind = match.mime_type.lower()
        if len(kind) <= 100 and _MEDIA_TYPE.fullmatch(kind):
            yield kind


def _is_text(head: bytes) -> bool:
    # A letter that the end of the head cuts through is no fault of the text.
    for end in range(len(head), max(len(head) - 4, -1), -1):
        try:
            return not _CONTROLS.search(head[:end].decode())
        except UnicodeDecodeError:
            if len(head) < HEAD:
                return False
    return False
