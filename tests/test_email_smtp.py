"""The way out over SMTP against a scripted peer: refusals, greylisting, and cuts at every phase."""

from __future__ import annotations

import asyncio
import queue
import re
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.email.smtp import ROOM, Room, SmtpTransport
from adapters.email.smtp_talk import WAITS, Waits, transparent
from chatdesk.cli.server import loop_factory
from chatdesk.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown, DeliveryWaits
from chatdesk.mail_parts import MailWay
from chatdesk.settings.mail_servers import Encryption, MailServer
from tests.smtp_peer import CUT, SILENT, SmtpPeer, smtp_peer

MAIL = b"Subject: Hello\r\n\r\n.a line with a dot\r\n..two\r\n"
LARGE = b"Subject: Large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 160_000
"""12 MB: more than the system takes while the peer reads nothing."""
DANA, DESK = "dana@contoso.example", "help@northwind.example"


@pytest.fixture
async def peer() -> AsyncIterator[SmtpPeer]:
    async with smtp_peer() as served:
        yield served


class Build(Protocol):
    """Returns a transport to the peer."""

    def __call__(self, waits: Waits = WAITS, room: Room = ROOM) -> SmtpTransport: ...


@pytest.fixture
async def build(peer: SmtpPeer) -> AsyncIterator[Build]:
    made: list[SmtpTransport] = []

    def built(waits: Waits = WAITS, room: Room = ROOM) -> SmtpTransport:
        made.append(SmtpTransport(MailServer("127.0.0.1", peer.port, Encryption.NONE), (), None, waits, room))
        return made[-1]

    yield built
    for transport in made:
        await transport.close()


