"""Values of columns that several tables have, between the core's types and a driver's.

A value that this program cannot read raises ValueError: the row is at fault then, not the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from msgspec import DecodeError
from msgspec.json import Decoder
from msgspec.json import encode as to_json

from chatdesk.conversation import Author, AuthorKind

log = structlog.get_logger(__name__)

Value = TypeVar("Value")
Record = Mapping[str, Any]
"""One row as a driver gives it, by column name."""


def timestamp(at: datetime) -> str:
    """Write an aware moment as both databases read it, in UTC, so that text sorts as time does."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    if not utc.microsecond:
        return utc.isoformat(" ", "microseconds")
    # Every message passes here, and msgspec writes a time in a tenth of the time of isoformat.
    written = to_json(utc).decode()
    return f"{written[1:11]} {written[12:27]}+00:00"


def optional_timestamp(at: datetime | None) -> str | None:
    """Write a moment that may be missing."""
    return timestamp(at) if at else None


def moment(value: str | datetime) -> datetime:
    """Read a moment as either driver gives it; aware, UTC."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def optional_moment(value: str | datetime | None) -> datetime | None:
    """Read a moment that may be missing."""
    return moment(value) if value else None


def readable(make: Callable[[Record], Value], rows: Iterable[Record], key: str = "id") -> Iterator[Value]:
    """Make a value of each row; one that cannot be read is left out, and logged by the column ``key``."""
    for row in rows:
        try:
            yield make(row)
        except ValueError as error:
            log.error("row_unreadable", **{key: row[key]}, error=str(error))


def to_author(row: Record) -> Author:
    return Author(AuthorKind(row["author_kind"]), row["author_id"], row["author_name"])


def decoded(decoder: Decoder[Value], text: str) -> Value:
    """Read a value that is kept as JSON."""
    try:
        return decoder.decode(text)
    except DecodeError as error:
        raise ValueError(f"A value cannot be read: {error}") from error
