"""A transcript as plain text, at most 100 columns wide."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from chatdesk.plain_text import wrap
from chatdesk.transcript_view import Change, Entry, EntryKind, TranscriptView
from chatdesk.wording import say_date, say_time, say_zone

COLUMNS = 100
INDENT = "    "
INTERNAL_WARNING = "INTERNAL VERSION: not for the customer"
NOTE_MARK = "INTERNAL NOTE"
DELETED = "Message deleted"


def lay_out_text(view: TranscriptView) -> str:
    """Return the transcript as text that ends with a line end.

    Only headings and the lines that say who spoke begin at the margin; what people wrote is indented, so
    that no message can pass for the transcript's own words.
    """
    lines = [*_heading(view)]
    day = ""
    for entry in view.entries:
        today = say_full_date(entry.at, view.timezone)
        if today != day:
            day = today
            lines += ["", day, "-" * len(day)]
        lines += ["", *_entry(entry, view.timezone)]
    made = say_full(view.generated_at, view.timezone)
    lines += ["", f"Made {made} by {view.desk}. Times are those of {view.timezone.key}."]
    return "\n".join(part for line in lines for part in _hanging(line)) + "\n"


def say_full_date(at: datetime, zone: ZoneInfo) -> str:
    """The date with its year: "Friday, September 18, 2026"."""
    return f"{say_date(at, zone)}, {at.astimezone(zone).year}"


def say_clock(at: datetime, zone: ZoneInfo) -> str:
    """The time of day with its zone: "2:02 PM EDT"."""
    return f"{say_time(at, zone)} {say_zone(at, zone)}"


def say_full(at: datetime, zone: ZoneInfo) -> str:
    """Date and time: "Friday, September 18, 2026, 2:02 PM EDT"."""
    return f"{say_full_date(at, zone)}, {say_clock(at, zone)}"


def say_size(size: int) -> str:
    """A file's size in words: "812 bytes", "1.5 kB", "12 MB" (1 kB is 1,000 bytes)."""
    if size < 1000:
        return "1 byte" if size == 1 else f"{size} bytes"
    amount, unit = (size / 1000, "kB") if size < 999_500 else (size / 1_000_000, "MB")
    return f"{amount:.1f} {unit}".replace(".0 ", " ") if amount < 10 else f"{amount:,.0f} {unit}"


def label(entry: Entry) -> str:
    """Return who stands behind an entry, and what it is when it is more than a message."""
    if entry.kind is EntryKind.NOTE:
        return f"{NOTE_MARK} by {entry.author} ({entry.role})"
    if entry.kind in (EntryKind.HISTORY, EntryKind.SENT):
        return f"{entry.kind.value.upper()} by {entry.author} ({entry.role})"
    return entry.author if entry.author == entry.role else f"{entry.author} ({entry.role})"


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


def _entry(entry: Entry, zone: ZoneInfo) -> Iterator[str]:
    yield f"{say_clock(entry.at, zone)}  {label(entry)}"
    if entry.deletion:
        yield from _indented(_say_change(DELETED, entry.deletion, zone))
        yield from _quoted(entry.deletion.before)
    elif entry.text:
        yield from _indented(entry.text)
    for file in entry.files:
        yield from _indented(f"File: {file.name} ({say_size(file.size)})")
    for edit in entry.edits:
        yield from _indented(_say_change("Edited", edit, zone) + "; it said before:")
        yield from _quoted(edit.before)


def _say_change(what: str, change: Change, zone: ZoneInfo) -> str:
    return f"[{what} {say_full(change.at, zone)} by {change.by}]"


def _hanging(line: str) -> Iterator[str]:
    """Break a line at the margin so that what follows the break does not begin there."""
    first, *rest = wrap(line, COLUMNS)
    yield first
    if rest:
        yield from _indented(line[len(first) :].lstrip())


def _indented(text: str, indent: str = INDENT) -> Iterator[str]:
    for line in wrap(text, COLUMNS - len(indent)):
        yield f"{indent}{line}".rstrip()


def _quoted(before: str | None) -> Iterator[str]:
    if before is not None:
        yield from _indented(before, f"{INDENT}> ")
