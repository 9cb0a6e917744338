"""Names of where mail lies, short enough for a column of the database and each still one of its own."""

from __future__ import annotations

import hashlib

LONGEST = 255
"""Characters that the database keeps of a name."""


def fitted(name: str) -> str:
    """Return the name, or, for one that is too long, its beginning and a digest of all of it."""
    if len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[: LONGEST - len(digest) - 1]}#{digest}"
