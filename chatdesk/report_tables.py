"""A report as tables, the same on the page, on the command line, in CSV and in JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from msgspec import Struct

from chatdesk.plain_text import clean_line
from chatdesk.report import Chats, Group, Kept, Report, Times
from chatdesk.wording import say_full_date, say_time, say_took, say_zone

NOTHING = "\N{EN DASH}"
"""Where there is nothing to count."""
WHOLE_DESK = "All companies"
_RUN_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Json = str | int | float | None | Sequence["Json"] | dict[str, "Json"]
Value = int | float | timedelta | None


class Kind(StrEnum):
    """What a figure is, and its unit for programs: a share is of 1, a time in seconds."""

    COUNT = "count"
    SHARE = "share"
    TIME = "time"
    SCORE = "score"


class Column(Struct, frozen=True):
    """A column of figures; ``key`` is for programs."""

    key: str
    title: str
    kind: Kind = Kind.COUNT


class Fact(Struct, frozen=True):
    """One figure that stands for itself."""

    key: str
    title: str
    kind: Kind
    value: Value


class Line(Struct, frozen=True):
    """A line of figures, one a column; ``within`` tells that it is part of the line above."""

    key: str
    name: str
    values: tuple[Value, ...]
    within: bool = False


class Figures(Struct, frozen=True):
    """One table; ``counts`` says in plain words what is counted.

    ``named`` is the heading over the lines' names. ``of`` is what a full bar stands for, 0 for no bars.
    """

    key: str
    title: str
    counts: str
    named: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    facts: tuple[Fact, ...] = ()
    of: int = 0


_TICKETS = (Column("tickets", "Tickets"),)
_GROUPS = (
    Column("opened", "Opened"),
    Column("answers", "Answered in time", Kind.SHARE),
    Column("solutions", "Solved in time", Kind.SHARE),
)


def tables_of(report: Report) -> tuple[Figures, ...]:
    """Return all tables of a report, in the order in which they are read."""
    return (
        _volumes(report),
        _answers(report.answers, report.volumes.opened),
        _solutions(report.solutions, report.volumes.opened),
        _groups("channels", "By channel", "Channel", report.channels),
        _groups("priorities", "By priority", "Priority", report.priorities),
        _groups("types", "By type", "Type", report.types),
        _groups("companies", "By company", "Company", report.companies),
        _technicians(report),
        _chats(report.chats, report.after_hours),
        _ratings(report),
    )


def heading_of(report: Report, zone: tzinfo) -> tuple[str, str]:
    """Return whose report it is and of which days, and as of which moment on the clock of ``zone``."""
    period, at = report.period, report.as_of
    first, last = (
        say_full_date(datetime.combine(day, time(12), zone), zone) for day in (period.first, period.last)
    )
    days = first if period.days == 1 else f"{first} to {last}"
    as_of = f"As of {say_full_date(at, zone)}, {say_time(at, zone)} {say_zone(at, zone)}"
    return f"{report.company or WHOLE_DESK}: {days}", as_of


def say_figure(kind: Kind, value: Value) -> str:
    """Return a figure as people read it."""
    if value is None:
        return NOTHING
    if isinstance(value, timedelta):
        return say_took(value)
    if kind is Kind.SHARE:
        return f"{_rounded(value)} %"
    return f"{value:.1f}" if kind is Kind.SCORE else str(value)


def report_csv(report: Report, zone: tzinfo) -> str:
    """Return the report as CSV (RFC 4180), a figure a line; text from outside is never run as a formula."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(("Table", "Name", "Figure", "Value", "Unit"))
    writer.writerows(_about(report, zone))
    for table in tables_of(report):
        for fact in table.facts:
            writer.writerow((table.title, fact.title, fact.title, *_written(fact.kind, fact.value)))
        for line in table.lines:
            for column, value in zip(table.columns, line.values, strict=True):
                name = spreadsheet_safe(line.name)
                writer.writerow((table.title, name, column.title, *_written(column.kind, value)))
    return made.getvalue()


def report_json(report: Report, zone: tzinfo) -> dict[str, Json]:
    """Return the report for programs: times in seconds, shares of 1, null where there is nothing to count."""
    return {
        "from": report.period.first.isoformat(),
        "to": report.period.last.isoformat(),
        "timezone": str(zone),
        "company": report.company or None,
        "as_of": report.as_of.isoformat(),
        **{table.key: _table_json(table) for table in tables_of(report)},
    }


