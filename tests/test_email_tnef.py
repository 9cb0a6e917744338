"""Files that Outlook has packed into winmail.dat are the mail's files."""

from __future__ import annotations

import struct
from base64 import encodebytes
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.email.parse import parse_mail
from adapters.email.parsed import Unreadable
from adapters.email.remarks import PACKED
from adapters.email.tnef import PackedFile, Unpacked, unpack

HEADER = struct.pack("<IH", 0x223E9F78, 1)
MESSAGE, ATTACHMENT = 1, 2
PLAN = b"%PDF-1.7 the plan"


def attribute(level: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def begun(kind: int = 1) -> bytes:
    return attribute(ATTACHMENT, 0x00069002, struct.pack("<HIHHI", kind, 0, 32, 32, 0))


def titled(name: bytes) -> bytes:
    return attribute(ATTACHMENT, 0x00018010, name + b"\0")


def holding(content: bytes) -> bytes:
    return attribute(ATTACHMENT, 0x0006800F, content)


def described(*properties: bytes) -> bytes:
    return attribute(ATTACHMENT, 0x00069005, struct.pack("<I", len(properties)) + b"".join(properties))


def filled(value: bytes) -> bytes:
    return value + bytes(-len(value) % 4)


def number(identity: int, value: int) -> bytes:
    return struct.pack("<HHI", 0x03, identity, value)


def text(identity: int, value: str) -> bytes:
    encoded = f"{value}\0".encode("utf-16-le")
    return struct.pack("<HHII", 0x1F, identity, 1, len(encoded)) + filled(encoded)


def named(value: str) -> bytes:
    """Return a property with a name of its own, as programs add them."""
    name = "Keywords\0".encode("utf-16-le")
    head = struct.pack("<HH", 0x1F, 0x8001) + bytes(16) + struct.pack("<II", 1, len(name)) + filled(name)
    encoded = f"{value}\0".encode("utf-16-le")
    return head + struct.pack("<II", 1, len(encoded)) + filled(encoded)


def several(identity: int, *values: bytes) -> bytes:
    each = b"".join(struct.pack("<I", len(value)) + filled(value) for value in values)
    return struct.pack("<HHI", 0x1102, identity, len(values)) + each


LONG = text(0x3707, "Plan of the second floor, März.pdf")
HIDDEN = struct.pack("<HHHH", 0x0B, 0x7FFE, 1, 0)
EMBEDDED = number(0x3705, 5)
CODE_PAGE = attribute(MESSAGE, 0x00069007, struct.pack("<II", 1251, 0))


@pytest.mark.parametrize(
    ("packed", "names", "whole"),
    [
        ((), [], True),
        ((begun(), titled(b"PLAN~1.PDF"), holding(PLAN)), ["PLAN~1.PDF"], True),
        ((begun(), titled(b"PLAN~1.PDF"), holding(PLAN), described(LONG)),
         ["Plan of the second floor, März.pdf"], True),
        ((begun(), holding(PLAN), described(named("x"), several(0x0E00, b"a", b"bcd"), number(0x3705, 1),
                                            LONG)),
         ["Plan of the second floor, März.pdf"], True),
        ((begun(), holding(PLAN), described(text(0x3704, "PLAN.PDF"))), ["PLAN.PDF"], True),
        ((CODE_PAGE, begun(), titled("план.pdf".encode("cp1251")), holding(PLAN)), ["план.pdf"], True),
        ((begun(), titled(b"a"), holding(b"1"), begun(), titled(b"b"), holding(b"2")), ["a", "b"], True),
        ((begun(), holding(PLAN)), [""], True),
        ((begun(), titled(b"logo.png"), holding(PLAN), described(HIDDEN)), [], True),
        ((begun(), titled(b"mail"), holding(PLAN), described(EMBEDDED)), [], False),
        ((begun(2), titled(b"sheet"), holding(PLAN)), [], False),
        ((begun(), titled(b"a"), holding(b"1"), begun(2), holding(PLAN)), ["a"], False),
        ((begun(), titled(b"empty.txt"), holding(b"")), [], True),
        ((titled(b"of nothing"), holding(PLAN)), [], True),
    ],
)  # fmt: skip
def test_plain_files_are_found_by_their_best_names(
    packed: tuple[bytes, ...], names: list[str], whole: bool
) -> None:
    found = unpack(HEADER + b"".join(packed))
    assert ([file.name for file in found.files], found.whole) == (names, whole)


def test_what_was_packed_comes_out_byte_by_byte() -> None:
    content = bytes(range(256)) * 300
    packed = HEADER + begun() + holding(content) + described(LONG)
    assert unpack(packed) == Unpacked(
        (PackedFile("Plan of the second floor, März.pdf", content),), whole=True
    )


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04 an archive", HEADER[:5]])
def test_what_is_no_winmail_dat_is_not_read(content: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(content)


SOUND = begun() + titled(b"plan.pdf") + holding(PLAN)
TOO_LONG = attribute(ATTACHMENT, 0x00069005, struct.pack("<IHHII", 2**32 - 1, 0x1F, 0x3707, 1, 9))


@pytest.mark.parametrize(
    "rest",
    [
        b"more",
        begun()[:-3],
        struct.pack("<BII", ATTACHMENT, 0x0006800F, 2**32 - 1) + b"short",
        begun() + TOO_LONG,
        attribute(MESSAGE, 0x00028000, b"") * 20_001,
        begun() * 201,
    ],
    ids=[
        "letters",
        "cut off",
        "longer than all",
        "properties past the end",
        "too many parts",
        "too many files",
    ],
)
def test_before_what_is_damaged_files_are_found_all_the_same(rest: bytes) -> None:
    found = unpack(HEADER + SOUND + rest)
    assert ([file.name for file in found.files], found.whole) == (["plan.pdf"], False)


@given(st.binary(max_size=300), st.integers(0, 300), st.booleans())
def test_no_bytes_are_too_much_for_it(noise: bytes, at: int, described_before: bool) -> None:
    sound = HEADER + begun() + holding(PLAN) + (described(LONG, named("x")) if described_before else b"")
    with suppress(Unreadable):
        _ = unpack(sound[:at] + noise + sound[at + len(noise) :])


def mail(*parts: str, kind: str = "multipart/mixed; boundary=b") -> bytes:
    inside = "".join(f"--b\r\n{one}\r\n" for one in parts)
    head = "From: Dana Reyes <dana@contoso.example>\r\nMessage-ID: <m1@contoso.example>\r\n"
    return f"{head}Content-Type: {kind}\r\n\r\n{inside}--b--\r\n".encode()


def packed_part(content: bytes, kind: str = "application/ms-tnef") -> str:
    coded = encodebytes(content).decode()
    head = f'Content-Type: {kind}; name="winmail.dat"\r\nContent-Transfer-Encoding: base64'
    return f"{head}\r\nContent-Disposition: attachment\r\n\r\n{coded}"


WORDS = "Content-Type: text/plain\r\n\r\nSee the plan."
FILE = begun() + titled(b"../plan.pdf") + holding(PLAN)


@pytest.mark.parametrize("kind", ["application/ms-tnef", "application/vnd.ms-tnef"])
def test_a_mail_has_the_files_instead_of_winmail_dat(kind: str) -> None:
    parsed, contents = parse_mail(mail(WORDS, packed_part(HEADER + FILE, kind)))
    assert (parsed.text, [one.name for one in parsed.attachments]) == ("See the plan.", ["plan.pdf"])
    assert contents == [PLAN]


def test_winmail_dat_stays_where_something_in_it_cannot_be_unpacked() -> None:
    packed = HEADER + FILE + begun(2) + holding(b"a sheet in the mail")
    parsed, contents = parse_mail(mail(WORDS, packed_part(packed)))
    assert parsed.text == f"See the plan.\n\n({PACKED})"
    assert [one.name for one in parsed.attachments] == ["plan.pdf", "winmail.dat"]
    assert contents == [PLAN, packed]


def test_a_mail_that_is_nothing_but_winmail_dat_keeps_it_for_its_text() -> None:
    whole = packed_part(HEADER + FILE)
    head = "From: Dana Reyes <dana@contoso.example>\r\nMessage-ID: <m1@contoso.example>\r\n"
    parsed, _ = parse_mail(f"{head}{whole}".encode())
    assert [one.name for one in parsed.attachments] == ["plan.pdf", "winmail.dat"]
    assert parsed.text == f"({PACKED})"
