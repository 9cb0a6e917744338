"""Files within winmail.dat, in which Outlook packs those of a mail in a format of its own (MS-OXTNEF).

Only files are taken out: such a mail says its text in a part of its own. All bytes come from outside; each
length is held against what there is before anything is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from adapters.email.header_values import to_text
from adapters.email.parsed import Unreadable

SIGNATURE = 0x223E9F78
KINDS = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
MAX_ATTRIBUTES = 20_000
MAX_FILES = 200
_ATTACHMENT_LEVEL = 2
_RENDERING, _TITLE, _DATA, _PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_CODE_PAGE = 0x00069007
_MANY, _STRING, _UNICODE = 0x1000, 0x1E, 0x1F
_SIZES = {0x02: 2, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 2, 0x14: 8, 0x40: 8, 0x48: 16}
"""Bytes of a property's value by its type; others say their length themselves (MS-OXCDATA, 2.11.1)."""
_NAMED = 0x8000
"""Properties from here on have a name of their own before their value."""
_SHORT_NAME, _LONG_NAME, _BYTES = 0x3704, 0x3707, 0x3701
_METHOD, _HIDDEN = 0x3705, 0x7FFE
_BY_VALUE = 1


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file as it was packed; its name may be ""."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The files that were found; ``whole`` is false where there is something that cannot be unpacked."""

    files: tuple[PackedFile, ...]
    whole: bool


@dataclass(slots=True)
class _Packed:
    """What the attributes say of one attachment."""

    name: str = ""
    content: bytes = b""
    plain: bool = True
    properties: dict[int, bytes] = field(default_factory=dict)

    @property
    def hidden(self) -> bool:
        return any(self.properties.get(_HIDDEN, b""))

    @property
    def is_file(self) -> bool:
        """Whether it is a file, and not a mail, a picture or an object in a format of its own."""
        method = self.properties.get(_METHOD)
        return self.plain if method is None else int.from_bytes(method, "little") == _BY_VALUE

    def file(self) -> PackedFile:
        given = self.properties.get(_LONG_NAME) or self.properties.get(_SHORT_NAME)
        name = given.decode("utf-8", "replace") if given else self.name
        return PackedFile(name, self.content or self.properties.get(_BYTES, b""))


class _Bytes:
    """Reads numbers and bytes one after the other. Raises Unreadable past the end."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    @property
    def ended(self) -> bool:
        return self.at >= len(self._content)

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._content):
            raise Unreadable("Its winmail.dat ends too early.")
        taken, self.at = self._content[self.at : end], end
        return taken

    def number(self, size: int = 4) -> int:
        return int.from_bytes(self.take(size), "little")

    def padded(self, count: int) -> bytes:
        """Take what is filled up to a multiple of four bytes."""
        taken = self.take(count)
        self.at += -count % 4
        return taken


def unpack(content: bytes) -> Unpacked:
    """Return the files in a winmail.dat, as far as it can be read. Raises Unreadable where it is none."""
    reader = _Bytes(content)
    if reader.number() != SIGNATURE:
        raise Unreadable("Its winmail.dat is none.")
    reader.take(2)
    packed: list[_Packed] = []
    try:
        _read(reader, packed)
    except Unreadable:
        whole = False
    else:
        whole = all(one.is_file for one in packed if not one.hidden)
    files = (one.file() for one in packed if one.is_file and not one.hidden)
    return Unpacked(tuple(file for file in files if file.content), whole)


def _read(reader: _Bytes, packed: list[_Packed]) -> None:
    """Add what the attributes say of each attachment. Raises Unreadable."""
    charset = "cp1252"
    for level, kind, value in _attributes(reader):
        if kind == _CODE_PAGE:
            charset = f"cp{int.from_bytes(value[:4], 'little')}"
        elif level == _ATTACHMENT_LEVEL and kind == _RENDERING:
            if len(packed) >= MAX_FILES:
                raise Unreadable(f"Its winmail.dat has more than {MAX_FILES} files.")
            packed.append(_Packed(plain=value[:2] == b"\x01\x00"))
        elif level == _ATTACHMENT_LEVEL and packed:
            _note(packed[-1], kind, value, charset)


def _attributes(reader: _Bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield each attribute's level, kind and value."""
    for _ in range(MAX_ATTRIBUTES):
        if reader.ended:
            return
        level, kind = reader.number(1), reader.number()
        value = reader.take(reader.number())
        reader.take(2)  # A checksum, which some programs write wrongly.
        yield level, kind, value
    raise Unreadable("Its winmail.dat has too many parts.")


def _note(packed: _Packed, kind: int, value: bytes, charset: str) -> None:
    if kind == _TITLE:
        packed.name = to_text(value.partition(b"\0")[0], charset)
    elif kind == _DATA:
        packed.content = value
    elif kind == _PROPERTIES:
        packed.properties = dict(_properties(value, charset))


def _properties(content: bytes, charset: str) -> Iterator[tuple[int, bytes]]:
    """Yield each property's id and value; texts in UTF-8, of several values the first."""
    reader = _Bytes(content)
    for _ in range(min(reader.number(), MAX_ATTRIBUTES)):
        kind, identity = struct.unpack("<HH", reader.take(4))
        if identity >= _NAMED:
            _skip_name(reader)
        single = kind & ~_MANY
        size = _SIZES.get(single)
        count = reader.number() if size is None or kind & _MANY else 1
        values = [
            reader.padded(reader.number() if size is None else size)
            for _ in range(min(count, MAX_ATTRIBUTES))
        ]
        if single in (_STRING, _UNICODE):
            named = "utf-16-le" if single == _UNICODE else charset
            values = [to_text(value, named).partition("\0")[0].encode() for value in values]
        if values:
            yield identity, values[0]


def _skip_name(reader: _Bytes) -> None:
    reader.take(16)
    if reader.number() == 0:
        reader.take(4)
    else:
        reader.padded(reader.number())
