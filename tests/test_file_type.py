"""storage.file_type: what a file is, told from its first bytes."""

from __future__ import annotations

import pytest

from storage.file_type import HEAD, media_type

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(32)
HEADS = [
    (PNG, "image/png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(32), "image/jpeg"),
    (b"GIF89a" + bytes(32), "image/gif"),
    (b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(32), "image/webp"),
    (b"%PDF-1.7\n1 0 obj", "application/pdf"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(32), "application/pdf"),
    (b"PK\x03\x04" + bytes(64), "application/zip"),
    (b"hello, this is a note\n", "text/plain"),
    ("größer als vorher".encode(), "text/plain"),
    (b"BM is how this text begins", "text/plain"),
    (b"From: someone", "text/plain"),
    (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "image/svg+xml"),
    (b"<!doctype html><script>alert(1)</script>", "text/html"),
    (bytes(range(1, 32)) * 4, "application/octet-stream"),
    (b"\x00", "application/octet-stream"),
]


@pytest.mark.parametrize(("head", "kind"), HEADS)
def test_the_first_bytes_tell_the_type(head: bytes, kind: str) -> None:
    assert media_type(head) == kind


def test_a_letter_cut_by_the_end_of_the_head_does_not_make_a_text_unknown() -> None:
    head = ("x" * (HEAD - 1) + "é").encode()[:HEAD]

    assert media_type(head) == "text/plain"


def test_a_cut_letter_in_a_short_file_is_no_text() -> None:
    assert media_type("é".encode()[:1]) != "text/plain"
