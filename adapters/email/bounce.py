"""Reports that a mail could not be delivered (RFC 3464): which of our mails, to whom, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.message import Message

from adapters.email.header_values import message_ids, raw_field
from adapters.email.parsed import Bounce, Undelivered
from chatdesk.plain_text import clean_line

MAX_RECIPIENTS = 100
_MESSAGE_ID = re.compile(r"(?im)^message-id:\s*(<[^<>\s]{1,250}>)")


def bounce_in(message: Message) -> Bounce | None:
    """Return what a delivery status notification says, None for any other mail."""
    if message.get_content_type() != "multipart/report":
        return None
    failures: list[Undelivered] = []
    original = ""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            failures += filter(None, map(_failure, _blocks(part)))
        elif kind == "text/rfc822-headers":
            found = _MESSAGE_ID.search(str(part.get_payload()))
            original = original or (found[1] if found else "")
        elif part is not message and raw_field(part, "Message-ID"):
            original = original or next(iter(message_ids(raw_field(part, "Message-ID"))), "")
    return Bounce(original, tuple(failures[:MAX_RECIPIENTS])) if original else None


def _blocks(part: Message) -> Iterator[Mapping[str, str]]:
    """Yield the fields of the report and of each of its recipients: they stand in blocks of their own."""
    payload = part.get_payload()
    for block in payload if isinstance(payload, list) else ():
        if isinstance(block, Message):
            yield {name.lower(): str(value) for name, value in block.items()}


def _failure(fields: Mapping[str, str]) -> Undelivered | None:
    """Return what the block of one recipient says, None when the mail has not failed for it."""
    status = fields.get("status", "").strip()
    if fields.get("action", "").strip().lower() != "failed" and not status.startswith("5"):
        return None
    # A mailbox that hands its mail on to another is known to us by its first name only.
    recipient = fields.get("original-recipient") or fields.get("final-recipient", "")
    reason = fields.get("diagnostic-code", "").partition(";")[2].strip() or status
    address = clean_line(recipient.rpartition(";")[2]).strip("<> ").lower()
    return Undelivered(address[:254], clean_line(reason)[:500])
