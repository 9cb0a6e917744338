"""What was found in a mail: plain values that the process which parses hands back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MAX_SIZE = 60 * 1024 * 1024
"""Bytes of the largest mail that is read; a larger one is held."""
MAX_HEAD = 64 * 1024
"""Bytes of the header of a mail that cannot be read: its sender and subject stand there."""


def head_of(source: bytes) -> bytes:
    """Return the header of a mail, or its beginning."""
    ends = (source.find(end, 0, MAX_HEAD) for end in (b"\r\n\r\n", b"\n\n"))
    return source[: min((end for end in ends if end >= 0), default=MAX_HEAD)]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail; ``cid`` names a picture that stands in the text. ``size`` is in bytes."""

    name: str
    media_type: str
    size: int
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Whom a mail did not reach, "" when that is not said, and why."""

    recipient: str
    reason: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a delivery status notification says (RFC 3464) of the mail with that Message-ID.

    There are no ``failures`` while the mail is only delayed, or has arrived.
    """

    message_id: str
    failures: tuple[Undelivered, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A mail taken apart.

    ``sender`` is the one plain address in From, "" when there is not exactly one. ``recipients`` are all
    addresses it was sent to. ``vouched`` are the Authentication-Results fields, topmost first. ``automatic``
    says why it counts as written by a program, "" for a person's. ``text`` is what is new, without the
    ``quoted`` history and the ``signature``. ``html`` is sanitised. ``left_out`` names attachments that
    were too many. ``is_header_only`` says that the rest was too large, or could not be fetched.
    """

    message_id: str = ""
    subject: str = ""
    sender: str = ""
    sender_name: str = ""
    recipients: tuple[str, ...] = ()
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    vouched: tuple[str, ...] = ()
    automatic: str = ""
    text: str = ""
    quoted: str = ""
    signature: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    left_out: tuple[str, ...] = ()
    bounce: Bounce | None = None
    fingerprint: str = ""
    is_header_only: bool = False


@cache
def parsed_adapter() -> TypeAdapter[ParsedMail]:
    """Return what writes and reads a parsed mail as JSON."""
    # Its library is needed by who gets mail, and not before that.
    from pydantic import TypeAdapter

    return TypeAdapter(ParsedMail)


LEFT_IN_MAILBOX = "X-Chatdesk-Left-In-Mailbox"
"""A header field that is put on what was fetched of a mail that is too large, or that cannot be fetched."""


class Unreadable(Exception):
    """A mail cannot be taken apart within the limits; the text says why."""
