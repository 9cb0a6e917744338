"""Names of files that came from outside, made fit to be shown and to be saved under on any computer."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 120
"""Characters of a name, its extension included."""
MAX_NAME_BYTES = 200
"""Bytes of a name in UTF-8: with a browser's own additions it stays below the 255 of common file systems."""
UNNAMED = "file"

_PATH = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])(?=\.|$)", re.I)
_EXTENSION = re.compile(r"\.[^. ]{1,12}$")


def clean_file_name(name: str) -> str:
    """Return the name as it is shown and offered for saving; never empty.

    Folders go, and with them anything that climbs; control, bidi-override, zero-width and other unseen
    characters go; characters and words that systems reserve are replaced; letters of every script stay.
    """
    shown = _PATH.split(name)[-1]
    shown = "".join(map(_shown, unicodedata.normalize("NFC", shown)))
    shown = _FORBIDDEN.sub("_", " ".join(shown.split())).lstrip(". ").rstrip(". ")
    if _RESERVED.match(shown):
        shown = f"_{shown}"
    return _shortened(shown) or UNNAMED


def _shown(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Zs", "Zl", "Zp") or char in "\t\n\r":
        return " "
    # Cc control, Cf format (bidi, zero-width), Cs surrogate, Co private, Cn unassigned.
    if category[0] == "C" or char in "\u115f\u1160\u3164\uffa0\u034f":
        return ""
    return char


def _shortened(name: str) -> str:
    found = _EXTENSION.search(name)
    extension = found.group() if found and found.start() else ""
    stem = name[: len(name) - len(extension)][: MAX_NAME - len(extension)]
    room = MAX_NAME_BYTES - len(extension.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + extension
