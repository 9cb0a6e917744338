"""A mail as bytes (RFC 5322, 2045): written directly where a value may stand in it as it is.

The email package parses every field that it is given, a tenth of a millisecond each; what needs folding or
encoding is left to it.
"""

from __future__ import annotations

from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Sequence
from email.headerregistry import Address
from email.policy import SMTP
from urllib.parse import quote

from adapters.email.attachments import Attachment
from chatdesk.plain_text import clean_line

Field = tuple[str, str | Address]
LINE = 78
_WORDS_ONLY = frozenset({"In-Reply-To", "References", "List-Unsubscribe"})
"""Fields of ids and addresses: programs read them, so they are broken between these and never encoded."""


def write_mail(
    fields: Sequence[Field], text: str, html: str, boundary: str, attached: Sequence[Attachment] = ()
) -> bytes:
    """Return the mail with its text, its HTML beside it unless that is "", and files.

    ``boundary`` begins with "=_", which cannot stand in quoted-printable text or base64 (RFC 2045, 6.7).
    """
    head = b"".join(_field(name, value) for name, value in (*fields, ("MIME-Version", "1.0")))
    words = _part("plain", text)
    if html:
        words = _multipart("alternative", boundary, [words, _part("html", html)])
    if attached:
        words = _multipart("mixed", boundary.replace("=_", "=_m", 1), [words, *map(_file, attached)])
    return head + words


def _multipart(kind: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    line = f"--{boundary}".encode()
    head = f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    lines = [piece for part in parts for piece in (line, part)]
    return head + b"\r\n".join([*lines, line + b"--", b""])


def _file(attachment: Attachment) -> bytes:
    """Return a part to be saved, of no kind that a mail program would open by itself."""
    name = quote(clean_line(attachment.name).replace("/", "_") or "file", safe="")
    head = (
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;\r\n filename*=utf-8''{name}\r\n\r\n"
    )
    return head.encode() + encodebytes(attachment.content).replace(b"\n", b"\r\n")


def _field(name: str, value: str | Address) -> bytes:
    line = f"{name}: {value}"
    if len(line) <= LINE and line.isascii() and line.isprintable():
        return f"{line}\r\n".encode()
    if name in _WORDS_ONLY and line.isascii() and line.isprintable():
        return _folded(line)
    stored, parsed = SMTP.header_store_parse(name, value)
    return SMTP.fold_binary(stored, parsed)


def _folded(line: str) -> bytes:
    """Return a field broken between its words; the first stays beside the name, however long it is."""
    name, first, *others = line.split()
    lines = [f"{name} {first}"]
    for word in others:
        if len(lines[-1]) + len(word) < LINE:
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
    return "".join(f"{one}\r\n" for one in lines).encode()


def _part(kind: str, text: str) -> bytes:
    lines = text.encode().splitlines()
    body = b2a_qp(b"\r\n".join([*lines, b""]), istext=True)
    return (
        f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    ).encode() + body
