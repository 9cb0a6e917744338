"""A report as tables, the same on the page, on the command line, in CSV and in JSON."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import timedelta, tzinfo
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.plain_text import clean_line
from chatdesk.report import Chats, Group, Kept, Report, Times
from chatdesk.report_period import Period
from chatdesk.wording import say_full_date, say_time, say_took, say_zone

NOTHING = "\N{EN DASH}"
"""Where there is nothing to count."""
WHOLE_DESK = "All companies"
_RUN_AS_FORMULA = ("=", "+", "-", "@")

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
    """One figure that stands for itself; ``before`` is what it was on the days before, if that is told."""

    key: str
    title: str
    kind: Kind
    value: Value
    before: Value = None


class Line(Struct, frozen=True):
    """A line of figures, one a column; ``within`` tells that it is part of the line above."""

    key: str
    name: str
    values: tuple[Value, ...]
    within: bool = False


class Figures(Struct, frozen=True):
    """One table; ``counts`` says in plain words what is counted.

    ``named`` is the heading over the lines' names. ``of`` is what a full bar stands for, 0 for no bars.
    ``compared`` tells that its figures stand beside those of the days before.
    """

    key: str
    title: str
    counts: str
    named: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    facts: tuple[Fact, ...] = ()
    of: int = 0
    compared: bool = False


_TICKETS = (Column("tickets", "Tickets"),)
_GROUPS = (
    Column("opened", "Opened"),
    Column("answers", "Answered in time", Kind.SHARE),
    Column("solutions", "Solved in time", Kind.SHARE),
)


def tables_of(report: Report) -> tuple[Figures, ...]:
    """Return all tables of a report, in the order in which they are read.

    Those with one column have another beside it for the days before.
    """
    tables = _tables(report)
    if report.earlier is None:
        return tables
    pairs = zip(tables, _tables(report.earlier), strict=True)
    return tuple(_beside(table, earlier) if len(table.columns) == 1 else table for table, earlier in pairs)


def _beside(table: Figures, earlier: Figures) -> Figures:
    """Return a table with the figures of the days before beside its own."""
    lines = (
        replace(line, values=(*line.values, *before.values))
        for line, before in zip(table.lines, earlier.lines, strict=True)
    )
    facts = (replace(fact, before=was.value) for fact, was in zip(table.facts, earlier.facts, strict=True))
    columns = (*table.columns, Column("before", "Before", table.columns[0].kind))
    return replace(table, columns=columns, lines=tuple(lines), facts=tuple(facts), compared=True)


def _tables(report: Report) -> tuple[Figures, ...]:
    return (
        _volumes(report),
        _answers(report.answers, report.volumes.opened),
        _solutions(report.solutions, report.volumes.opened),
        _chats(report.chats, report.after_hours),
        _ratings(report),
        _groups("channels", "By channel", "Channel", report.channels),
        _groups("priorities", "By priority", "Priority", report.priorities),
        _groups("types", "By type", "Type", report.types),
        _groups("companies", "By company", "Company", report.companies),
        _technicians(report),
    )


def heading_of(report: Report, zone: tzinfo) -> tuple[str, str]:
    """Return whose report it is and of which days; and as of which moment, and what it is compared with."""
    at = report.as_of
    told = f"As of {say_full_date(at, zone)}, {say_time(at, zone)} {say_zone(at, zone)}."
    if report.earlier is not None:
        told += f" Before: {say_days(report.earlier.period)}."
    return f"{report.company or WHOLE_DESK}: {say_days(report.period)}", told


def say_days(period: Period) -> str:
    """Return a period as people read it: "October 1 to 31, 2026"."""
    first, last = period.first, period.last
    begins, ends = f"{first:%B} {first.day}", f"{last:%B} {last.day}, {last.year}"
    if first == last:
        return ends
    if first.year != last.year:
        return f"{begins}, {first.year} to {ends}"
    return f"{begins} to {last.day}, {last.year}" if first.month == last.month else f"{begins} to {ends}"


def say_figure(kind: Kind, value: Value) -> str:
    """Return a figure as people read it."""
    if value is None:
        return NOTHING
    if isinstance(value, timedelta):
        return say_took(value)
    if kind is Kind.SHARE:
        return f"{_rounded(value)} %"
    return f"{value:.1f}" if kind is Kind.SCORE else str(value)


def say_fact(fact: Fact, *, compared: bool) -> str:
    """Return a figure as people read it, and what it was before."""
    said = say_figure(fact.kind, fact.value)
    return f"{said} (before: {say_figure(fact.kind, fact.before)})" if compared else said


def report_csv(report: Report, zone: tzinfo) -> str:
    """Return the report as CSV (RFC 4180), a figure a line; text from outside is never run as a formula."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(("Table", "Name", "Figure", "Value", "Unit"))
    writer.writerows(_about(report, zone))
    for table in tables_of(report):
        for fact in table.facts:
            named = fact.kind.value.capitalize()
            writer.writerow((table.title, fact.title, named, *_written(fact.kind, fact.value)))
            if table.compared:
                before = _written(fact.kind, fact.before)
                writer.writerow((table.title, fact.title, f"{named} before", *before))
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
        "before": _days_json(report.earlier),
        **{table.key: _table_json(table) for table in tables_of(report)},
    }


def spreadsheet_safe(text: str) -> str:
    """Return one line that no spreadsheet takes for a formula: an apostrophe stands before one.

    Wide forms of these signs count as well, and what is not seen before one hides it from nobody.
    """
    line = clean_line(text)
    seen = "".join(char for char in unicodedata.normalize("NFKC", line) if unicodedata.category(char) != "Cf")
    return f"'{line}" if seen.lstrip().startswith(_RUN_AS_FORMULA) else line


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
    if report.earlier is not None:
        yield "Report", "Before, from", "First day", report.earlier.period.first.isoformat(), "day"
        yield "Report", "Before, to", "Last day", report.earlier.period.last.isoformat(), "day"
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
    facts: list[Json] = [
        {
            "key": fact.key,
            "name": fact.title,
            "value": _plain(fact.value),
            **({"before": _plain(fact.before)} if table.compared else {}),
        }
        for fact in table.facts
    ]
    return {"counts": table.counts, "facts": facts, "lines": lines}


def _days_json(report: Report | None) -> Json:
    if report is None:
        return None
    return {"from": report.period.first.isoformat(), "to": report.period.last.isoformat()}


def _plain(value: Value) -> int | float | None:
    return value.total_seconds() if isinstance(value, timedelta) else value
