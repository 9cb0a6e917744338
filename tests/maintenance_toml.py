"""Maintenance that goes on or comes at a moment of a test's choice, as a desk's file has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatdesk.settings.staff import WEEKDAYS


def maintenance(opens: datetime, length: timedelta, name: str = "Windows patching") -> str:
    """Return a window that opens at ``opens`` and each week then, for a desk whose time zone is UTC."""
    begin, end = opens.astimezone(UTC), (opens + length).astimezone(UTC)
    return (
        f'\n[[maintenance]]\nname = "{name}"\non = "{WEEKDAYS[begin.weekday()]}"\n'
        f'window = "{begin:%H:%M}-{end:%H:%M}"\n'
    )


def going_on() -> str:
    """Return a window that has been open for an hour and stays open for another."""
    return maintenance(datetime.now(UTC) - timedelta(hours=1), timedelta(hours=2))


def coming() -> str:
    """Return a window that opens in two hours: whatever the time is, it is announced already."""
    return maintenance(datetime.now(UTC) + timedelta(hours=2), timedelta(hours=2))
