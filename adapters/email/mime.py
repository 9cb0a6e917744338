"""A mail as bytes (RFC 5322, 2045): written directly where a value may stand in it as it is.

The email package parses every field that it is given, a tenth of a millisecond each; what needs folding or
encoding is left to it.
"""

from __future__ import annotations

from binascii import b2a_qp
from collections.abc import Sequence
from email.headerregistry import Address
from email.policy import SMTP

Field = tuple[str, str | Address]
LINE = 78
_WORDS_ONLY = frozenset({"In-Reply-To", "References", "List-Unsubscribe"})
"""Fields of ids and addresses: programs read them, so they are broken between these and never encoded."""


def write_mail(fields: Sequence[Field], text: str, html: str, boundary: str) -> bytes:
    """Return the mail with its text, and its HTML beside it unless that is "".

    ``boundary`` must not occur in quoted-printable text.
    """
    head = b"".join(_field(name, value) for name, value in (*fields, ("MIME-Version", "1.0")))
    if not html:
        return head + _part("plain", text)
    line = f"--{boundary}".encode()
    kind = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode()
    parts = [head + kind + line, _part("plain", text), line, _part("html", html), line + b"--", b""]
    return b"\r\n".join(parts)


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
