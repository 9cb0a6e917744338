"""Mail on its way through the whole desk: delayed, refused, in doubt, sent again by a person [R14] [R15]."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest

from chatdesk import bootstrap
from chatdesk.bootstrap import now
from chatdesk.errors import DeliveryUnknown
from chatdesk.events import AgentMessaged, TicketTaken
from chatdesk.inbox import InboundStatus
from chatdesk.outbox import DeliveryStatus
from chatdesk.reading import DeliveryNote
from chatdesk.relay import Relay
from chatdesk.settings.mail_servers import Encryption, ListenAddress, MailServer, MailServers
from chatdesk.ticket import TicketNumber
from storage.inbox import TortoiseDeliveries
from tests.dovecot import free_port, lmtp_client
from tests.mail_builders import DESK_ADDRESS, MAIL_DESK, all_sent, mail, take_in, ticket_file
from tests.running_desk import ServedDesk, serving
from tests.smtp_peer import CUT, SmtpPeer, smtp_peer
from tests.test_email_attachments import Talk


@pytest.fixture
async def peer() -> AsyncIterator[SmtpPeer]:
    async with smtp_peer() as served:
        yield served


@pytest.fixture
async def desk(peer: SmtpPeer) -> AsyncIterator[ServedDesk]:
    server = MailServer("127.0.0.1", peer.port, Encryption.NONE)
    text = MAIL_DESK.replace('gather = "0s"', 'gather = "0s"\ncopies = false')
    async with serving(text, mail=MailServers(smtp=server)) as served:
        yield served


async def settled(desk: ServedDesk, number: TicketNumber | None, status: DeliveryStatus) -> DeliveryNote:
    """Wait until the ticket's first mail has that status, and return it."""
    async with asyncio.timeout(20):
        while True:
            note = (await ticket_file(desk, number)).deliveries[0]
            if note.status is status:
                return note
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA", "BODY"])
async def test_a_greylisted_mail_arrives_once_later(desk: ServedDesk, peer: SmtpPeer, phase: str) -> None:
    peer.answer(phase, "451 4.7.1 greylisted, try again")
    came = await take_in(desk, mail())
    note = await settled(desk, came.ticket, DeliveryStatus.DONE)
    assert (len(peer.taken), note.delivery.attempts) == (1, 2)


async def test_a_refused_mail_is_shown_as_failed_and_can_be_sent_again(
    desk: ServedDesk, peer: SmtpPeer
) -> None:
    peer.answer("RCPT", "550 5.1.1 no such mailbox")
    came = await take_in(desk, mail())
    note = await settled(desk, came.ticket, DeliveryStatus.FAILED)
    assert "550 5.1.1 no such mailbox" in note.error
    assert peer.taken == []
    assert await TortoiseDeliveries(desk.running.database).retry(note.delivery.id, now())
    desk.running.relay.wake()
    _ = await settled(desk, came.ticket, DeliveryStatus.DONE)
    assert f"<{note.delivery.id}@northwind.example>".encode() in peer.taken[0].body


async def test_a_mail_cut_off_while_it_was_handed_over_is_in_doubt_and_never_repeated_by_itself(
    desk: ServedDesk, peer: SmtpPeer
) -> None:
    peer.answer("BODY", "taken-and-cut")
    came = await take_in(desk, mail())
    note = await settled(desk, came.ticket, DeliveryStatus.UNKNOWN)
    assert "cannot be told" in note.error
    # The next mail of the ticket goes out behind it, and the one in doubt does not.
    file = await ticket_file(desk, came.ticket)
    agent = (await desk.running.staff.add("Priya Nair", "priya@northwind.example", None, now())).agent
    answer = AgentMessaged(
        at=now(),
        channel="web",
        external_id="1",
        conversation=file.conversations[0].id,
        agent=agent,
        text="We are looking into it.",
    )
    _ = await desk.running.desk.receive(answer)
    async with asyncio.timeout(15):
        while True:
            if len(peer.taken) == 2:
                break
            await asyncio.sleep(0.02)
    assert b"looking into it" in peer.taken[1].body
    assert (await ticket_file(desk, came.ticket)).deliveries[0].status is DeliveryStatus.UNKNOWN


async def test_a_server_that_is_away_holds_mail_and_loses_none(desk: ServedDesk, peer: SmtpPeer) -> None:
    peer.answer("GREETING", CUT, CUT)
    came = await take_in(desk, mail())
    _ = await settled(desk, came.ticket, DeliveryStatus.DONE)
    assert len(peer.taken) == 1


