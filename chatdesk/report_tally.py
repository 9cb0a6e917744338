"""Counts a report's rows as they are read, and makes the report of them."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from chatdesk.channels import LABELS
from chatdesk.config import Config
from chatdesk.conversation import Author, AuthorKind, ConversationId
from chatdesk.merging import folded
from chatdesk.report import Chats, Group, Kept, Ratings, Report, Technician, Times, Volumes, share_met
from chatdesk.report_judging import (
    ChatEnd,
    Judged,
    Verdict,
    Waited,
    came_after_hours,
    company_of,
    judge_answer,
    judge_solution,
    waited,
)
from chatdesk.report_period import Period
from chatdesk.report_reading import (
    EndMoved,
    From,
    MovedLater,
    OpenedTicket,
    OpenTicketNow,
    RatingGiven,
    ReportReads,
)
from chatdesk.ticket import DONE, Priority, TicketNumber, TicketStatus, TicketType

CUSTOMERS = "Customers themselves"
"""Who resolved what a customer said is solved."""
SCORES = range(1, 6)
Row = TypeVar("Row")


class _Counted(Struct):
    """The tickets of one group so far."""

    name: str
    opened: int = 0
    answers: Counter[Verdict] = field(default_factory=Counter)
    solutions: Counter[Verdict] = field(default_factory=Counter)

    def add(self, answer: Judged, solution: Judged) -> None:
        self.opened += 1
        self.answers[answer.verdict] += 1
        self.solutions[solution.verdict] += 1

    def group(self, key: str) -> Group:
        answers, solutions = (
            share_met(found[Verdict.MET], found[Verdict.MISSED]) for found in (self.answers, self.solutions)
        )
        return Group(key, self.name, self.opened, answers, solutions)


class Tally:
    """Counts rows of ``period`` as of ``now`` (aware); where ``company`` is an id, of that company alone.

    A row that is handed over twice is counted twice. Nothing here waits or does I/O.
    """

    def __init__(self, config: Config, period: Period, now: datetime, company: str = "") -> None:
        self._config = config
        self._period = period
        self._now = now
        self._company = company
        self._answers: list[Judged] = []
        self._solutions: list[Judged] = []
        self._groups: dict[str, dict[str, _Counted]] = {}
        self._answered_by: Counter[str] = Counter()
        self._resolved_by: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._chats: list[Waited] = []
        self._after_hours = 0
        self._moves: Counter[str] = Counter()
        self._was_open: dict[TicketNumber, bool] = {}
        self._open: set[TicketNumber] = set()
        self._ratings: dict[ConversationId, int] = {}

    def add_opened(self, rows: Iterable[OpenedTicket]) -> None:
        """Count tickets that were opened in the period."""
        for row in self._wanted(rows, lambda row: row.origin):
            answer = judge_answer(self._config, row, self._now)
            solution = judge_solution(self._config, row, self._now)
            self._answers.append(answer)
            self._solutions.append(solution)
            for of, key, name in self._groups_of(row):
                self._groups.setdefault(of, {}).setdefault(key, _Counted(name)).add(answer, solution)
            if row.answered_by is not None:
                self._answered_by[self._known(row.answered_by)] += 1
            chat = waited(row)
            if chat is not None:
                self._chats.append(chat)
            self._after_hours += came_after_hours(row)

    def add_moved(self, rows: Iterable[EndMoved]) -> None:
        """Count what ended tickets in the period, or opened them again."""
        for row in self._wanted(rows, lambda row: row.origin):
            move = _move(row)
            self._moves[move] += 1
            if move == TicketStatus.RESOLVED:
                self._resolved_by[self._known(row.entry.by)] += 1

    def add_later(self, rows: Iterable[MovedLater]) -> None:
        """Count what became of the tickets later: the first of each tells what it was at the period's end."""
        for row in self._wanted(rows, lambda row: row.origin):
            _ = self._was_open.setdefault(row.number, row.was_open)

    def add_open(self, rows: Iterable[OpenTicketNow]) -> None:
        """Count tickets that are open now."""
        found = self._wanted(rows, lambda row: row.origin)
        self._open.update(row.number for row in found if row.opened_at < self._period.ends)

    def add_ratings(self, rows: Iterable[RatingGiven]) -> None:
        """Count ratings; of several of one chat the last."""
        self._ratings |= {row.conversation: row.score for row in self._wanted(rows, lambda row: row.origin)}

    def report(self) -> Report:
        """Return what has been counted."""
        company = self._config.company(self._company)
        return Report(
            self._period,
            self._now,
            company.name if company else self._company,
            self._volumes(),
            _kept(self._answers),
            _kept(self._solutions),
            self._found("channel", lambda group: (-group.opened, group.name)),
            self._found("priority", lambda group: Priority(group.key).rank),
            self._found("type", lambda group: list(TicketType).index(TicketType(group.key))),
            self._found("company", lambda group: (-group.opened, group.name.casefold())),
            self._technicians(),
            _chats(self._chats),
            self._after_hours,
            Ratings(tuple(list(self._ratings.values()).count(score) for score in SCORES)),
        )

    def _wanted(self, rows: Iterable[Row], origin: Callable[[Row], From]) -> Iterable[Row]:
        if not self._company:
            return rows
        return (row for row in rows if company_of(self._config, origin(row))[0] == self._company)

    def _groups_of(self, row: OpenedTicket) -> Iterable[tuple[str, str, str]]:
        ticket = row.ticket
        channel = self._config.channels.get(ticket.channel)
        label = (channel.label if channel else "") or LABELS.get(ticket.channel, ticket.channel)
        company, name = company_of(self._config, row.origin)
        yield "channel", ticket.channel, label
        yield "priority", ticket.priority.value, ticket.priority.value.capitalize()
        yield "type", ticket.type.value, ticket.type.value.capitalize()
        yield "company", company or f"typed:{folded(name)}", name

    def _known(self, author: Author) -> str:
        """Return by what somebody is counted, and note their latest name."""
        if author.kind is AuthorKind.CUSTOMER:
            self._names[""] = CUSTOMERS
            return ""
        self._names[author.id] = author.name
        return author.id

    def _volumes(self) -> Volumes:
        unmoved = self._open.difference(self._was_open)
        return Volumes(
            opened=len(self._answers),
            resolved=self._moves[TicketStatus.RESOLVED],
            reopened=self._moves[_REOPENED],
            cancelled=self._moves[TicketStatus.CANCELLED],
            merged=self._moves[TicketStatus.MERGED],
            open_at_end=len(unmoved) + sum(self._was_open.values()),
        )

    def _found(self, of: str, key: Callable[[Group], Any]) -> tuple[Group, ...]:
        groups = [counted.group(name) for name, counted in self._groups.get(of, {}).items()]
        return tuple(sorted(groups, key=key))

    def _technicians(self) -> tuple[Technician, ...]:
        found = [
            Technician(one, name, self._answered_by[one], self._resolved_by[one])
            for one, name in self._names.items()
        ]
        return tuple(sorted(found, key=lambda one: (not one.id, -one.answered - one.resolved, one.name)))


