"""Text from outside made fit to be laid out as plain text: what cannot be shown goes, words stay."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_LINE_ENDS = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_UNSHOWN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_WORD = re.compile(r"\s*\S+")
_NARROW = re.compile(
    "[ -~\u00a1-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]*"
)
"""Text in which each character takes one column and the only blank is the space: most of what comes."""


def clean_text(text: str) -> str:
    """Return ``text`` with every line end as \\n, no control characters, and encodable as UTF-8."""
    if text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", text).replace("\t", "    ")
    return _SURROGATES.sub("\ufffd", _UNSHOWN.sub("", text)).strip("\n")


def clean_line(text: str) -> str:
    """Return ``text`` as one line: for names, subjects and headers.

    Marks that turn the direction of what follows are taken out, so that a name cannot reorder the line
    it stands in; right-to-left letters themselves need no marks.
    """
    text = clean_text(text)
    return " ".join((text if text.isprintable() else _DIRECTIONS.sub("", text)).split())


def shortened(text: str, length: int) -> str:
    """Return ``text`` in at most ``length`` characters, with a mark at the end where it was cut."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def width(text: str) -> int:
    """Return the columns that ``text`` takes on a fixed-width screen: wide letters take two, marks none."""
    return len(text) if text.isascii() or _NARROW.fullmatch(text) else sum(map(_columns, text))


def wrap(text: str, columns: int) -> list[str]:
    """Return the lines of ``text``, none wider than ``columns``; a line that fits stays as it is.

    Lines are broken between words, a word wider than a line anywhere.
    """
    if "\n" not in text:
        return _wrap_line(text.rstrip(), columns)
    return [line for given in text.split("\n") for line in _wrap_line(given.rstrip(), columns)]


def _wrap_line(line: str, columns: int) -> list[str]:
    if not (line.isascii() and line.isprintable()) and not _NARROW.fullmatch(line):
        return [line] if width(line) <= columns else list(_wrap_words(line, columns))
    if len(line) <= columns:
        return [line]
    lines: list[str] = []
    begin, last = 0, len(line) - columns
    while begin < last:
        space = line.rfind(" ", begin, begin + columns + 1)
        full = line[begin:space].rstrip() if space > begin else ""
        if not full:
            return [*lines, *_wrap_words(line[begin:], columns)]
        lines.append(full)
        begin = space + 1
        while line[begin] == " ":
            begin += 1
    return [*lines, line[begin:]]


def _wrap_words(line: str, columns: int) -> Iterator[str]:
    current, used = "", 0
    for word in _WORD.findall(line):
        if used + width(word) > columns:
            if current:
                yield current
            *full, current = _cut(word.lstrip(), columns)
            yield from full
            used = width(current)
            continue
        current += word
        used += width(word)
    yield current


def _cut(word: str, columns: int) -> list[str]:
    if word.isascii():
        return [word[at : at + columns] for at in range(0, len(word), columns)] or [""]
    pieces, used = [""], 0
    for char in word:
        if used + _columns(char) > columns:
            pieces.append("")
            used = 0
        pieces[-1] += char
        used += _columns(char)
    return pieces


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