@pytest.mark.slow
async def test_a_large_answer_over_a_slow_line_arrives_once_and_holds_up_no_other_mail(
    peer: SmtpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "Relay", partial(Relay, lease=timedelta(seconds=3)))
    server = MailServer("127.0.0.1", peer.port, Encryption.NONE)
    text = MAIL_DESK.replace('gather = "0s"', 'gather = "0s"\ncopies = false')
    async with serving(text, mail=MailServers(smtp=server)) as desk:
        talk = await Talk.begin(desk)
        await all_sent(desk)
        peer.commands.clear()
        # Nearly five seconds: a call was cut off after a third of the lease.
        peer.pace, clock = 0.05, asyncio.get_running_loop().time
        await talk.say("These are the steps.", "steps.pdf", bytes(4_500_000))
        began = clock()
        async with asyncio.timeout(20):
            while True:
                if "DATA" in peer.commands:
                    break
                await asyncio.sleep(0.02)
        other = await take_in(desk, mail(sender="eve@contoso.example"))
        _ = await settled(desk, other.ticket, DeliveryStatus.DONE)
        taken_before = len(peer.taken)
        await all_sent(desk)
        took = clock() - began
    assert [len(mail.body) > 4_500_000 for mail in peer.taken] == [False, False, True]
    assert (taken_before, took > 4) == (2, True)


async def test_what_happens_within_the_time_to_gather_is_one_mail(peer: SmtpPeer) -> None:
    server = MailServer("127.0.0.1", peer.port, Encryption.NONE)
    text = MAIL_DESK.replace('gather = "0s"', 'gather = "2s"\ncopies = false')
    async with serving(text, mail=MailServers(smtp=server)) as desk:
        came = await take_in(desk, mail())
        assert came.ticket is not None
        agent = (await desk.running.staff.add("Priya Nair", "priya@northwind.example", None, now())).agent
        file = await ticket_file(desk, came.ticket)
        taken = TicketTaken(at=now(), channel="web", external_id="0", ticket=came.ticket, agent=agent)
        _ = await desk.running.desk.receive(taken)
        for number in range(3):
            answer = AgentMessaged(
                at=now(),
                channel="web",
                external_id=f"a{number}",
                conversation=file.conversations[0].id,
                agent=agent,
                text=f"This is step number {number}.",
            )
            _ = await desk.running.desk.receive(answer)
        async with asyncio.timeout(20):
            while True:
                notes = (await ticket_file(desk, came.ticket)).deliveries
                if all(note.status is DeliveryStatus.DONE for note in notes):
                    break
                await asyncio.sleep(0.05)
    assert (len(notes), len(peer.taken)) == (5, 2)
    assert all(f"step number {number}".encode() in peer.taken[1].body for number in range(3))


async def test_a_mail_server_hands_over_by_lmtp_and_the_desk_answers(peer: SmtpPeer) -> None:
    listen = ListenAddress("127.0.0.1", free_port())
    server = MailServer("127.0.0.1", peer.port, Encryption.NONE)
    async with (
        serving(MAIL_DESK, mail=MailServers(smtp=server, listen=listen)),
        lmtp_client(listen.port) as client,
    ):
        await client.deliver(mail(), "dana@contoso.example", DESK_ADDRESS)
        async with asyncio.timeout(20):
            while True:
                if peer.taken:
                    break
                await asyncio.sleep(0.02)
    assert peer.taken[0].recipients == ["dana@contoso.example", DESK_ADDRESS]
    assert b"[HD-1001] Printer offline" in peer.taken[0].body


async def in_doubt(desk: ServedDesk, peer: SmtpPeer) -> DeliveryNote:
    """Have a ticket's first mail cut off after its server took it."""
    peer.answer("BODY", "taken-and-cut")
    came = await take_in(desk, mail())
    return await settled(desk, came.ticket, DeliveryStatus.UNKNOWN)


async def test_the_desks_own_copy_settles_a_mail_in_doubt(desk: ServedDesk, peer: SmtpPeer) -> None:
    note = await in_doubt(desk, peer)
    own = await take_in(desk, peer.taken[0].body)
    assert own.status is InboundStatus.OWN
    sent = await settled(desk, note.delivery.ticket, DeliveryStatus.DONE)
    assert (sent.delivery.id, sent.error, len(peer.taken)) == (note.delivery.id, "", 1)


async def test_a_copy_that_came_before_the_desk_looks_leaves_no_doubt(
    desk: ServedDesk, peer: SmtpPeer
) -> None:
    note = await in_doubt(desk, peer)
    channel = desk.running.mail.channel
    with pytest.raises(DeliveryUnknown):
        _ = await channel.find(note.delivery)
    _ = await take_in(desk, peer.taken[0].body)
    assert await channel.find(note.delivery) == f"<{note.delivery.id}@northwind.example>"


async def test_a_bounce_of_a_mail_in_doubt_says_what_became_of_it(desk: ServedDesk, peer: SmtpPeer) -> None:
    note = await in_doubt(desk, peer)
    report = (
        "From: mailer-daemon@mx.contoso.example\r\nTo: help@northwind.example\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        "Final-Recipient: rfc822; dana@contoso.example\r\nAction: failed\r\nStatus: 5.2.2\r\n"
        "Diagnostic-Code: smtp; 552 mailbox full\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{note.delivery.id}@northwind.example>"
        "\r\n--b--\r\n"
    )
    came = await take_in(desk, report.encode())
    assert (came.status, came.ticket) == (InboundStatus.BOUNCE, note.delivery.ticket)
    failed = await settled(desk, note.delivery.ticket, DeliveryStatus.FAILED)
    assert "552 mailbox full" in failed.error
