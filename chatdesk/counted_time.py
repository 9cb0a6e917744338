"""From when a ticket's time counts, and when its clocks stood still, as its history tells [R17, R44]."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from chatdesk.changes import HistoryEntry
from chatdesk.sla import Counted
from chatdesk.ticket import DONE, PAUSED, Ticket


class _Reading(Struct):
    begun_at: datetime
    pauses: list[tuple[datetime, datetime]]
    paused_since: datetime | None = None


def counted_time(ticket: Ticket, history: Iterable[HistoryEntry], until: datetime) -> Counted:
    """Return how the ticket's time counts up to ``until`` (aware).

    It begins with the opening, and afresh with each re-opening. ``history`` is the ticket's, oldest first.
    """
    read = _Reading(ticket.opened_at, [])
    for entry in history:
        if entry.before is None or entry.after is None or entry.after is entry.before:
            continue
        if entry.before in DONE and entry.after not in DONE:
            read = _Reading(entry.at, [])
        elif entry.after in PAUSED:
            read.paused_since = entry.at
        elif read.paused_since is not None:
            read.pauses.append((read.paused_since, entry.at))
            read.paused_since = None
    if read.paused_since is not None and read.paused_since < until:
        read.pauses.append((read.paused_since, until))
    return Counted(read.begun_at, tuple(read.pauses))
