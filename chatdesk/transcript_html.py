"""A transcript as a complete page to read, print and keep: no scripts, nothing fetched, all text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from chatdesk.transcript_text import (
    DELETED,
    INTERNAL_WARNING,
    label,
    say_clock,
    say_full,
    say_full_date,
    say_size,
)
from chatdesk.transcript_view import Entry, TranscriptView

_LINK = re.compile(r"\b(?:https?://|mailto:)[^\s<>\"'`\\\u202a-\u202e\u2066-\u2069]+", re.IGNORECASE)
_NOT_AT_THE_END = ".,;:!?)]}"


def lay_out_html(view: TranscriptView) -> str:
    """Return the transcript as a complete HTML page."""
    return _template().render(
        view=view,
        days=list(_days(view)),
        internal_warning=INTERNAL_WARNING,
        deleted=DELETED,
    )


def link(text: str) -> Markup:
    """Return ``text`` escaped, its http, https and mailto addresses as links that show where they lead."""
    out, end = Markup(), 0
    for match in _LINK.finditer(text):
        address = match.group().rstrip(_NOT_AT_THE_END)
        out += escape(text[end : match.start()])
        out += Markup('<a href="{0}" rel="noopener noreferrer nofollow">{0}</a>').format(address)
        end = match.start() + len(address)
    return out + escape(text[end:])


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("chatdesk"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(link=link, size=say_size, label=label, clock=say_clock, full=say_full)
    return environment.get_template("transcript.html")


def _days(view: TranscriptView) -> Iterator[tuple[str, list[Entry]]]:
    zone: ZoneInfo = view.timezone
    for day, entries in groupby(view.entries, key=lambda entry: say_full_date(entry.at, zone)):
        yield day, list(entries)
