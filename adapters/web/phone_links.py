"""The desk's telephone number on plain pages: what dials it, and where it stands in a text [R10]."""

from __future__ import annotations

import re


def dialled(phone: str) -> str:
    """Return the address that dials a number, without its extension, which would reach somebody else."""
    return "tel:" + re.sub(r"[x/].*|[^\d+]", "", phone)


def pieces(text: str, *numbers: str) -> list[str]:
    """Return text cut up so that each of ``numbers``, where it stands, is a piece of its own.

    A number that is only part of a longer one is somebody else's and is left in its text.
    """
    wanted = "|".join(re.escape(number) for number in numbers if number)
    if not wanted:
        return [text]
    return re.split(rf"(?<![\d)+])(?<![\d)][ .-])({wanted})(?![ .-]?\d)", text)
