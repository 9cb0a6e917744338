"""Readers of durations: 15m, 2h, 1d and, where business days make sense, 5bd."""

from __future__ import annotations

from datetime import timedelta

from chatdesk.duration import BusinessDays, Duration, parse_duration
from chatdesk.errors import InvalidDuration
from chatdesk.settings.values import Reader, unusable


def duration(value: object) -> Duration:
    """Read a duration longer than nothing, in time or in business days."""
    found = _parsed(value, 'write one such as "15m", "2h", "1d" or "5bd"')
    if found in (timedelta(0), BusinessDays(0)):
        raise unusable(value, "is no time at all; write a duration, or leave the key out.")
    return found


def span(shortest: timedelta, longest: timedelta) -> Reader[timedelta]:
    """Read a duration in time, not in business days, within two bounds, both included."""

    def read(value: object) -> timedelta:
        found = _parsed(value, 'write one such as "3m", "2h" or "1d"')
        if isinstance(found, BusinessDays):
            raise unusable(
                value, 'is in business days, which do not count here; write "5d" or "8h", for example.'
            )
        if not shortest <= found <= longest:
            raise unusable(
                value, f"is not allowed; write a duration from {_short(shortest)} to {_short(longest)}."
            )
        return found

    return read


def _parsed(value: object, advice: str) -> Duration:
    if not isinstance(value, str):
        raise unusable(value, f"is not a duration; {advice}, in quotes.")
    try:
        return parse_duration(value)
    except InvalidDuration:
        raise unusable(value, f"is not a duration; {advice}.") from None


def _short(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds // 86400}d" if seconds % 86400 == 0 else f"{seconds}s"
