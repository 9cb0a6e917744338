"""A transcript as a complete page to read, print and keep: no scripts, nothing fetched, all text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from chatdesk.transcript_text import DELETED, INTERNAL_WARNING, MinuteClock, label_of, say_full, say_size
from chatdesk.transcript_view import Change, Entry, EntryKind, TranscriptView

if TYPE_CHECKING:
    from jinja2 import Template

_LINK = re.compile(r"\b(?:https?://|mailto:)[^\s<>\"'`\\\u202a-\u202e\u2066-\u2069]+", re.IGNORECASE)
_ANCHOR = '<a href="{0}" rel="noopener noreferrer nofollow">{0}</a>'
_SPECIAL = re.compile("[&<>'\"]")
"""What escaping changes."""
_NOT_AT_THE_END = ".,;:!?)]}"


class HtmlLayout:
    """Lays a transcript out as a complete HTML page, each day in a section of its own.

    The entries are written here and not by a template, which would take five times as long: of a long chat
    they are nearly all there is to do. Every text of theirs is escaped here.
    """

    def __init__(self, view: TranscriptView) -> None:
        self._view = view
        self._clock = MinuteClock(view.timezone)
        self._day = ""

    def begin(self) -> str:
        """Make the page up to the first entry."""
        return _template("begin").render(view=self._view, internal_warning=INTERNAL_WARNING)

    def go_on(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Make the entries."""
        for entry in entries:
            day, time = self._clock.say(entry.at)
            if day != self._day:
                before = "</section>\n" if self._day else ""
                self._day = day
                yield f"{before}<section>\n<h2>{_often(day)}</h2>\n"
            yield (
                f"{_begin(entry.kind, entry.role)}{_often(time)}"
                f"{_speaker(entry.kind, entry.author, entry.role)}"
                f"{_body(entry, self._view.timezone)}</article>\n"
            )

    def end(self) -> str:
        """Make the page after the last entry."""
        return ("</section>\n" if self._day else "") + _template("end").render(view=self._view)


def load() -> None:
    """Load what the page's frame is made with: a twentieth of a second at the first time, in any thread."""
    for part in ("begin", "end"):
        _ = _template(part)


def link(text: str) -> Markup:
    """Return ``text`` escaped, its http, https and mailto addresses as links that show where they lead."""
    return Markup(_linked(text))  # noqa: S704 - all of it is escaped there


def _linked(text: str) -> str:
    if "://" not in text and "mailto:" not in text.lower():
        # Most texts; the pattern would look at each of their characters.
        return _escaped(text)
    made, end = "", 0
    for match in _LINK.finditer(text):
        address = match.group().rstrip(_NOT_AT_THE_END)
        shown = _escaped(address)
        made += f"{_escaped(text[end : match.start()])}{_ANCHOR.format(shown)}"
        end = match.start() + len(address)
    return made + _escaped(text[end:])


def _escaped(text: str) -> str:
    """Return a text escaped; most have nothing to escape, which is quickly seen."""
    return str(escape(text)) if _SPECIAL.search(text) else text


@cache
def _template(part: str) -> Template:
    # Its library is not needed before there is something to write with it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("chatdesk"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["full"] = say_full
    return environment.get_template(f"transcript_{part}.html")


@lru_cache(maxsize=1024)
def _often(text: str) -> str:
    """Return a text escaped that comes often: a name, a time."""
    return str(escape(text))


@lru_cache(maxsize=64)
def _begin(kind: EntryKind, role: str) -> str:
    """Begin an entry, up to its time."""
    return f'<article class="{escape(kind)} {escape(role)}">\n<header>'


@lru_cache(maxsize=1024)
def _speaker(kind: EntryKind, author: str, role: str) -> str:
    """Say who stands behind an entry, after its time."""
    return f" <b><bdi>{escape(label_of(kind, author, role))}</bdi></b></header>\n"


def _body(entry: Entry, zone: ZoneInfo) -> str:
    if entry.text and not (entry.deletion or entry.files or entry.edits):
        return f'<div class="text" dir="auto">{_linked(entry.text)}</div>\n'
    made = ""
    if entry.deletion:
        made += f'<p class="change">{_change(DELETED, entry.deletion, zone)}</p>\n{_quoted(entry.deletion)}'
    elif entry.text:
        made += f'<div class="text" dir="auto">{_linked(entry.text)}</div>\n'
    if entry.files:
        files = (f"<li><bdi>{escape(f.name)}</bdi> ({escape(say_size(f.size))})</li>\n" for f in entry.files)
        made += f'<ul class="files">\n{"".join(files)}</ul>\n'
    for edit in entry.edits:
        made += f'<p class="change">{_change("Edited", edit, zone)}; it said before:</p>\n{_quoted(edit)}'
    return made


def _change(what: str, change: Change, zone: ZoneInfo) -> str:
    return f"{escape(what)} {escape(say_full(change.at, zone))} by <bdi>{escape(change.by)}</bdi>"


def _quoted(change: Change) -> str:
    if change.before is None:
        return ""
    return f'<blockquote dir="auto">{_linked(change.before)}</blockquote>\n'
