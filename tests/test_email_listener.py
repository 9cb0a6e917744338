"""Mail handed over by LMTP and SMTP: OK only once it is kept, strict line ends, nobody else's mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiosmtplib
import pytest

from adapters.email.listener import listening
from chatdesk.errors import ConfigurationError, StorageError
from chatdesk.settings.mail_servers import ListenAddress
from tests.dovecot import lmtp_client

OWN = frozenset({"help@northwind.example", "support@northwind.example"})
MAIL = b"From: dana@contoso.example\r\nSubject: Hello\r\n\r\nHelp\r\n"


@dataclass
class Kept:
    """What was kept, by place; ``fails`` makes keeping fail."""

    mails: dict[str, bytes] = field(default_factory=dict)
    fails: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, source: bytes, place: str) -> str:
        await self.gate.wait()
        if self.fails:
            raise StorageError("the disk is full")
        self.mails[place] = source
        return place


@pytest.fixture
def kept() -> Kept:
    made = Kept()
    made.gate.set()
    return made


@pytest.fixture
async def port(kept: Kept) -> AsyncIterator[int]:
    async with listening(ListenAddress("127.0.0.1", 0, "lmtp"), kept.accept, OWN) as served:
        yield served


async def test_a_mail_is_answered_with_ok_only_once_it_is_kept(kept: Kept, port: int) -> None:
    kept.gate.clear()
    async with lmtp_client(port) as client:
        await client.begin(MAIL, "dana@contoso.example", "help+t1-aaaaaaaaaaaaaaaa@northwind.example")
        answer = asyncio.create_task(client.say("", "250"))
        done, _ = await asyncio.wait({answer}, timeout=0.2)
        assert not done
        kept.gate.set()
        _ = await answer
    (source,) = kept.mails.values()
    assert source == b"X-Original-To: help+t1-aaaaaaaaaaaaaaaa@northwind.example\r\n" + MAIL


async def test_each_recipient_gets_an_answer_of_its_own(kept: Kept, port: int) -> None:
    async with lmtp_client(port) as client:
        await client.begin(MAIL, "dana@contoso.example", *sorted(OWN))
        _ = await client.say("", "250")
        _ = await client.say("", "250")
        await client.deliver(MAIL + b"again\r\n", "", "help@northwind.example")
    assert len(kept.mails) == 2


async def test_what_cannot_be_kept_has_to_be_brought_again(kept: Kept, port: int) -> None:
    kept.fails = True
    async with lmtp_client(port) as client:
        await client.begin(MAIL, "dana@contoso.example", "help@northwind.example")
        _ = await client.say("", "451")
        kept.fails = False
        await client.deliver(MAIL, "dana@contoso.example", "help@northwind.example")
    assert len(kept.mails) == 1


async def test_the_same_mail_brought_again_has_the_same_place(kept: Kept, port: int) -> None:
    for _ in range(2):
        async with lmtp_client(port) as client:
            await client.deliver(MAIL, "dana@contoso.example", "help@northwind.example")
    assert len(kept.mails) == 1


@pytest.mark.parametrize("address", ["root@northwind.example", "help@evil.example", "help"])
async def test_mail_for_anybody_else_is_refused(kept: Kept, port: int, address: str) -> None:
    async with lmtp_client(port) as client:
        _ = await client.say("MAIL FROM:<a@b.example>", "250")
        _ = await client.say(f"RCPT TO:<{address}>", "550" if "@" in address else "5")
    assert kept.mails == {}


@pytest.mark.parametrize(
    "smuggled",
    [
        b"one\n.\nMAIL FROM:<evil@example.com>\r\n",
        b"one\n.\r\nMAIL FROM:<evil@example.com>\r\n",
        b"one\r.\rMAIL FROM:<evil@example.com>\r\n",
        b"one\r.\r\nMAIL FROM:<evil@example.com>\r\n",
        b"a bare\nline end\r\n",
    ],
)
async def test_nothing_is_smuggled_in_behind_the_end_of_a_mail(
    kept: Kept, port: int, smuggled: bytes
) -> None:
    async with lmtp_client(port) as client:
        _ = await client.say("MAIL FROM:<dana@contoso.example>", "250")
        _ = await client.say("RCPT TO:<help@northwind.example>", "250")
        _ = await client.say("DATA", "354")
        await client.raw(b"Subject: x\r\n\r\n" + smuggled + b".\r\n")
        _ = await client.say("", "554")
        _ = await client.say("NOOP", "250")
    assert kept.mails == {}


async def test_smtp_is_spoken_too(kept: Kept) -> None:
    async with listening(ListenAddress("127.0.0.1", 0, "smtp"), kept.accept, OWN) as port:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port)
        async with client:
            _ = await client.sendmail("dana@contoso.example", ["help@northwind.example"], MAIL)
    assert [source.endswith(MAIL) for source in kept.mails.values()] == [True]


async def test_a_port_that_is_taken_is_told_with_its_setting(port: int, kept: Kept) -> None:
    with pytest.raises(ConfigurationError, match="CHATDESK_MAIL_LISTEN"):
        async with listening(ListenAddress("127.0.0.1", port, "lmtp"), kept.accept, OWN):
            pass
