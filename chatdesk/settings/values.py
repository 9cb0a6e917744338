"""Readers of single values: each takes what TOML gave and returns a typed value, or says what is allowed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
Reader = Callable[[object], T]
"""Turns a TOML value into a T; raises Unusable."""

_SHOWN = 60


class Unusable(Exception):
    """A value cannot be used. ``problems`` pairs where in the value ("" or "[2]") with what is wrong."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(message for _, message in problems))
        self.problems = problems


def unusable(value: object, fault: str) -> Unusable:
    """Make the error for one value: how it was found, then the fault and the fix."""
    return Unusable(("", f"{shown(value)} {fault}"))


def shown(value: object) -> str:
    """Write a value as its file has it, shortened, so that its owner recognises it."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, (date, time, datetime)):
        return value.isoformat()
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]}...{text[-1]}"


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ' Did you mean "web"?' for the nearest known word, or "" when none is near."""
    by_folded = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f' Did you mean "{by_folded[near[0]]}"?' if near else ""


def listed(words: Iterable[str], joined_by: str = "or") -> str:
    """Write words as "a", "b" or "c"; "none" when there are none."""
    quoted = [f'"{word}"' for word in words]
    if len(quoted) < 2:
        return quoted[0] if quoted else "none"
    return f"{', '.join(quoted[:-1])} {joined_by} {quoted[-1]}"


def text(longest: int = 200) -> Reader[str]:
    """Read a line of text that is not blank; spaces around it are dropped."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise unusable(value, "is not a text; write it in quotes.")
        stripped = value.strip()
        if not stripped:
            raise unusable(value, "is empty; write a text.")
        if len(stripped) > longest:
            raise unusable(value, f"has {len(stripped)} characters; at most {longest} are allowed.")
        if any(ord(character) < 32 for character in stripped):
            raise unusable(value, "has a line break or control character; write one line.")
        return stripped

    return read


def paragraphs(longest: int = 4000) -> Reader[str]:
    """Read text that may have several lines."""

    def read(value: object) -> str:
        if isinstance(value, str):
            joined = value.strip().replace("\r\n", "\n")
            text(longest)(joined.replace("\n", " ").replace("\t", " "))
            return joined
        return text(longest)(value)

    return read


def matching(pattern: str, allowed: str, longest: int = 200, *, lower: bool = False) -> Reader[str]:
    """Read a text that is wholly ``pattern``; ``allowed`` tells people what that is.

    With ``lower`` upper and lower case are the same, and the text is returned in lower case.
    """
    read_text = text(longest)

    def read(value: object) -> str:
        found = read_text(value)
        found = found.lower() if lower else found
        # Compiled when it is first needed: most keys of most files are not given.
        if not re.fullmatch(pattern, found):
            raise unusable(value, f"is not {allowed}.")
        return found

    return read


def boolean(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise unusable(value, "is not allowed; write true or false, without quotes.")
    return value


def integer(lowest: int, highest: int) -> Reader[int]:
    """Read a whole number between two bounds, both included."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise unusable(value, f"is not allowed; write a whole number from {lowest} to {highest}.")
        return value

    return read


def one_of(words: Iterable[str]) -> Reader[str]:
    """Read one of a few words."""
    known = tuple(words)

    def read(value: object) -> str:
        if isinstance(value, str) and value in known:
            return value
        hint = suggest(value, known) if isinstance(value, str) else ""
        raise unusable(value, f"is not allowed; write {listed(known)}.{hint}")

    return read


def member(kind: type[E]) -> Reader[E]:
    """Read a member of an enumeration by its value."""
    read_word = one_of(tuple(kind))
    return lambda value: kind(read_word(value))


def list_of(reader: Reader[T]) -> Reader[tuple[T, ...]]:
    """Read a list, each item by ``reader``; the faults of all items are told."""

    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise unusable(value, "is not a list; write it in [ ].")
        items: list[T] = []
        problems: list[tuple[str, str]] = []
        for position, item in enumerate(value):
            try:
                items.append(reader(item))
            except Unusable as error:
                problems += [(f"[{position}]{where}", message) for where, message in error.problems]
        if problems:
            raise Unusable(*problems)
        return tuple(items)

    return read


def unique(reader: Reader[tuple[T, ...]]) -> Reader[tuple[T, ...]]:
    """Read a list in which nothing stands twice."""

    def read(value: object) -> tuple[T, ...]:
        items = reader(value)
        twice = [
            (f"[{at}]", f"{shown(item)} stands twice.") for at, item in enumerate(items) if item in items[:at]
        ]
        if twice:
            raise Unusable(*twice)
        return items

    return read


def sized(fewest: int, most: int, reader: Reader[tuple[T, ...]]) -> Reader[tuple[T, ...]]:
    """Read a list that has neither too few nor too many items."""

    def read(value: object) -> tuple[T, ...]:
        items = reader(value)
        if not fewest <= len(items) <= most:
            raise Unusable(("", f"needs {fewest} to {most} entries; it has {len(items)}."))
        return items

    return read


def time_of_day(value: object) -> time:
    """Read a local time, hours and minutes: "17:30" or a TOML local time."""
    if isinstance(value, time):
        return value
    if isinstance(value, str) and re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value.strip()):
        hours, minutes = value.strip().split(":")
        return time(int(hours), int(minutes))
    raise unusable(value, 'is not a time of day; write hours and minutes such as "17:30".')


def time_window(value: object) -> tuple[time, time]:
    """Read "01:00-04:00" as opening and closing time; closing at or before opening means the next day."""
    opens, _, closes = value.partition("-") if isinstance(value, str) else ("", "", "")
    try:
        window = time_of_day(opens), time_of_day(closes)
    except Unusable:
        raise unusable(value, 'is not a window; write two times such as "01:00-04:00".') from None
    if window[0] == window[1]:
        raise unusable(value, "opens and closes at the same time.")
    return window


colour = matching(
    r"#[0-9a-f]{6}", 'a colour; write # and six hexadecimal digits, such as "#1f5fbf"', lower=True
)
phone = matching(
    r"\+?[0-9(][0-9 ()./x-]{1,38}[0-9]", 'a telephone number; write digits and spaces, such as "555-0100"', 40
)
identifier = matching(
    r"[a-z0-9][a-z0-9_-]{0,62}", "a name; write lower-case letters, digits, - and _, such as acme-2", 63
)
