"""A transcript as plain text, at most 100 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chatdesk.plain_text import wrap
from chatdesk.transcript_view import Change, Entry, EntryKind, TranscriptView
from chatdesk.wording import clock_of, say_full_date, zone_of

COLUMNS = 100
INDENT = "    "
INTERNAL_WARNING = "INTERNAL VERSION: not for the customer"
NOTE_MARK = "INTERNAL NOTE"
DELETED = "Message deleted"
_MINUTE = timedelta(minutes=1)


class TextLayout:
    """Lays a transcript out as text that ends with a line end.

    Only headings and the lines that say who spoke begin at the margin; what people wrote is indented, so
    that no message can pass for the transcript's own words.
    """

    def __init__(self, view: TranscriptView) -> None:
        self._view = view
        self._clock = MinuteClock(view.timezone)
        self._day = ""

    def begin(self) -> str:
        """Make the heading."""
        return _lines(_heading(self._view))

    def go_on(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Make the entries, and a line for each new day."""
        for entry in entries:
            day, time = self._clock.say(entry.at)
            if day != self._day:
                self._day = day
                yield f"\n{_lines([day, '-' * len(day)])}"
            yield f"\n{_heads(time, entry)}{_entry(entry, self._view.timezone)}"

    def end(self) -> str:
        """Make what comes after the last entry."""
        view = self._view
        made = say_full(view.generated_at, view.timezone)
        return _lines(["", f"Made {made} by {view.desk}. Times are those of {view.timezone.key}."])


class MinuteClock:
    """Says the days and times of moments that mostly follow one another: those of one minute only once."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._from = self._until = datetime.min.replace(tzinfo=UTC)
        self._date = date.min
        self._day = self._time = ""

    def say(self, at: datetime) -> tuple[str, str]:
        """Return the moment's full date and its time of day with the zone."""
        if not self._from <= at < self._until:
            self._from = at.replace(second=0, microsecond=0)
            self._until = self._from + _MINUTE
            local = at.astimezone(self._zone)
            self._time = f"{clock_of(local)} {zone_of(local)}"
            if local.date() != self._date:
                self._date, self._day = local.date(), say_full_date(local, self._zone)
        return self._day, self._time


def say_full(at: datetime, zone: ZoneInfo) -> str:
    """Date and time: "Friday, September 18, 2026, 2:02 PM EDT"."""
    local = at.astimezone(zone)
    return f"{say_full_date(local, zone)}, {clock_of(local)} {zone_of(local)}"


def say_size(size: int) -> str:
    """A file's size in words: "812 bytes", "1.5 kB", "12 MB" (1 kB is 1,000 bytes)."""
    if size < 1000:
        return "1 byte" if size == 1 else f"{size} bytes"
    amount, unit = (size / 1000, "kB") if size < 999_500 else (size / 1_000_000, "MB")
    return f"{amount:.1f} {unit}".replace(".0 ", " ") if amount < 10 else f"{amount:,.0f} {unit}"


def label(entry: Entry) -> str:
    """Return who stands behind an entry, and what it is when it is more than a message."""
    return label_of(entry.kind, entry.author, entry.role)


@lru_cache(maxsize=1024)
def label_of(kind: EntryKind, author: str, role: str) -> str:
    """Return the label of all entries of a kind by one author."""
    if kind is EntryKind.NOTE:
        return f"{NOTE_MARK} by {author} ({role})"
    if kind in (EntryKind.HISTORY, EntryKind.SENT):
        return f"{kind.value.upper()} by {author} ({role})"
    return author if author == role else f"{author} ({role})"


def _heading(view: TranscriptView) -> Iterator[str]:
    yield view.desk
    yield f"Transcript of {view.number}: {view.subject}" if view.subject else f"Transcript of {view.number}"
    if view.internal:
        yield INTERNAL_WARNING
    yield ""
    for name, value in (("Opened", say_full(view.opened_at, view.timezone)), *view.facts):
        first, *rest = wrap(value, COLUMNS - 12)
        yield f"{name + ':':<12}{first}"
        yield from (" " * 12 + line for line in rest)


def _heads(time: str, entry: Entry) -> str:
    line = f"{time}  {label_of(entry.kind, entry.author, entry.role)}"
    return f"{line}\n" if len(line) <= COLUMNS and line.isascii() else _lines([line])


def _entry(entry: Entry, zone: ZoneInfo) -> str:
    if not (entry.deletion or entry.files or entry.edits):
        return _indented(entry.text) if entry.text else ""
    said = ""
    if entry.deletion:
        said += _indented(_say_change(DELETED, entry.deletion, zone)) + _quoted(entry.deletion.before)
    elif entry.text:
        said += _indented(entry.text)
    for file in entry.files:
        said += _indented(f"File: {file.name} ({say_size(file.size)})")
    for edit in entry.edits:
        said += _indented(_say_change("Edited", edit, zone) + "; it said before:") + _quoted(edit.before)
    return said


def _say_change(what: str, change: Change, zone: ZoneInfo) -> str:
    return f"[{what} {say_full(change.at, zone)} by {change.by}]"


def _lines(lines: Iterable[str]) -> str:
    """Return lines at the margin, broken so that what follows a break does not begin there."""
    said = ""
    for line in lines:
        first, *rest = wrap(line, COLUMNS)
        said += f"{first}\n"
        if rest:
            said += _indented(line[len(first) :].lstrip())
    return said


def _indented(text: str, indent: str = INDENT) -> str:
    if len(text) <= COLUMNS - len(indent) and text.isascii() and "\n" not in text:
        return f"{indent}{text}".rstrip() + "\n"
    lines = wrap(text, COLUMNS - len(indent))
    if "" in lines:
        return "".join([f"{indent}{line}".rstrip() + "\n" for line in lines])
    return indent + f"\n{indent}".join(lines) + "\n"


def _quoted(before: str | None) -> str:
    return "" if before is None else _indented(before, f"{INDENT}> ")