_REOPENED = "re-opened"


async def make_report(
    config: Config, reads: ReportReads, period: Period, now: datetime, company: str = ""
) -> Report:
    """Read and count what the period has, and the days before it, as of ``now`` (aware). Raises StorageError.

    ``company`` is the id of one company, "" for the whole desk.
    """
    periods = (period, period.before(config.desk.timezone))
    tallies = [Tally(config, one, now, company) for one in periods]
    # First, and once for both: what ends meanwhile is among what moved later, and counted once.
    async for page in reads.open_now():
        for tally in tallies:
            tally.add_open(page)
    for one, tally in zip(periods, tallies, strict=True):
        await _each(reads.opened(one.begins, one.ends), tally.add_opened)
        await _each(reads.ends_moved(one.begins, one.ends), tally.add_moved)
        await _each(reads.moved_later(one.ends), tally.add_later)
        await _each(reads.ratings(one.begins, one.ends), tally.add_ratings)
    made, earlier = (tally.report() for tally in tallies)
    return made if earlier.is_empty else replace(made, earlier=earlier)


async def _each(pages: AsyncIterator[Sequence[Row]], add: Callable[[Sequence[Row]], None]) -> None:
    async for page in pages:
        add(page)


def _move(row: EndMoved) -> str:
    """Return what an entry did: the state by which the ticket was over, or that it was opened again.

    "" for what only goes on with its end, as what was resolved is closed.
    """
    before, after = row.entry.before, row.entry.after
    if before in DONE:
        return "" if after in DONE else _REOPENED
    return after.value if after is not None else ""


def _kept(judged: Sequence[Judged]) -> Kept:
    found = Counter(one.verdict for one in judged)
    return Kept(
        met=found[Verdict.MET],
        missed=found[Verdict.MISSED],
        missed_open=sum(one.verdict is Verdict.MISSED and one.took is None for one in judged),
        open=found[Verdict.OPEN],
        no_target=found[Verdict.NO_TARGET],
        over=found[Verdict.OVER],
        at_once=found[Verdict.AT_ONCE],
        times=times_of([one.took for one in judged if one.took is not None]),
    )


def _chats(chats: Sequence[Waited]) -> Chats:
    found = Counter(chat.end for chat in chats)
    in_time = [c.joined_after for c in chats if c.end is ChatEnd.JOINED and c.joined_after is not None]
    return Chats(
        begun=len(chats),
        joined=found[ChatEnd.JOINED],
        nobody_came=found[ChatEnd.NOBODY_CAME],
        joined_late=sum(c.end is ChatEnd.NOBODY_CAME and c.joined_after is not None for c in chats),
        left=found[ChatEnd.LEFT],
        waiting=found[ChatEnd.WAITING],
        otherwise=found[ChatEnd.OTHERWISE],
        times=times_of(in_time),
    )


def times_of(took: Sequence[timedelta]) -> Times:
    """Return the median (of an even number the mean of the middle two) and the 90th percentile.

    That is the shortest of the times which at least nine of ten did not pass (nearest rank).
    """
    if not took:
        return Times()
    seconds = sorted(span.total_seconds() for span in took)
    ninetieth = seconds[math.ceil(0.9 * len(seconds)) - 1]
    return Times(len(seconds), timedelta(seconds=statistics.median(seconds)), timedelta(seconds=ninetieth))
