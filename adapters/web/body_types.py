"""What the fields of the console API's bodies may be; the live protocol's own are in frames."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from adapters.web.frames import MAX_TEXT

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Seq = Annotated[int, Field(ge=0, le=2**31 - 1)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Identity = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00]*$")]


def _near(at: datetime) -> datetime:
    # In another time zone the calendar's first and last days do not exist at all.
    if not 2000 <= at.year < 2200:
        raise ValueError("the date has to lie between 2000 and 2199")
    return at.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_near)]
"""A date and time with its time zone; UTC inside."""
