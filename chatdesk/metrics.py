"""What can be measured of a desk: each batch as it is committed, and how much there is at the moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import Struct, field


class BatchReport(Struct, frozen=True):
    """One batch that was worked off in ``seconds``; ``results`` has each event's type and what became of it.

    A result is ``done``, ``repeated``, ``refused``, ``set_aside`` or ``not_stored``.
    """

    results: Sequence[tuple[str, str]]
    seconds: float


class Figures(Struct, frozen=True):
    """How much there is now: waiting customers, active tickets and unfinished deliveries by status.

    ``overdue`` is how long the oldest delivery that is due has been waiting.
    """

    waiting: int = 0
    tickets: Mapping[str, int] = field(default_factory=dict)
    outbox: Mapping[str, int] = field(default_factory=dict)
    overdue: timedelta = timedelta(0)
    set_aside: int = 0


async def no_figures() -> Figures:
    """Report an empty desk."""
    return Figures()