@dataclass(frozen=True, slots=True)
class Certified:
    """Both sides of a server whose certificate its clients know."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begins = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins + timedelta(days=9))
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    certificate = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    file = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    return Certified(server, ssl.create_default_context(cafile=file))


@pytest.fixture
async def transport(build: Build) -> SmtpTransport:
    return build()


async def send(transport: SmtpTransport, recipient: str = DANA, message: bytes = MAIL) -> None:
    await transport.deliver(message, DESK, recipient, "<d1@northwind.example>")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens at the peer."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the peer tells nobody
            await asyncio.sleep(0.002)


def bodies(peer: SmtpPeer) -> list[int]:
    """Return how long each mail is that the peer took."""
    return [len(mail.body) for mail in peer.taken]


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
    peer: SmtpPeer, build: Build
) -> None:
    transport = build(Waits(answer=0.05))
    peer.answer("BODY", SILENT)
    with pytest.raises(DeliveryUnknown):
        await send(transport)


async def test_a_server_that_never_takes_the_addresses_delays_the_mail(peer: SmtpPeer, build: Build) -> None:
    peer.answer("RCPT", SILENT)
    with pytest.raises(DeliveryDelayed, match="too long"):
        await send(build(Waits(begin=0.05)))


async def test_a_large_mail_arrives_whole_however_slowly_it_is_read(peer: SmtpPeer, build: Build) -> None:
    peer.pace = 0.01
    await send(build(Waits(block=5.0, message=60.0, answer=5.0)), message=LARGE)
    assert peer.taken[0].body == LARGE


async def test_below_tls_too_a_server_that_stops_reading_delays_a_large_mail_and_a_slow_one_takes_it(
    certified: Certified,
) -> None:
    async with smtp_peer(certified.server) as peer:
        server = MailServer("127.0.0.1", peer.port, Encryption.TLS)
        transport = SmtpTransport(server, (), certified.client, Waits(block=0.3))
        gate = peer.hold()
        with pytest.raises(DeliveryDelayed, match="in the middle of the message"):
            await send(transport, message=LARGE)
        gate.set()
        peer.pace = 0.002
        await send(transport, message=LARGE)
        await transport.close()
    assert [mail.body for mail in peer.taken] == [LARGE]


def test_on_the_loop_of_the_server_too_no_answer_is_missed_however_soon_it_comes() -> None:
    """uvloop may read what came before it begins a task that was made earlier."""
    ports: queue.SimpleQueue[int] = queue.SimpleQueue()
    ended = threading.Event()

    async def answer_at_once() -> None:
        async with smtp_peer() as peer:
            ports.put(peer.port)
            await asyncio.to_thread(ended.wait)

    async def send_many(port: int) -> None:
        transport = SmtpTransport(MailServer("127.0.0.1", port, Encryption.NONE), waits=Waits(answer=5.0))
        for _ in range(50):
            await send(transport)
        await transport.close()

    elsewhere = threading.Thread(target=lambda: asyncio.run(answer_at_once()))
    elsewhere.start()
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(send_many(ports.get()))
    finally:
        ended.set()
        elsewhere.join()


async def test_a_server_that_stops_reading_in_the_middle_has_not_taken_the_mail(
    peer: SmtpPeer, build: Build
) -> None:
    gate, transport = peer.hold(), build(Waits(block=0.1))
    with pytest.raises(DeliveryDelayed, match="in the middle of the message"):
        await send(transport, message=LARGE)
    gate.set()
    await send(transport)
    assert bodies(peer) == [len(MAIL) + 2]


async def test_a_mail_that_takes_too_long_in_all_is_broken_off(peer: SmtpPeer, build: Build) -> None:
    peer.pace = 0.05
    with pytest.raises(DeliveryDelayed, match="in the middle of the message"):
        await send(build(Waits(message=0.2)), message=LARGE)
    assert peer.taken == []


async def test_a_server_that_hangs_up_in_the_middle_of_a_large_mail_has_not_taken_it(
    peer: SmtpPeer, transport: SmtpTransport
) -> None:
    peer.answer("BODY", "cut-while-reading")
    with pytest.raises(DeliveryDelayed, match="in the middle of the message"):
        await send(transport, message=LARGE)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("552 5.3.4 too large", DeliveryRefused),
        ("452 4.3.1 disk full", DeliveryDelayed),
        ("250 taken", DeliveryUnknown),
    ],
)
async def test_what_a_server_says_before_the_end_of_a_large_mail_is_heard(
    peer: SmtpPeer, transport: SmtpTransport, said: str, meant: type[Exception]
) -> None:
    peer.answer("EARLY", said)
    _ = peer.hold()
    with pytest.raises(meant) as raised:
        await send(transport, message=LARGE)
    assert raised.type is meant


async def test_what_is_cut_off_is_not_sent_to_its_end_afterwards(
    peer: SmtpPeer, transport: SmtpTransport
) -> None:
    gate = peer.hold()
    sending = asyncio.create_task(send(transport, message=LARGE))
    await until(lambda: "DATA" in peer.commands)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    gate.set()
    await send(transport)
    assert bodies(peer) == [len(MAIL) + 2]


async def test_a_stop_breaks_off_what_the_server_does_not_have_whole_and_it_can_be_sent_again(
    peer: SmtpPeer, transport: SmtpTransport
) -> None:
    gate = peer.hold()
    sending = asyncio.create_task(send(transport, message=LARGE))
    await until(lambda: "DATA" in peer.commands)
    transport.break_off()
    with pytest.raises(DeliveryWaits, match="stopped"):
        await sending
    gate.set()
    with pytest.raises(DeliveryWaits, match="stopped"):
        await send(transport)
    await until(lambda: peer.connections == 1)
    assert peer.taken == []


@pytest.mark.parametrize("phase", ["GREETING", "MAIL", "DATA"])
async def test_a_stop_breaks_off_what_waits_for_the_servers_word(
    peer: SmtpPeer, transport: SmtpTransport, phase: str
) -> None:
    peer.answer(phase, SILENT)
    sending = asyncio.create_task(send(transport))
    await until(lambda: peer.connections == 1 and not peer.script[phase])
    transport.break_off()
    with pytest.raises(DeliveryWaits, match="stopped"):
        await sending
    assert peer.taken == []


async def test_a_stop_waits_for_the_answer_to_a_whole_mail(peer: SmtpPeer, transport: SmtpTransport) -> None:
    gate = peer.hold()
    sending = asyncio.create_task(send(transport))
    # The mail is small: its end came with its beginning.
    await until(lambda: peer.blocks == 1)
    transport.break_off()
    gate.set()
    await sending
    assert bodies(peer) == [len(MAIL) + 2]


async def test_large_mails_on_their_way_leave_a_connection_to_others(peer: SmtpPeer, build: Build) -> None:
    transport, gates = build(room=Room(turn=0.05)), [peer.hold(), peer.hold()]
    async with asyncio.TaskGroup() as sending:
        for _ in gates:
            sending.create_task(send(transport, message=LARGE))
        await until(lambda: peer.commands.count("DATA") == 2)
        with pytest.raises(DeliveryWaits):
            await send(transport, message=LARGE)
        for _ in range(3):
            await send(transport)
        assert bodies(peer) == [len(MAIL) + 2] * 3
        for gate in gates:
            gate.set()
    assert bodies(peer)[3:] == [len(LARGE)] * 2
    assert peer.connections == 3


async def test_a_mail_waits_its_turn_and_then_elsewhere(peer: SmtpPeer, build: Build) -> None:
    transport, gates = build(room=Room(turn=0.05)), [peer.hold() for _ in range(3)]
    async with asyncio.TaskGroup() as sending:
        for _ in gates:
            sending.create_task(send(transport))
        await until(lambda: peer.commands.count("DATA") == 3)
        with pytest.raises(DeliveryWaits, match="Other mail is still being sent"):
            await send(transport)
        for gate in gates:
            gate.set()
    await send(transport)
    assert (peer.connections, len(peer.taken)) == (3, 4)


async def test_so_many_mails_wait_their_turn_and_more_leave_the_relay_at_once(
    peer: SmtpPeer, build: Build
) -> None:
    transport = build(room=Room(turn=30.0, waiting=2))
    gates = [peer.hold() for _ in range(3)]
    async with asyncio.timeout(10), asyncio.TaskGroup() as sending:
        for _ in gates:
            sending.create_task(send(transport))
        await until(lambda: peer.commands.count("DATA") == 3)
        waiting = [sending.create_task(send(transport)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(DeliveryWaits):
            await send(transport)
        assert not any(task.done() for task in waiting)
        for gate in gates:
            gate.set()
    assert len(peer.taken) == 5
    await send(transport)


async def test_a_server_that_takes_one_connection_gets_all_mails_on_it(peer: SmtpPeer, build: Build) -> None:
    transport, gate = build(room=Room(turn=5.0)), peer.hold()
    async with asyncio.TaskGroup() as sending:
        sending.create_task(send(transport))
        await until(lambda: "DATA" in peer.commands)
        peer.answer("GREETING", *["421 4.7.0 too many connections"] * 2)
        for _ in range(4):
            sending.create_task(send(transport))
        await until(lambda: not peer.script["GREETING"])
        gate.set()
    # Those after the two that were refused try no other connection.
    assert (peer.connections, len(peer.taken)) == (3, 5)
    async with asyncio.TaskGroup() as sending:
        for _ in range(3):
            sending.create_task(send(transport))
    assert (peer.connections, len(peer.taken)) == (3, 8)


async def test_where_another_connection_is_refused_a_mail_waits_no_longer_than_its_turn(
    peer: SmtpPeer, build: Build
) -> None:
    transport, gate = build(room=Room(turn=0.05, fewer=0.0)), peer.hold()
    async with asyncio.TaskGroup() as sending:
        sending.create_task(send(transport))
        await until(lambda: "DATA" in peer.commands)
        peer.answer("GREETING", "421 4.7.0 too many connections")
        with pytest.raises(DeliveryWaits):
            await send(transport)
        # After a while the server is asked again.
        await send(transport)
        gate.set()
    assert (peer.connections, len(peer.taken)) == (3, 2)


def test_the_relay_waits_for_a_mail_as_long_as_its_parts_may_take() -> None:
    waits = WAITS.connect + WAITS.begin + WAITS.message + WAITS.answer
    turns = 2 * ROOM.turn + ROOM.connections * WAITS.reuse
    assert waits + turns < MailWay.patience.total_seconds()


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
