"""Dates that staff set on a ticket: a slip of the keyboard must not put it away for centuries."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatdesk.errors import EventRefused

FURTHEST = timedelta(days=2 * 366)


def check_not_far(date: datetime, at: datetime, field: str) -> None:
    """Raise EventRefused for a date more than two years after ``at``; ``field`` names where it was set."""
    if date - at > FURTHEST:
        raise EventRefused("Choose a date within the next two years.", code="date", field=field)
