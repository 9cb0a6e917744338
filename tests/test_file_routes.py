"""adapters.web.file_routes: files go up and down with the right of the conversation, and run nowhere."""

from __future__ import annotations

import asyncio
import gzip
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from adapters.web.upload_volume import UploadVolume
from tests.running_desk import ServedDesk, serving
from tests.web_people import PNG, signed_in, visitor

UNKNOWN = "0" * 32
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
POLYGLOT = b"GIF89a/*\x01\x00\x00*/=1;alert(1)//" + bytes(20)
CHUNK = bytes(64 * 1024)


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


async def test_a_customers_picture_goes_up_into_a_message_and_down_to_both_sides(desk: ServedDesk) -> None:
    async with visitor(desk) as dana, signed_in(desk) as marcus:
        answer = await dana.upload(PNG, quote("Bildschirm Übersicht.png"))
        kept = await answer.json()
        assert answer.status == 201
        assert kept == {**kept, "name": "Bildschirm Übersicht.png", "type": "image/png", "size": len(PNG)}
        await dana.say("see here", kept["id"])

        for person, path in ((dana, "/widget/files/"), (marcus, "/console/files/")):
            got = await person.get(path + kept["id"])
            assert got.status == 200
            assert await got.read() == PNG


async def test_a_technicians_file_is_the_customers_once_it_is_sent(desk: ServedDesk) -> None:
    async with visitor(desk) as dana, signed_in(desk) as marcus:
        kept = await (await marcus.upload(dana.conversation)).json()
        assert (await dana.get(f"/widget/files/{kept['id']}")).status == 404

        await marcus.take("HD-1001")
        await marcus.say(dana.conversation, "here", kept["id"])
        assert (await dana.get(f"/widget/files/{kept['id']}")).status == 200


@pytest.mark.parametrize("internal", ["0", "1"])
async def test_a_file_of_a_note_is_never_the_customers(desk: ServedDesk, internal: str) -> None:
    async with visitor(desk) as dana, signed_in(desk) as marcus:
        kept = await (await marcus.upload(dana.conversation, internal=internal)).json()
        await marcus.say(dana.conversation, "look", kept["id"], internal=True)

        hidden = await dana.get(f"/widget/files/{kept['id']}")
        unknown = await dana.get(f"/widget/files/{UNKNOWN}")
        assert hidden.status == unknown.status == 404
        assert await hidden.read() == await unknown.read()
        assert (await marcus.get(f"/console/files/{kept['id']}")).status == 200


async def test_a_foreign_file_and_an_unknown_one_are_told_alike(desk: ServedDesk) -> None:
    async with visitor(desk) as dana, visitor(desk) as eve:
        kept = await (await dana.upload()).json()
        foreign = await eve.get(f"/widget/files/{kept['id']}")
        unknown = await eve.get(f"/widget/files/{UNKNOWN}")

        assert foreign.status == unknown.status == 404
        assert await foreign.read() == await unknown.read()


@pytest.mark.parametrize("secret", ["", "short", "x" * 200, "ü" * 40, "a b" * 20])
async def test_without_a_proper_secret_nothing_is_found(desk: ServedDesk, secret: str) -> None:
    async with visitor(desk) as dana:
        kept = await (await dana.upload()).json()
        headers = {"X-Chatdesk-Visitor": secret} if secret else {}
        got = await dana.http.get(f"{desk.base}/widget/files/{kept['id']}?key=desk", headers=headers)

        assert got.status == 404


async def test_nobody_uploads_into_a_foreign_chat(desk: ServedDesk) -> None:
    async with visitor(desk) as dana, visitor(desk) as eve:
        foreign = await eve.upload(conversation=dana.conversation)
        unknown = await eve.upload(conversation=UNKNOWN)

        assert foreign.status == unknown.status == 404
        assert await foreign.read() == await unknown.read()
        assert not [path for path in (desk.data / "files").rglob("*") if path.is_file()]


async def test_somebody_elses_upload_cannot_be_sent_along(desk: ServedDesk) -> None:
    async with visitor(desk) as dana, visitor(desk) as eve:
        kept = await (await dana.upload()).json()
        answers = []
        for identity in (kept["id"], UNKNOWN):
            await eve.line.send(t="message", id="same", text="mine now", files=[identity])
            answers.append(await _error(eve.line.socket))

        assert answers[0] == answers[1]
        assert answers[0]["code"] == "not_found"
        assert (await eve.get(f"/widget/files/{kept['id']}")).status == 404


