"""Header fields read as they come: encoded words, folded lines, broken bytes, and addresses one can trust.

Python's address parser follows nesting by recursion and has been fooled before (CVE-2023-27043), so an
address is taken only where a field has exactly one that is plain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

from chatdesk.plain_text import clean_line

LONGEST = 20_000
"""Characters of a field that are looked at."""

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}", re.ASCII
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ANGLE = re.compile(r"<([^<>]*)>")
_COMMENT = re.compile(r"\([^()]*\)")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")


def raw_field(message: Message, name: str) -> str:
    """Return the first field of that name as one line, undecoded; "" when there is none."""
    return next(raw_fields(message, name), "")


def raw_fields(message: Message, name: str) -> Iterator[str]:
    """Yield every field of that name, topmost first, each as one line, undecoded."""
    wanted = name.lower()
    for found, value in message.raw_items():
        if found.lower() == wanted:
            # Bytes beyond ASCII do not belong here (RFC 5322); programs write them all the same.
            raw = str(value)[:LONGEST].encode("ascii", "surrogateescape")
            yield " ".join(to_text(raw, "utf-8").split())


def shown_field(message: Message, name: str) -> str:
    """Return the first field of that name as people read it, encoded words decoded (RFC 2047)."""
    return clean_line(decoded(raw_field(message, name)))


def decoded(text: str) -> str:
    """Return the text with its encoded words decoded, whatever their charsets are worth."""
    if "=?" not in text:
        return text
    try:
        parts = decode_header(text)
    except (HeaderParseError, ValueError):
        return text
    return "".join(part if isinstance(part, str) else to_text(part, charset) for part, charset in parts)


_ALIASES = {
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "iso-8859-8-i": "iso-8859-8",
    "unicode-1-1-utf-7": "utf-7",
}
"""Charsets read as the larger ones that mail programs mean by them."""


def to_text(content: bytes, charset: str | None) -> str:
    """Return bytes as text: in the charset named if that fits, else UTF-8 if that fits, else as it can be."""
    named = (charset or "utf-8").strip().strip("\"'").lower()
    claims_ascii = named in ("us-ascii", "ascii")
    for name in ("utf-8" if claims_ascii else _ALIASES.get(named, named), "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return content.decode("cp1252", "replace")


def one_address(field: str) -> tuple[str, str]:
    """Return name and address of a field that holds exactly one, ("", "") for any other."""
    bare = _QUOTED.sub(lambda found: " " * len(found[0]), field[:LONGEST])
    angles = list(_ANGLE.finditer(bare))
    if len(angles) == 1:
        found = angles[0]
        rest = _COMMENT.sub("", bare[found.end() :]).strip()
        address = found[1].strip()
        if rest or not is_address(address):
            return "", ""
        return clean_line(decoded(_unquoted(field[: found.start()].strip()))), address.lower()
    address = _COMMENT.sub("", bare).strip()
    return ("", address.lower()) if not angles and is_address(address) else ("", "")


def all_addresses(field: str) -> list[str]:
    """Return everything in the field that looks like an address, in lower case."""
    return [found[0].lower() for found in _ADDRESS.finditer(field)]


def is_address(text: str) -> bool:
    """Tell whether the text is one plain address."""
    local = text.partition("@")[0]
    if local.startswith(".") or local.endswith(".") or ".." in text:
        return False
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def message_ids(field: str) -> tuple[str, ...]:
    """Return the Message-IDs in a field, the last one first: it names the nearest mail."""
    return tuple(dict.fromkeys(reversed(_MESSAGE_ID.findall(field))))[:50]


def _unquoted(name: str) -> str:
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return name