def spreadsheet_safe(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe stands before one."""
    line = clean_line(text)
    return f"'{line}" if line.startswith(_RUN_AS_FORMULA) else line


def _volumes(report: Report) -> Figures:
    found = report.volumes
    still = report.period.ends > report.as_of
    lines = (
        Line("opened", "Opened", (found.opened,)),
        Line("resolved", "Resolved", (found.resolved,)),
        Line("reopened", "Opened again", (found.reopened,)),
        Line("cancelled", "Cancelled", (found.cancelled,)),
        Line("merged", "Merged into another", (found.merged,)),
        Line("open_at_end", "Open now" if still else "Open at the end", (found.open_at_end,)),
    )
    counts = "What happened on these days. A ticket that was resolved twice counts twice."
    return Figures("tickets", "Tickets", counts, "What happened", _TICKETS, lines)


def _answers(kept: Kept, opened: int) -> Figures:
    lines = (
        *_kept_lines(kept, "not answered yet"),
        Line("at_once", "Calls and requests written down, answered as they came", (kept.at_once,)),
        Line("over", "Over before an answer", (kept.over,)),
    )
    counts = (
        "Tickets opened on these days, as they stand now. Only a technician's message to the customer is an "
        "answer. Targets count in their own hours and stop while the ticket waits; the times below do not."
    )
    facts = _kept_facts(kept)
    return Figures("answers", "First answer", counts, "Against its target", _TICKETS, lines, facts, opened)


def _solutions(kept: Kept, opened: int) -> Figures:
    lines = (
        *_kept_lines(kept, "not solved yet"),
        Line("over", "Cancelled or merged", (kept.over,)),
    )
    counts = (
        "Tickets opened on these days, as they stand now, by their own due times. "
        "One that was opened again is due from then on. The times below run from the opening, nights and "
        "waiting included."
    )
    facts = _kept_facts(kept)
    return Figures("solutions", "Solution", counts, "Against its target", _TICKETS, lines, facts, opened)


def _kept_lines(kept: Kept, undone: str) -> tuple[Line, ...]:
    return (
        Line("met", "In time", (kept.met,)),
        Line("missed", "Too late", (kept.missed,)),
        Line("missed_open", f"of these, {undone}", (kept.missed_open,), within=True),
        Line("open", "Still open, not late", (kept.open,)),
        Line("no_target", "Without a target", (kept.no_target,)),
    )


def _kept_facts(kept: Kept) -> tuple[Fact, ...]:
    return (Fact("share", "In time", Kind.SHARE, kept.share), *_times(kept.times, "Median time"))


def _times(times: Times, median: str) -> tuple[Fact, ...]:
    return (
        Fact("median", median, Kind.TIME, times.median),
        Fact("ninetieth", "Nine of ten within", Kind.TIME, times.ninetieth),
    )


def _groups(key: str, title: str, named: str, groups: Sequence[Group]) -> Figures:
    lines = tuple(
        Line(group.key, group.name, (group.opened, group.answers, group.solutions)) for group in groups
    )
    counts = "Tickets opened on these days; of those with a target that was met or missed, the share met."
    return Figures(key, title, counts, named, _GROUPS, lines, of=sum(group.opened for group in groups))


def _technicians(report: Report) -> Figures:
    columns = (Column("answered", "First answers"), Column("resolved", "Resolved"))
    lines = tuple(Line(one.id, one.name, (one.answered, one.resolved)) for one in report.technicians)
    counts = "First answers to tickets opened on these days; tickets resolved on these days, whenever opened."
    return Figures("technicians", "Technicians", counts, "Who", columns, lines)


def _chats(chats: Chats, after_hours: int) -> Figures:
    lines = (
        Line("joined", "A technician joined in time", (chats.joined,)),
        Line("nobody_came", "Nobody came in time: left with a ticket", (chats.nobody_came,)),
        Line("joined_late", "of these, joined later", (chats.joined_late,), within=True),
        Line("left", "The customer left the queue with a ticket", (chats.left,)),
        Line("waiting", "Waiting now", (chats.waiting,)),
        Line("otherwise", "Ended otherwise", (chats.otherwise,)),
    )
    facts = (
        Fact("begun", "Live chats begun", Kind.COUNT, chats.begun),
        *_times(chats.times, "Median time until joined"),
        Fact("after_hours", "Tickets outside the hours", Kind.COUNT, after_hours),
    )
    counts = (
        "Chats that opened a ticket on these days, by how the first waiting ended; who came back to an "
        "earlier chat is not counted again. Outside the hours the survey opens a ticket at once."
    )
    columns = (Column("chats", "Chats"),)
    return Figures("chats", "Live chat", counts, "How it went", columns, lines, facts, chats.begun)


def _ratings(report: Report) -> Figures:
    scores = report.ratings.scores
    lines = tuple(
        Line(str(score), f"{score} of 5", (scores[score - 1],)) for score in range(len(scores), 0, -1)
    )
    facts = (
        Fact("count", "Ratings", Kind.COUNT, report.ratings.count),
        Fact("average", "Average of 5", Kind.SCORE, report.ratings.average),
    )
    counts = "Ratings that customers gave on these days; of several of one chat the last."
    columns = (Column("ratings", "Ratings"),)
    return Figures("ratings", "Ratings", counts, "Rating", columns, lines, facts, report.ratings.count)


def _rounded(share: float) -> int:
    """Return per cent; what is not all or nothing is never said to be."""
    per_cent = round(share * 100)
    return min(99, max(1, per_cent)) if 0 < share < 1 else per_cent


def _about(report: Report, zone: tzinfo) -> Iterator[tuple[str, ...]]:
    yield "Report", "Company", "Company", spreadsheet_safe(report.company or WHOLE_DESK), ""
    yield "Report", "From", "First day", report.period.first.isoformat(), "day"
    yield "Report", "To", "Last day", report.period.last.isoformat(), "day"
    as_of = report.as_of.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    yield "Report", "As of", "As of", as_of, str(zone)


def _written(kind: Kind, value: Value) -> tuple[str, str]:
    """Return a figure's value and unit in CSV."""
    if isinstance(value, timedelta):
        return f"{value.total_seconds() / 60:.1f}", "minutes"
    unit = {Kind.SHARE: "%", Kind.TIME: "minutes", Kind.SCORE: "of 5", Kind.COUNT: ""}[kind]
    if value is None:
        return "", unit
    if kind is Kind.SHARE:
        return f"{value * 100:.1f}", unit
    return f"{value:.2f}" if kind is Kind.SCORE else str(value), unit


def _table_json(table: Figures) -> dict[str, Json]:
    lines: list[Json] = [
        {
            "key": line.key,
            "name": line.name,
            **{column.key: _plain(value) for column, value in zip(table.columns, line.values, strict=True)},
        }
        for line in table.lines
    ]
    facts: dict[str, Json] = {fact.key: _plain(fact.value) for fact in table.facts}
    return {"counts": table.counts, **facts, "lines": lines}


def _plain(value: Value) -> int | float | None:
    return value.total_seconds() if isinstance(value, timedelta) else value
