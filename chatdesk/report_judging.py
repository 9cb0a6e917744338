"""The rules by which a report judges one ticket or chat: pure, with the moment as an argument."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from chatdesk.changes import OPENED, OUTSIDE_HOURS
from chatdesk.config import Config
from chatdesk.counted_time import counted_time
from chatdesk.merging import folded
from chatdesk.queue_words import QueueStep, queue_step
from chatdesk.report_reading import From, OpenedTicket
from chatdesk.sla import due_after_pause, resolve_by, respond_by, target_of

UNKNOWN = "Not known"
"""The company of a ticket on which none is written."""


class Verdict(StrEnum):
    """How something that was owed stands: OVER is what nobody owes any more, AT_ONCE what was answered
    when it came."""

    MET = "met"
    MISSED = "missed"
    OPEN = "open"
    NO_TARGET = "no target"
    OVER = "over"
    AT_ONCE = "at once"


class Judged(Struct, frozen=True):
    """How something owed stands, and how long it took from the ticket's opening; None: not done yet."""

    verdict: Verdict
    took: timedelta | None = None


class ChatEnd(StrEnum):
    """How waiting in a live chat ended."""

    JOINED = "joined"
    NOBODY_CAME = "nobody came"
    LEFT = "left"
    WAITING = "waiting"
    OTHERWISE = "otherwise"


class Waited(Struct, frozen=True):
    """A live chat's waiting: how it ended, and after what time a technician joined, whenever that was."""

    end: ChatEnd
    joined_after: timedelta | None = None


def judge_answer(config: Config, row: OpenedTicket, now: datetime) -> Judged:
    """Judge the first response against its target, which pauses move [R41, R44].

    The ticket holds when it was answered, not by when it had to be: that follows from the desk's present
    targets, by the same rule that made it due. A call or request that a technician wrote down was answered
    as it came.
    """
    ticket = row.ticket
    answered = ticket.first_response_at
    if answered is not None and answered <= ticket.opened_at:
        return Judged(Verdict.AT_ONCE)
    if answered is None and not ticket.is_active:
        return Judged(Verdict.OVER)
    until = answered or now
    counted = counted_time(ticket, (entry for entry in row.history if entry.at <= until), until)
    target = target_of(config, ticket)
    due = respond_by(config, ticket.channel, target, counted.begun_at, counted.pauses)
    return _judged(due, ticket.opened_at, answered, now)


def judge_solution(config: Config, row: OpenedTicket, now: datetime) -> Judged:
    """Judge the resolution against the ticket's due time, as pauses and re-opening move it [R17, R44]."""
    ticket = row.ticket
    if not (ticket.is_active or ticket.is_done):
        return Judged(Verdict.OVER)
    done_at = ticket.resolved_at if ticket.is_done else None
    return _judged(_solution_due(config, row, now), ticket.opened_at, done_at, now)


def _solution_due(config: Config, row: OpenedTicket, now: datetime) -> datetime | None:
    """Return by when it had to be resolved, as it holds itself once it was answered.

    Before that, and while a promise counts, it is due by something else.
    """
    ticket = row.ticket
    if ticket.first_response_at is not None and not ticket.due_as_promised:
        return due_after_pause(config, ticket, now)
    counted = counted_time(ticket, row.history, ticket.resolved_at or now)
    return resolve_by(config, target_of(config, ticket), counted.begun_at, counted.pauses)


def _judged(due: datetime | None, begun_at: datetime, done_at: datetime | None, now: datetime) -> Judged:
    took = None if done_at is None else done_at - begun_at
    if due is None:
        return Judged(Verdict.NO_TARGET, took)
    if done_at is not None:
        return Judged(Verdict.MET if done_at <= due else Verdict.MISSED, took)
    return Judged(Verdict.OPEN if now <= due else Verdict.MISSED)


def waited(row: OpenedTicket) -> Waited | None:
    """Return how the waiting ended in the live chat that opened the ticket; None for no live chat [R24, R25].

    What came first counts: somebody who went on waiting after nobody had come in time was not taken in time.
    """
    opened_at = row.ticket.opened_at
    steps = [(word.at, step) for word in row.words if (step := queue_step(word.text)) is not None]
    if not steps or steps[0] != (opened_at, QueueStep.QUEUED):
        return None
    joined = next((at - opened_at for at, step in steps if step is QueueStep.JOINED), None)
    ended = next((step for _, step in steps if step is not QueueStep.QUEUED), None)
    if ended is not None:
        return Waited(ChatEnd(ended.value), joined)
    return Waited(ChatEnd.WAITING if row.waits else ChatEnd.OTHERWISE)


def came_after_hours(row: OpenedTicket) -> bool:
    """Tell whether it was opened by a survey outside the hours of its channel [R27]."""
    return any(entry.what == OPENED and entry.why == OUTSIDE_HOURS for entry in row.history)


def company_of(config: Config, origin: From) -> tuple[str, str]:
    """Return the id, "" for a company that the desk's file does not have, and the name of a ticket's company.

    It is the one that the way in told; otherwise the one whose name was typed, however it was spaced and
    capitalised.
    """
    known = config.company(origin.company_id)
    if known is not None:
        return known.id, known.name
    typed = folded(origin.company)
    named = next((company for company in config.companies if folded(company.name) == typed), None)
    if named is not None:
        return named.id, named.name
    return "", " ".join(origin.company.split()) or origin.company_id or UNKNOWN
