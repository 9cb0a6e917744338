"""Any bytes are survived: mutated mails crash nothing, none is dropped, memory stays bounded [threat 38]."""

from __future__ import annotations

import asyncio
import random
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.email import parser_process
from adapters.email.parse import parse_mail
from adapters.email.parsed import Unreadable
from adapters.email.parser_process import ParserProcess
from adapters.email.parser_worker import MAX_MEMORY
from chatdesk.inbox import InboundStatus
from tests.mail_builders import MAIL_DESK, mail, take_in
from tests.running_desk import serving

SAMPLES = [path.read_bytes() for path in sorted((Path(__file__).parent / "mails").glob("*.eml"))]
PIECES = [
    b"\r\n", b"\n", b"\r", b"\x00", b"\xff\xfe", b"--b\r\n", b"--mix--", b"((((((((", b"=?utf-8?B?", b"?=",
    b"Content-Type: multipart/mixed; boundary=mix\r\n", b"Content-Type: message/rfc822\r\n\r\n", b"<" * 50,
    b'Content-Type: text/html; charset="', b"Content-Transfer-Encoding: base64\r\n", b"=3D=\r\n", b"> " * 40,
    b"From: ", b"charset*0*=x''%ff", b"<div class=gmail_quote>", b"<![CDATA[", b"&#xffffffff;", b"\xf0\x9f",
    b"On ", b" wrote:", b"-----Original Message-----", b"_" * 40, b'"' * 20, b";" * 30,
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sample with pieces cut out, doubled, swapped and put in."""
    source = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(source)))
        end = min(len(source), start + draw(st.integers(0, 200)))
        match draw(st.integers(0, 3)):
            case 0:
                source = source[:start] + source[end:]
            case 1:
                source = source[:start] + source[start:end] * draw(st.integers(2, 30)) + source[end:]
            case 2:
                source = source[:start] + draw(st.sampled_from(PIECES)) + source[start:]
            case _:
                source = source[:start] + draw(st.binary(max_size=40)) + source[end:]
    return source


@pytest.mark.property
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_a_mutated_mail_is_taken_apart_or_refused_and_nothing_else(source: bytes) -> None:
    try:
        found, contents = parse_mail(source)
    except Unreadable:
        return
    assert len(found.attachments) == len(contents)
    assert "\r" not in found.sender + found.subject
    assert "\n" not in found.sender + found.subject + found.sender_name
    assert "<script" not in found.html.lower()


@pytest.mark.property
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_bytes_at_all_are_survived(source: bytes) -> None:
    try:
        _ = parse_mail(source)
    except Unreadable:
        return


def deep(levels: int) -> bytes:
    """Return a mail whose parts are nested that deep."""
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(levels)
    )
    return b"From: a@b.example\r\n" + opening + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


@pytest.fixture
async def parser() -> AsyncIterator[ParserProcess]:
    # Two of the bombs use up all the patience there is.
    made = ParserProcess(patience=8.0)
    yield made
    await made.close()


@pytest.mark.parametrize(
    "bomb",
    [
        deep(60),
        deep(5_000),
        b"From: " + b"(" * 300_000 + b"\r\n\r\nhi",
        b"Subject: " + b"=?utf-8?B?" * 40_000 + b"\r\n\r\nhi",
        b"Content-Type: text/html\r\n\r\n" + b"<div>" * 300_000 + b"deep",
        b"Content-Type: text/html\r\n\r\n" + b"<" * 1_000_000,
        b"Content-Type: text/plain\r\n\r\n" + b"> " * 50_000 + b"\nOn " * 20_000,
        b"Content-Type: text/plain\r\n\r\n" + (b"On " + b"a" * 190 + b"\n") * 400,
        b"Content-Type: text/plain; " + b"x*0=1; " * 30_000 + b"\r\n\r\nhi",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 60_000 + b"--b--",
    ],
    ids=["deep", "deeper", "brackets", "words", "tags", "angles", "quotes", "intros", "parameters", "parts"],
)
async def test_after_a_bomb_the_next_mail_is_read(parser: ParserProcess, bomb: bytes) -> None:
    try:
        _ = await parser.parse(bomb)
    except Unreadable as error:
        assert str(error)
    found, _ = await parser.parse(mail("Still here."))
    assert found.text == "Still here."


async def test_fifty_megabytes_are_read_within_bounded_memory(parser: ParserProcess) -> None:
    line = b"QUJD" * 19 + b"\r\n"
    content = line * (50 * 1024 * 1024 // len(line))
    head = b"From: a@b.example\r\nContent-Type: application/zip; name=big.zip\r\n"
    head += b"Content-Transfer-Encoding: base64\r\n\r\n"
    found, contents = await parser.parse(head + content)
    assert [part.name for part in found.attachments] == ["big.zip"]
    assert len(contents[0]) > 35 * 1024 * 1024
    await parser.close()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert peak <= MAX_MEMORY


async def test_a_mail_that_takes_too_long_is_given_up_and_its_process_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parser_process, "PATIENCE_PER_MB", 0.0)
    parser = ParserProcess(patience=0.001)
    with pytest.raises(Unreadable, match="longer than"):
        _ = await parser.parse(b"x" * 20_000_000)
    await parser.close()


def test_the_process_that_reads_mail_cannot_take_more_memory_than_it_may() -> None:
    code = (
        "import resource, sys\n"
        "from adapters.email import parser_worker\n"
        "sys.stdin = open('/dev/null')\n"
        "parser_worker.main()\n"
        "try:\n"
        "    bytearray(parser_worker.MAX_MEMORY)\n"
        "except MemoryError:\n"
        "    print('bounded')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "bounded", done.stderr


async def test_none_of_many_broken_mails_is_dropped() -> None:
    chance = random.Random(7)
    async with serving(MAIL_DESK, demo=False) as desk:
        sources = []
        for number in range(60):
            broken = bytearray(chance.choice(SAMPLES))
            for _ in range(chance.randrange(1, 30)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            sources.append(bytes(broken) + b"%d" % number)
        found = await asyncio.gather(*(take_in(desk, source) for source in sources))
        assert len({one.id for one in found}) == len(sources)
        for one, source in zip(found, sources, strict=True):
            assert one.status is not InboundStatus.RECEIVED
            assert one.reason or one.status is InboundStatus.FILED
            assert await desk.running.mail.room.source(one.id) == source
