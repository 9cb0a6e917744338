"""What a check of the desk's surroundings found, as adapters yield it and `chatdesk doctor` shows it."""

from __future__ import annotations

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One check: whether it is good, what was found, and what to do if it is not."""

    good: bool
    text: str
    fix: str = ""
