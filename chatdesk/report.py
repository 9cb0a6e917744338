"""A report: what a period's tickets, chats and ratings come to, for the whole desk or one client company."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from chatdesk.report_period import Period


class Volumes(Struct, frozen=True):
    """What happened in the period, and how many tickets were open when it ended, or are while it goes on."""

    opened: int
    resolved: int
    reopened: int
    cancelled: int
    merged: int
    open_at_end: int


class Times(Struct, frozen=True):
    """How long something took: of ``count`` times the middle one, and that which nine of ten did not pass."""

    count: int = 0
    median: timedelta | None = None
    ninetieth: timedelta | None = None


class Kept(Struct, frozen=True):
    """How what was owed to the period's tickets stands; all but ``missed_open`` add up to the tickets.

    ``missed_open`` are those of ``missed`` for which it has not been done to this day.
    """

    met: int
    missed: int
    missed_open: int
    open: int
    no_target: int
    over: int
    at_once: int
    times: Times

    @property
    def share(self) -> float | None:
        """Of those met and missed the part that was met; None without any."""
        return share_met(self.met, self.missed)


class Group(Struct, frozen=True):
    """The period's tickets of one channel, priority, type or company; ``key`` is for programs.

    ``answers`` and ``solutions`` are the shares that met their targets; None where nothing was owed.
    """

    key: str
    name: str
    opened: int
    answers: float | None
    solutions: float | None


class Technician(Struct, frozen=True):
    """What one did: first responses to the period's tickets, resolutions within the period.

    ``id`` is "" for customers who said themselves that a matter was solved.
    """

    id: str
    name: str
    answered: int
    resolved: int


class Chats(Struct, frozen=True):
    """The live chats that opened the period's tickets; all but ``joined_late`` add up to ``begun``.

    ``joined_late`` are those in which a technician joined although nobody had come in time.
    """

    begun: int
    joined: int
    nobody_came: int
    joined_late: int
    left: int
    waiting: int
    otherwise: int
    times: Times


class Ratings(Struct, frozen=True):
    """Customers' ratings; ``scores`` are how many gave 1, 2, 3, 4 and 5."""

    scores: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.scores)

    @property
    def average(self) -> float | None:
        """The mean score; None without ratings."""
        total = sum(score * count for score, count in enumerate(self.scores, start=1))
        return total / self.count if self.count else None


class Report(Struct, frozen=True):
    """All figures of a period, as of ``as_of`` (aware, UTC). ``company`` is a name, "" for the whole desk.

    ``earlier`` is the report on the days before, None where nothing happened on them.
    """

    period: Period
    as_of: datetime
    company: str
    volumes: Volumes
    answers: Kept
    solutions: Kept
    channels: tuple[Group, ...]
    priorities: tuple[Group, ...]
    types: tuple[Group, ...]
    companies: tuple[Group, ...]
    technicians: tuple[Technician, ...]
    chats: Chats
    after_hours: int
    ratings: Ratings
    earlier: Report | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened: no ticket was opened or open, and none rated or resolved."""
        found = self.volumes
        happened = found.opened + found.resolved + found.reopened + found.cancelled + found.merged
        return not (happened or found.open_at_end or self.ratings.count)


def share_met(met: int, missed: int) -> float | None:
    """Return the part that was met; None where nothing was owed."""
    return met / (met + missed) if met or missed else None
