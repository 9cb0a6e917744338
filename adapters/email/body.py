"""The parts of a mail: which are its text, which its HTML, which are files. Limits hold everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from adapters.email.header_values import decoded, raw_field, to_text
from adapters.email.html_text import html_to_text
from adapters.email.parsed import Attachment, Unreadable
from adapters.email.remarks import remark_on, subject_within
from adapters.email.tnef import KINDS as TNEF
from adapters.email.tnef import unpack
from chatdesk.file_name import clean_file_name
from chatdesk.plain_text import clean_line

MAX_DEPTH = 40
MAX_PARTS = 500
MAX_ATTACHMENTS, MAX_REMARKS = 50, 10
MAX_TEXT = 1_000_000
"""Characters of one text part; the rest is in the original."""
UNKNOWN = "application/octet-stream"
_EXTENSIONS = {
    "text/calendar": "invitation.ics",
    **dict.fromkeys(TNEF, "winmail.dat"),
    "message/rfc822": "message.eml",
    "application/pkcs7-mime": "smime.p7m",
    "application/pgp-encrypted": "version.asc",
    UNKNOWN: "file.bin",
    "image/png": "picture.png",
    "image/jpeg": "picture.jpg",
    "image/gif": "picture.gif",
}


@dataclass(frozen=True, slots=True)
class Body:
    """What a part comes to: its text and its HTML, either may be ""."""

    text: str = ""
    html: str = ""


class BodyReader:
    """Takes a mail apart, once: ``body`` is what it says, ``attachments`` and ``contents`` are its files.

    ``remarks`` say what its reader has to know of parts that are no text. Raises Unreadable for one that is
    nested too deeply or has too many parts.
    """

    def __init__(self, message: Message) -> None:
        self.attachments: list[Attachment] = []
        self.contents: list[bytes] = []
        self.left_out: list[str] = []
        self.remarks: list[str] = []
        self._parts = 0
        self.body = self._read(message, 0)

    def _read(self, part: Message, depth: int) -> Body:
        self._parts += 1
        if depth > MAX_DEPTH:
            raise Unreadable(f"Its parts are nested more than {MAX_DEPTH} deep.")
        if self._parts > MAX_PARTS:
            raise Unreadable(f"It has more than {MAX_PARTS} parts.")
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            return self._multipart(part, depth)
        kind = part.get_content_type()
        if _is_file(part, kind):
            self._attach(part, kind, whole_mail=not depth)
            return Body()
        text = _content(part)
        if kind == "text/html":
            return Body(html_to_text(text), text)
        return Body(_unflowed(text, part))

    def _multipart(self, part: Message, depth: int) -> Body:
        children = [self._read(child, depth + 1) for child in _children(part)]
        if part.get_content_subtype() == "alternative":
            plain = next((child.text for child in children if child.text.strip() and not child.html), "")
            html = next((child.html for child in reversed(children) if child.html), "")
            rich = next((child.text for child in children if child.html), "")
            return Body(plain or rich, html)
        texts = [child.text for child in children if child.text.strip()]
        return Body("\n".join(texts), "\n".join(child.html for child in children if child.html))

    def _attach(self, part: Message, kind: str, *, whole_mail: bool) -> None:
        given = _file_name(part) or (kind == "message/rfc822" and _named_by_subject(part))
        name = clean_file_name(given or _EXTENSIONS.get(kind, "file"))
        content = _bytes(part)
        if not content:
            return
        if kind in TNEF and self._unpack(content) and not whole_mail:
            return
        self._remark(remark_on(part, kind, content))
        cid = clean_line(str(part.get("Content-ID", "")))[:200].strip("<> ")
        self._keep(name, kind[:100], content, cid)

    def _unpack(self, content: bytes) -> bool:
        """Keep the files in a winmail.dat; tell whether they are all that is in it but the mail's text."""
        try:
            unpacked = unpack(content)
        except Unreadable:
            return False
        for file in unpacked.files:
            self._keep(clean_file_name(file.name), UNKNOWN, file.content)
        return unpacked.whole

    def _keep(self, name: str, kind: str, content: bytes, cid: str = "") -> None:
        if len(self.attachments) >= MAX_ATTACHMENTS:
            self.left_out.append(name)
            return
        self.attachments.append(Attachment(name, kind, len(content), cid))
        self.contents.append(content)

    def _remark(self, remark: str) -> None:
        if remark and remark not in self.remarks and len(self.remarks) < MAX_REMARKS:
            self.remarks.append(remark)


def _named_by_subject(part: Message) -> str:
    subject = subject_within(part)
    return f"{subject[:80]}.eml" if subject else ""


def _children(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    for child in payload if isinstance(payload, list) else ():
        if isinstance(child, Message):
            yield child


def _is_file(part: Message, kind: str) -> bool:
    disposition = str(part.get("Content-Disposition", "")).strip().lower()
    if disposition.startswith("attachment"):
        return True
    if kind in ("text/plain", "text/html"):
        # A named text that is shown is a file all the same, unless it is all that the mail says.
        return bool(_file_name(part)) and disposition.startswith("inline") and "Content-ID" in part
    return True


def _file_name(part: Message) -> str:
    named = Message()
    for field in ("Content-Disposition", "Content-Type"):
        value = raw_field(part, field)
        if value:
            named[field] = value
    try:
        return clean_line(decoded(str(named.get_filename() or "")))
    except (LookupError, TypeError, ValueError):
        # Parameters in pieces (RFC 2231) may contradict one another.
        return ""


def _bytes(part: Message) -> bytes:
    if part.get_content_maintype() in ("message", "multipart") and part.is_multipart():
        inner = list(_children(part))
        return b"\r\n".join(child.as_bytes() for child in inner)
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _content(part: Message) -> str:
    charset = part.get_param("charset")
    name = charset[2] if isinstance(charset, tuple) else charset
    return to_text(_bytes(part), name if isinstance(name, str) else None)[:MAX_TEXT]


def _unflowed(text: str, part: Message) -> str:
    """Join the lines that a mail program broke softly (RFC 3676)."""
    if str(part.get_param("format", "")).lower() != "flowed":
        return text
    delete = str(part.get_param("delsp", "")).lower() == "yes"
    lines: list[list[str]] = []
    open_depth = -1
    for raw in text.replace("\r\n", "\n").split("\n"):
        marks = re.match(r">*", raw)
        depth = marks.end() if marks else 0
        line = raw[depth:].removeprefix(" ")
        soft = line.endswith(" ") and line != "-- "
        words = line[:-1] if soft and delete else line
        if open_depth == depth and lines:
            lines[-1].append(words)
        else:
            lines.append([f"{'>' * depth} {words}" if depth else words])
        open_depth = depth if soft else -1
    return "\n".join(map("".join, lines))
