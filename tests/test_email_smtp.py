"""The way out over SMTP against a scripted peer: refusals, greylisting, and cuts at every phase."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.email import smtp
from adapters.email.smtp import SmtpTransport, transparent
from chatdesk.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from chatdesk.settings.mail_servers import Encryption, MailServer
from tests.smtp_peer import CUT, SILENT, SmtpPeer, smtp_peer

MAIL = b"Subject: Hello\r\n\r\n.a line with a dot\r\n..two\r\n"
DANA, DESK = "dana@contoso.example", "help@northwind.example"


@pytest.fixture
async def peer() -> AsyncIterator[SmtpPeer]:
    async with smtp_peer() as served:
        yield served


@pytest.fixture
async def transport(peer: SmtpPeer) -> AsyncIterator[SmtpTransport]:
    made = SmtpTransport(MailServer("127.0.0.1", peer.port, Encryption.NONE))
    yield made
    await made.close()


async def send(transport: SmtpTransport, recipient: str = DANA) -> None:
    await transport.deliver(MAIL, DESK, recipient, "<d1@northwind.example>")


async def test_a_mail_arrives_as_it_was_written(peer: SmtpPeer, transport: SmtpTransport) -> None:
    await send(transport)
    assert [(mail.sender, mail.recipients) for mail in peer.taken] == [(DESK, [DANA])]
    assert peer.taken[0].body == b"Subject: Hello\r\n\r\n..a line with a dot\r\n...two\r\n"


async def test_one_connection_carries_many_mails(peer: SmtpPeer, transport: SmtpTransport) -> None:
    for _ in range(5):
        await send(transport)
    assert (peer.connections, len(peer.taken)) == (1, 5)


async def test_a_connection_that_idled_out_is_opened_again(peer: SmtpPeer, transport: SmtpTransport) -> None:
    await send(transport)
    peer.answer("RSET", CUT)
    await send(transport)
    assert (peer.connections, len(peer.taken)) == (2, 2)


async def test_the_desk_signs_in(peer: SmtpPeer) -> None:
    server = MailServer("127.0.0.1", peer.port, Encryption.NONE, "help", "swordfish")
    transport = SmtpTransport(server)
    await send(transport)
    await transport.close()
    assert any(command.startswith("AUTH PLAIN") for command in peer.commands)


async def test_each_mail_is_copied_to_the_desk_and_a_refused_copy_holds_nothing_up(peer: SmtpPeer) -> None:
    transport = SmtpTransport(MailServer("127.0.0.1", peer.port, Encryption.NONE), copies=(DESK,))
    await send(transport)
    peer.answer("RCPT", "250 ok", "550 no such mailbox")
    await send(transport)
    await transport.close()
    assert [mail.recipients for mail in peer.taken] == [[DANA, DESK], [DANA]]


@pytest.mark.parametrize("phase", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
async def test_a_refusal_for_now_is_a_delay(peer: SmtpPeer, transport: SmtpTransport, phase: str) -> None:
    peer.answer(phase, "450 4.2.0 greylisted, come back later", "450 again")
    peer.answer("HELO", "450 again")
    with pytest.raises(DeliveryDelayed):
        await send(transport)
    assert peer.taken == []
    peer.script.clear()
    await send(transport)
    assert len(peer.taken) == 1


@pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA", "BODY"])
async def test_a_refusal_for_good_is_told_in_the_servers_words(
    peer: SmtpPeer, transport: SmtpTransport, phase: str
) -> None:
    peer.answer(phase, "550 5.1.1 no such mailbox")
    with pytest.raises(DeliveryRefused, match=r"550 5\.1\.1 no such mailbox"):
        await send(transport)
    assert peer.taken == []


@pytest.mark.parametrize("phase", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_cut_before_the_message_is_a_delay(
    peer: SmtpPeer, transport: SmtpTransport, phase: str
) -> None:
    peer.answer(phase, CUT, CUT)
    with pytest.raises(DeliveryDelayed):
        await send(transport)
    assert peer.taken == []


@pytest.mark.parametrize("what", ["cut-while-reading", CUT, "taken-and-cut"])
async def test_after_a_cut_with_the_message_on_its_way_nobody_knows(
    peer: SmtpPeer, transport: SmtpTransport, what: str
) -> None:
    peer.answer("BODY", what)
    with pytest.raises(DeliveryUnknown):
        await send(transport)
    assert await transport.has("<d1@northwind.example>") is None


async def test_a_server_that_never_answers_the_message_leaves_it_unknown(
    peer: SmtpPeer, transport: SmtpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "DATA_TIMEOUT", 0.05)
    peer.answer("BODY", SILENT)
    with pytest.raises(DeliveryUnknown):
        await send(transport)


async def test_a_bad_sign_in_delays_every_mail_and_fails_none(peer: SmtpPeer) -> None:
    peer.answer("AUTH", "535 5.7.8 bad password", "535 5.7.8 bad password")
    server = MailServer("127.0.0.1", peer.port, Encryption.NONE, "help", "wrong")
    with pytest.raises(DeliveryDelayed, match="bad password"):
        await send(SmtpTransport(server))


async def test_no_server_at_all_is_a_delay() -> None:
    with pytest.raises(DeliveryDelayed):
        await send(SmtpTransport(MailServer("127.0.0.1", 1, Encryption.NONE)))


async def test_a_server_without_tls_gets_no_mail_where_tls_was_asked_for(peer: SmtpPeer) -> None:
    transport = SmtpTransport(MailServer("127.0.0.1", peer.port, Encryption.STARTTLS))
    with pytest.raises(DeliveryDelayed):
        await send(transport)
    assert not any(command.startswith("MAIL") for command in peer.commands)


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (b"a\nb\rc\r\nd", b"a\r\nb\r\nc\r\nd\r\n.\r\n"),
        (b"x\r\n.\r\nMAIL FROM:<evil@example.com>\r\n", b"x\r\n..\r\nMAIL FROM:<evil@example.com>\r\n.\r\n"),
        (b"x\n.\nRSET", b"x\r\n..\r\nRSET\r\n.\r\n"),
    ],
)
def test_nothing_in_a_message_can_end_it_early(message: bytes, sent: bytes) -> None:
    assert transparent(message) == sent


@pytest.mark.property
@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a"]), max_size=12).map(b"".join))
def test_whatever_a_message_holds_only_its_own_end_ends_it(message: bytes) -> None:
    sent = transparent(message)
    assert sent.count(b"\r") == sent.count(b"\n") == sent.count(b"\r\n")
    assert sent.index(b"\r\n.\r\n") == len(sent) - 5 if message else sent == b"\r\n.\r\n"
    unstuffed = [line[1:] if line.startswith(b".") else line for line in sent[:-3].split(b"\r\n")]
    lines = re.split(rb"\r\n|\r|\n", message)
    assert unstuffed == (lines if not lines[-1] and message else [*lines, b""])
