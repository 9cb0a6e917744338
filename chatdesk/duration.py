"""Durations as `chatdesk.toml` writes them: "15m", "2h", "5bd"."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TypeAlias

from msgspec import Struct

from chatdesk.errors import InvalidDuration

LONGEST_DAYS = 3650

_FORM = re.compile(r"([0-9]{1,9})(s|m|h|d|bd)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_HELP = "write a whole number and a unit: 90s, 15m, 2h, 1d or 5bd (business days)"


class BusinessDays(Struct, frozen=True):
    """A number of business days, 0 to 3650: days on which a calendar opens at least once."""

    days: int

    def __post_init__(self) -> None:
        if not 0 <= self.days <= LONGEST_DAYS:
            raise InvalidDuration(f"{self.days} business days is out of range: use 0 to {LONGEST_DAYS}")


Duration: TypeAlias = timedelta | BusinessDays


def parse_duration(text: object) -> Duration:
    """Read "90s", "15m", "2h", "1d" (24 hours each) or "5bd" (business days).

    Raises InvalidDuration for anything else, and for more than 3650 days.
    """
    if not isinstance(text, str):
        raise InvalidDuration(f"{text!r} is not a duration: {_HELP}, in quotes")
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise InvalidDuration(f"{text!r} is not a duration: {_HELP}")
    number, unit = int(form[1]), form[2]
    if unit == "bd":
        return BusinessDays(number)
    seconds = number * _SECONDS[unit]
    if seconds > LONGEST_DAYS * _SECONDS["d"]:
        raise InvalidDuration(f"{text!r} is too long: use at most {LONGEST_DAYS}d")
    return timedelta(seconds=seconds)
