"""Bytes that no browser sends: answered as a mistake of the sender, never as one of the desk."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from tests.running_desk import ServedDesk, serving

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data"
SECRET = "a" * 40


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


async def ask(desk: ServedDesk, method: str, path: str, *lines: bytes, body: bytes = b"") -> tuple[int, str]:
    """Send a request as it is written here; return the answer's status and text."""
    host, _, port = desk.base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = [
        f"{method} {path} HTTP/1.1".encode(),
        f"Host: {host}:{port}".encode(),
        f"Origin: {desk.base}".encode(),
        b"Connection: close",
        f"Content-Length: {len(body)}".encode(),
        *lines,
    ]
    writer.write(b"\r\n".join([*head, b"", body]))
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2].decode()


def part(*lines: bytes, text: bytes = b"a") -> bytes:
    return b"\r\n".join([b"--x", *lines, b"", text, b"--x--", b""])


NAMED = b'Content-Disposition: form-data; name="name"'
UNREADABLE = {
    "unknown charset": (f"{FORM}; charset=foo", b"name=a"),
    "a charset that is none of text": (f"{FORM}; charset=zlib", b"name=a"),
    "not in its charset": (f"{FORM}; charset=utf-8", b"name=\xff"),
    "no boundary": (PARTS, b"name=a"),
    "not in parts": (f"{PARTS}; boundary=x", b"name=a"),
    "a part without a name": (f"{PARTS}; boundary=x", part(b"X: y")),
    "a part of unknown charset": (
        f"{PARTS}; boundary=x",
        part(NAMED, b"Content-Type: text/plain; charset=foo"),
    ),
    "a part of unknown encoding": (f"{PARTS}; boundary=x", part(NAMED, b"Content-Transfer-Encoding: foo")),
    "a part not in its encoding": (
        f"{PARTS}; boundary=x",
        part(NAMED, b"Content-Transfer-Encoding: base64", text=b"a"),
    ),
    "parts in parts": (f"{PARTS}; boundary=x", part(NAMED, b"Content-Type: multipart/mixed; boundary=x")),
    "a part that does not end": (f"{PARTS}; boundary=x", b"--x\r\n" + NAMED + b"\r\n\r\na"),
}


@pytest.mark.parametrize("path", ["/form?key=desk", "/console/sign-in"])
@pytest.mark.parametrize("case", UNREADABLE)
async def test_a_form_that_cannot_be_read_is_told_so(desk: ServedDesk, path: str, case: str) -> None:
    kind, body = UNREADABLE[case]
    status, text = await ask(desk, "POST", path, f"Content-Type: {kind}".encode(), body=body)
    assert status in (400, 422), text
    if status == 400:
        assert "reload it and send the form again" in text


async def test_letters_that_are_none_are_replaced_before_anybody_stores_them(desk: ServedDesk) -> None:
    kind = f"Content-Type: {FORM}; charset=unicode_escape".encode()
    status, text = await ask(desk, "POST", "/form?key=desk", kind, body=b"name=\\ud800\\u0000x")
    assert (status, 'value="?x"' in text) == (422, True)


CUT_OFF = gzip.compress(b"{}", mtime=0)
"""Without a time in it: every worker has to name the tests alike."""


@pytest.mark.parametrize("body", [b"abc", CUT_OFF[:-9], CUT_OFF[:12]])
@pytest.mark.parametrize(
    "path", ["/widget/session?key=desk", "/widget/send?key=desk", "/form?key=desk", "/console/sign-in"]
)
async def test_a_body_that_cannot_be_unpacked_is_told_so(desk: ServedDesk, path: str, body: bytes) -> None:
    lines = (b"Content-Encoding: gzip", f"Content-Type: {FORM}".encode())
    status, text = await ask(desk, "POST", path, *lines, body=body)
    assert 400 <= status < 500, text


@pytest.mark.parametrize("secret", [b"\xff", b"\xff\xfe", "ü".encode(), b"\xc3", b'"\\377"', b"\x80" * 500])
async def test_a_cookie_or_token_of_other_bytes_signs_nobody_in(desk: ServedDesk, secret: bytes) -> None:
    cookie = b"Cookie: chatdesk_session=" + secret + b"; chatdesk_device=" + secret + b"." + secret
    form = b"email=a&password=b"
    for method, path, lines, body, expected in (
        ("GET", "/console", (), b"", 303),
        ("GET", "/console/api/me", (), b"", 401),
        ("POST", "/console/sign-out", (b"X-CSRF-Token: " + secret,), b"", 403),
        ("POST", "/console/api/tickets", (b"X-CSRF-Token: " + secret,), b"{}", 401),
        ("POST", "/console/sign-in", (f"Content-Type: {FORM}".encode(),), form, 401),
        ("GET", "/widget/transcript?key=desk&conversation=x", (b"X-Chatdesk-Visitor: " + secret,), b"", 404),
    ):
        status, text = await ask(desk, method, path, cookie, *lines, body=body)
        assert status == expected, text


@pytest.mark.parametrize("raw", ["%ff", "%ed%a0%80", "%00", "%C3%BC", "x" * 5000, "..%2f..%2fetc%2fpasswd"])
async def test_an_id_of_other_bytes_is_not_found(desk: ServedDesk, raw: str) -> None:
    visitor = f"X-Chatdesk-Visitor: {SECRET}".encode()
    for path in (
        f"/widget/files/{raw}?key=desk",
        f"/widget/transcript?key=desk&conversation={raw}",
        f"/console/sign-in/{raw}/x",
        f"/widget/config?key={raw}",
        f"/form?key={raw}",
        f"/mail/stop/a@b.example/{raw}",
        f"/mail/stop/a@b.example/1-{raw}",
    ):
        status, text = await ask(desk, "GET", path, visitor)
        assert status == 404, (path, text)