async def _error(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            received = await socket.receive_json()
            for frame in received if isinstance(received, list) else [received]:
                if frame["t"] == "error":
                    return dict(frame)


@pytest.mark.parametrize(
    "content", [SVG, HTML, b"<?xml version='1.0'?>" + SVG, b"plain", bytes(100), b"%PDF-1.7"]
)
async def test_only_pictures_of_pixels_are_ever_shown_inline(desk: ServedDesk, content: bytes) -> None:
    async with visitor(desk) as dana, signed_in(desk) as marcus:
        kept = await (await dana.upload(content, "picture.png")).json()

        for person, path in ((dana, "/widget/files/"), (marcus, "/console/files/")):
            got = await person.get(path + kept["id"], inline="1")
            assert got.headers["Content-Disposition"].startswith("attachment;")
            assert got.headers["Content-Type"] not in ("image/svg+xml", "text/html", "application/xml")
            assert await got.read() == content


@pytest.mark.parametrize("content", [PNG, POLYGLOT, b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(30)])
async def test_every_file_comes_from_an_address_where_nothing_runs(desk: ServedDesk, content: bytes) -> None:
    async with visitor(desk) as dana, signed_in(desk) as marcus:
        kept = await (await dana.upload(content, "x.html")).json()

        for person, path in ((dana, "/widget/files/"), (marcus, "/console/files/")):
            for query in ({}, {"inline": "1"}):
                got = await person.get(path + kept["id"], **query)
                shown = "inline" if query else "attachment"
                assert got.headers["Content-Disposition"].startswith(f"{shown};")
                assert got.headers["X-Content-Type-Options"] == "nosniff"
                assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
                assert "no-cache" in got.headers["Cache-Control"]
                assert got.headers["Content-Type"].startswith("image/")


NASTY = [
    '"; filename="evil.html',
    "a\r\nSet-Cookie: x=1",
    "../../etc/passwd",
    "ü\u202e.exe",
    "%0d%0a",
    "x" * 5000,
]


@pytest.mark.parametrize("name", NASTY)
async def test_no_name_breaks_out_of_the_header_that_carries_it(desk: ServedDesk, name: str) -> None:
    async with visitor(desk) as dana:
        kept = await (await dana.upload(PNG, quote(name))).json()
        got = await dana.get(f"/widget/files/{kept['id']}")

        assert got.status == 200
        assert "Set-Cookie" not in got.headers
        disposition = got.headers["Content-Disposition"]
        assert disposition.count('"') == 2
        assert disposition.isascii()
        assert disposition.endswith(f"filename*=UTF-8''{quote(kept['name'], safe='')}")


async def test_a_file_too_large_is_refused_before_a_byte_of_it_is_read(desk: ServedDesk) -> None:
    async with visitor(desk) as dana:
        host, port = desk.base.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = (
            f"POST /widget/files?key=desk&conversation={dana.conversation} HTTP/1.1\r\n"
            f"Host: {host}:{port}\r\nOrigin: {desk.base}\r\nX-Chatdesk-Visitor: {dana.secret}\r\n"
            f"Content-Length: {10 * 1024**3}\r\n\r\n"
        )
        writer.write(head.encode())
        async with asyncio.timeout(5):
            answer = (await reader.read()).decode()
        writer.close()

        assert answer.startswith("HTTP/1.1 413 ")
        assert "at most 25 MB" in answer
        assert f"Access-Control-Allow-Origin: {desk.base}" in answer


async def test_a_stream_of_ten_gigabytes_is_cut_off_early(desk: ServedDesk) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(10 * 1024**3 // len(CHUNK)):
            sent += len(CHUNK)
            yield CHUNK

    async with visitor(desk) as dana:
        status = 0
        try:
            answer = await dana.upload(endless(), "big.bin")
            status = answer.status
        except aiohttp.ClientError:
            # The desk hung up while the client was still sending.
            status = 413
        assert status == 413
        assert sent < 64 * 1024**2
        assert not [path for path in (desk.data / "files").rglob("*") if path.is_file()]
        await dana.say("still here")


async def test_a_bomb_is_just_bytes(desk: ServedDesk) -> None:
    bomb = gzip.compress(bytes(5_000_000))
    async with visitor(desk) as dana:
        kept = await (await dana.upload(bomb, "bomb.gz")).json()
        assert kept["size"] == len(bomb)

        unpacked = await dana.upload(
            gzip.compress(bytes(40 * 1024**2)), "bomb.txt", **{"Content-Encoding": "gzip"}
        )
        assert unpacked.status == 413


async def test_an_empty_file_is_told_so(desk: ServedDesk) -> None:
    async with visitor(desk) as dana:
        answer = await dana.upload(b"")

        assert answer.status == 400
        assert (await answer.json())["message"] == "This file is empty."


ORIGINS: list[tuple[str | None, int]] = [
    (None, 403),
    ("null", 403),
    ("https://evil.example", 403),
    ("http://127.0.0.1", 403),
    ("http://127.0.0.1:1", 403),
]


@pytest.mark.parametrize(("origin", "status"), ORIGINS)
async def test_only_listed_pages_may_upload(desk: ServedDesk, origin: str | None, status: int) -> None:
    async with visitor(desk) as dana:
        headers = {"X-Chatdesk-Visitor": dana.secret} | ({"Origin": origin} if origin else {})
        url = f"{desk.base}/widget/files?key=desk&conversation={dana.conversation}"
        answer = await dana.http.post(url, data=PNG, headers=headers)

        assert answer.status == status
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_listed_page_is_told_that_it_may_send_the_headers_it_needs(desk: ServedDesk) -> None:
    async with aiohttp.ClientSession() as http:
        for path in ("/widget/files", f"/widget/files/{UNKNOWN}"):
            answer = await http.options(f"{desk.base}{path}?key=desk", headers={"Origin": desk.base})
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == desk.base
            assert "X-Chatdesk-Name" in answer.headers["Access-Control-Allow-Headers"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
            foreign = await http.options(
                f"{desk.base}{path}?key=desk", headers={"Origin": "https://evil.example"}
            )
            assert foreign.status == 403


async def test_refusals_can_be_read_by_the_page_that_is_told(desk: ServedDesk) -> None:
    async with visitor(desk) as dana:
        for answer in (await dana.upload(b""), await dana.get(f"/widget/files/{UNKNOWN}")):
            assert answer.headers["Access-Control-Allow-Origin"] == desk.base


@pytest.mark.parametrize("missing", ["Origin", "X-CSRF-Token", "session"])
async def test_a_technicians_upload_needs_session_token_and_origin(desk: ServedDesk, missing: str) -> None:
    async with visitor(desk) as dana, signed_in(desk) as marcus, aiohttp.ClientSession() as bare:
        headers = {name: value for name, value in marcus.headers.items() if name != missing}
        http = bare if missing == "session" else marcus.http
        url = f"{desk.base}/console/files?conversation={dana.conversation}"
        answer = await http.post(url, data=PNG, headers=headers)

        assert answer.status == (401 if missing == "session" else 403)


async def test_a_flood_of_files_is_slowed_down_and_says_when_to_go_on(desk: ServedDesk) -> None:
    async with visitor(desk) as dana:
        statuses = [(await dana.upload(b"", secrets.token_hex(2))).status for _ in range(61)]
        assert statuses[-1] == 429
        assert set(statuses[:60]) == {400}
        answer = await dana.upload(b"x")
        assert answer.headers["Retry-After"] == "60"


async def test_one_network_sends_so_much_in_a_day_and_technicians_are_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(behind_proxy=True) as desk, visitor(desk) as dana, signed_in(desk) as marcus:
        monkeypatch.setattr(desk.running.services.gate, "_uploads", UploadVolume(150_000))
        for address, status in (("203.0.113.7", 201), ("203.0.113.7", 429), ("203.0.113.8", 201)):
            answer = await dana.upload(bytes(100_000), "big.bin", **{"X-Forwarded-For": address})
            assert answer.status == status
            if status == 429:
                assert "Send this one in 24 hours, or ask in the chat." in await answer.text()
        for _ in range(2):
            assert (await marcus.upload(dana.conversation, bytes(100_000))).status == 201
