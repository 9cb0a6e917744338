"""A mail's bytes taken apart. Runs in a process of its own, with limits: see parser_process."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from email import message_from_bytes
from email.message import Message

from adapters.email.automatic import why_automatic
from adapters.email.body import BodyReader
from adapters.email.bounce import bounce_in
from adapters.email.header_values import (
    all_addresses,
    message_ids,
    one_address,
    raw_field,
    raw_fields,
    shown_field,
)
from adapters.email.html_text import clean_html
from adapters.email.parsed import LEFT_IN_MAILBOX, MAX_SIZE, ParsedMail, Unreadable
from adapters.email.remarks import with_remarks
from adapters.email.reply_split import LONGEST, SplitText, split_text
from chatdesk.plain_text import clean_text

MAX_HEADERS = 512 * 1024
"""Bytes of the header; mail servers take far less."""
MAX_RECIPIENTS = 200
MAX_VOUCHED = 20
_RECIPIENT_FIELDS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
_HEADER_END = re.compile(rb"\r?\n\r?\n|\r\r")


def parse_mail(source: bytes) -> tuple[ParsedMail, Sequence[bytes]]:
    """Return what is in the mail, and the contents of its attachments in their order.

    Raises Unreadable when it cannot be taken apart within the limits.
    """
    if len(source) > MAX_SIZE:
        raise Unreadable(f"It is larger than {MAX_SIZE // 1024 // 1024} MB.")
    if _header_size(source) > MAX_HEADERS:
        raise Unreadable(f"Its header is larger than {MAX_HEADERS // 1024} kB.")
    try:
        message = message_from_bytes(source)
        return _parsed(message, source)
    except (RecursionError, MemoryError) as error:
        raise Unreadable("It is nested too deeply or too large to be read.") from error


def _parsed(message: Message, source: bytes) -> tuple[ParsedMail, Sequence[bytes]]:
    reader = BodyReader(message)
    name, address = _sender(message)
    said = _split(clean_text(reader.body.text))
    mail = ParsedMail(
        message_id=next(iter(message_ids(raw_field(message, "Message-ID"))), ""),
        subject=shown_field(message, "Subject")[:500],
        sender=address,
        sender_name=name[:200],
        recipients=_recipients(message),
        in_reply_to=message_ids(raw_field(message, "In-Reply-To")),
        references=message_ids(raw_field(message, "References")),
        vouched=tuple(raw_fields(message, "Authentication-Results"))[:MAX_VOUCHED],
        automatic=why_automatic(message),
        text=with_remarks(said.new, reader.remarks),
        quoted=said.quoted,
        signature=said.signature,
        html=clean_html(reader.body.html) if reader.body.html else "",
        attachments=tuple(reader.attachments),
        left_out=tuple(reader.left_out[:100]),
        bounce=bounce_in(message),
        fingerprint=_fingerprint(message, source),
        is_header_only=LEFT_IN_MAILBOX in message,
    )
    return mail, reader.contents


def _header_size(source: bytes) -> int:
    end = _HEADER_END.search(source)
    return end.start() if end else len(source)


def _sender(message: Message) -> tuple[str, str]:
    fields = list(raw_fields(message, "From"))
    return one_address(fields[0]) if len(fields) == 1 else ("", "")


def _recipients(message: Message) -> tuple[str, ...]:
    fields = (field for name in _RECIPIENT_FIELDS for field in raw_fields(message, name))
    found = dict.fromkeys(address for field in fields for address in all_addresses(field))
    return tuple(found)[:MAX_RECIPIENTS]


def _split(text: str) -> SplitText:
    return split_text(text) if len(text) <= LONGEST else SplitText(text, "", "")


def _fingerprint(message: Message, source: bytes) -> str:
    """Return what a mail is known by however it came, "" for one without a Message-ID.

    Servers add fields on the way, so the header counts only as far as its author wrote it.
    """
    identity = raw_field(message, "Message-ID")
    if not identity:
        return ""
    end = _HEADER_END.search(source)
    body = source[end.end() :].replace(b"\r\n", b"\n").strip() if end else b""
    digest = hashlib.sha256()
    # Programs write the same mail each day, some under the same Message-ID.
    for part in (identity, *(raw_field(message, name) for name in ("From", "Subject", "Date"))):
        digest.update(part.encode("utf-8", "replace") + b"\0")
    digest.update(body)
    return digest.hexdigest()[:40]
