"""What is said of parts that the desk cannot read as text: encrypted ones, invitations, mails within a mail.

Each stays a file of the message; the remark tells a reader what it is before they open it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email.message import Message

from adapters.email.header_values import one_address, shown_field
from adapters.email.tnef import KINDS as TNEF
from chatdesk.plain_text import clean_line

PGP_BLOCK = "-----BEGIN PGP MESSAGE-----"
BY_PGP = (
    "This mail is encrypted (PGP), and the desk cannot read it. Ask its sender to write without encryption."
)
BY_SMIME = BY_PGP.replace("PGP", "S/MIME")
SEALED = (
    "This mail is signed or encrypted (S/MIME), and the desk cannot read it. Ask its sender for a plain one."
)
OF_WHOLE_MAIL = frozenset({BY_PGP, BY_SMIME, SEALED})
"""Where there is text beside them, what they are about is a file of the mail."""
PACKED = (
    "Files of this mail may be in winmail.dat, which only Outlook opens. Ask its sender to send them anew."
)
MAX_CALENDAR, MAX_WORDS = 200_000, 200
_SMIME = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_METHODS = {"REPLY": "An answer to an invitation", "CANCEL": "A cancelled invitation"}
_DATE = re.compile(r"([0-9]{8})(?:T([0-9]{4})[0-9]{2}(Z?))?")


def with_remarks(text: str, remarks: Sequence[str]) -> str:
    """Return the text of a mail with what is said of its parts."""
    said = [one for one in remarks if not (text.strip() and one in OF_WHOLE_MAIL)]
    if PGP_BLOCK in text:
        said.append(BY_PGP)
    return "\n\n".join(filter(None, (text, *(f"({one})" for one in said))))


def remark_on(part: Message, kind: str, content: bytes) -> str:
    """Return what a reader is told of this part, "" where nothing has to be said."""
    if kind in _SMIME:
        sealed = "enveloped" not in str(part.get_param("smime-type", "")).lower()
        return SEALED if sealed else BY_SMIME
    if kind == "application/pgp-encrypted":
        return BY_PGP
    if kind in TNEF:
        return PACKED
    if kind == "text/calendar":
        return _invitation(content[:MAX_CALENDAR].decode("utf-8", "replace"))
    return _mail_within(part) if kind == "message/rfc822" else ""


def subject_within(part: Message) -> str:
    """Return the subject of a mail that is a part of another, "" where there is none."""
    inner = _inner(part)
    return shown_field(inner, "Subject")[:MAX_WORDS].strip() if inner is not None else ""


def _mail_within(part: Message) -> str:
    inner = _inner(part)
    if inner is None:
        return ""
    name, address = one_address(str(inner.get("From", "")))
    sender = clean_line(name or address)[:MAX_WORDS]
    subject = subject_within(part) or "without a subject"
    return f"Attached mail: {subject}{f', from {sender}' if sender else ''}."


def _inner(part: Message) -> Message | None:
    payload = part.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload else None
    return inner if isinstance(inner, Message) else None


def _invitation(text: str) -> str:
    """Return what an iCalendar object is about (RFC 5545), and when it begins."""
    unfolded = re.sub(r"\r?\n[ \t]", "", text)
    event = unfolded.partition("BEGIN:VEVENT")[2]
    said = [_METHODS.get(_value(unfolded, "METHOD")[1].upper(), "An invitation")]
    summary = re.sub(r"\\([,;\\])", r"\1", _value(event, "SUMMARY")[1])
    words = [clean_line(summary.replace("\\n", " "))[:MAX_WORDS], _begins(*_value(event, "DTSTART"))]
    return ": ".join([*said, *filter(None, [", ".join(filter(None, words))])]) + "."


def _value(text: str, name: str) -> tuple[str, str]:
    """Return the parameters and the value of the first property of that name."""
    found = re.search(rf"(?im)^{name}((?:;[^:\r\n]*)?):([^\r\n]*)", text)
    return (found[1], found[2].strip()) if found else ("", "")


def _begins(parameters: str, value: str) -> str:
    found = _DATE.match(value)
    try:
        day = datetime.strptime(found[1], "%Y%m%d") if found else None  # noqa: DTZ007 - a date alone
    except ValueError:
        return ""
    if found is None or day is None:
        return ""
    said = f"{day:%B} {day.day}, {day.year}"
    if not found[2]:
        return said
    zone = re.search(r'(?i)TZID="?([^";:]{1,60})', parameters)
    where = " UTC" if found[3] else f" ({clean_line(zone[1])})" if zone else ""
    return f"{said}, {found[2][:2]}:{found[2][2:]}{where}"
