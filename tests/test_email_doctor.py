"""`chatdesk doctor mail`: each step is told, with what to change when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.email.doctor import Patience, examine
from chatdesk.bootstrap import now
from chatdesk.config import parse_config
from chatdesk.finding import Finding
from chatdesk.settings.mail_servers import NO_SERVERS, Encryption, MailServer, MailServers
from tests.dovecot import Dovecot, dovecot
from tests.mail_builders import DESK_ADDRESS, MAIL_DESK
from tests.smtp_peer import SmtpPeer, smtp_peer

SOON = Patience(arrival=3.0, look_every=0.1)


@pytest.fixture
async def peer() -> AsyncIterator[SmtpPeer]:
    async with smtp_peer() as served:
        yield served


@pytest.fixture
async def post() -> AsyncIterator[Dovecot]:
    async with dovecot() as served:
        yield served


async def findings(servers: MailServers, desk: str = MAIL_DESK) -> list[Finding]:
    config = parse_config(desk, "sample")
    return [finding async for finding in examine(config, servers, now(), "k1", SOON)]


def smtp(peer: SmtpPeer, user: str = "") -> MailServer:
    return MailServer("127.0.0.1", peer.port, Encryption.NONE, user, "swordfish" if user else "")


async def carry(peer: SmtpPeer, post: Dovecot) -> None:
    """Carry what the peer took to the mailbox, as a mail server does."""
    done = 0
    while True:
        while done < len(peer.taken):
            await post.deliver(peer.taken[done].body, peer.taken[done].recipients[0])
            done += 1
        await asyncio.sleep(0.05)


async def test_a_good_desk_sees_its_own_mail_arrive(peer: SmtpPeer, post: Dovecot) -> None:
    carrier = asyncio.create_task(carry(peer, post))
    found = await findings(MailServers(smtp(peer), post.mailbox(DESK_ADDRESS)))
    _ = carrier.cancel()
    assert [finding.text for finding in found if not finding.good] == []
    assert found[-1].text == "It arrived in INBOX."
    assert any("The folder INBOX has" in finding.text for finding in found)


async def test_a_mail_that_does_not_arrive_is_told(peer: SmtpPeer, post: Dovecot) -> None:
    found = await findings(MailServers(smtp(peer), post.mailbox(DESK_ADDRESS)))
    assert not found[-1].good
    assert "did not arrive" in found[-1].text
    assert "spam" in found[-1].fix


async def test_nothing_set_up_is_told_with_each_variable() -> None:
    text = " ".join(finding.text for finding in await findings(NO_SERVERS) if not finding.good)
    assert "CHATDESK_SMTP_URL" in text
    assert "CHATDESK_IMAP_URL" in text


async def test_a_desk_without_an_address_is_told() -> None:
    bad = [found for found in await findings(NO_SERVERS, '[desk]\nname = "x"\n') if not found.good]
    assert "desk.email" in bad[0].text


@pytest.mark.parametrize(
    ("host", "port", "said", "fix"),
    [
        ("no-such-host.invalid", 465, "is not known", "CHATDESK_SMTP_URL"),
        ("127.0.0.1", 1, "Nothing answers", "port"),
    ],
)
async def test_a_server_that_cannot_be_reached_is_told(host: str, port: int, said: str, fix: str) -> None:
    found = await findings(MailServers(MailServer(host, port, Encryption.TLS)))
    bad = next(finding for finding in found if not finding.good and said in finding.text)
    assert fix in bad.fix


async def test_a_wrong_password_is_told_with_the_servers_words(peer: SmtpPeer) -> None:
    peer.answer("AUTH", "535 5.7.8 bad password", "535 5.7.8 bad password")
    found = await findings(MailServers(smtp(peer, "help")))
    bad = next(finding for finding in found if "bad password" in finding.text)
    assert "CHATDESK_SMTP_PASSWORD" in bad.fix


async def test_encryption_that_the_server_does_not_speak_is_told(peer: SmtpPeer) -> None:
    found = await findings(MailServers(MailServer("127.0.0.1", peer.port, Encryption.TLS)))
    bad = next(finding for finding in found if "Signing in over SMTP failed" in finding.text)
    assert "CHATDESK_SMTP_URL" in bad.fix


async def test_a_wrong_mailbox_password_and_a_missing_folder_are_told(post: Dovecot) -> None:
    wrong = MailServer("127.0.0.1", post.imap_port, Encryption.NONE, DESK_ADDRESS, "wrong")
    found = await findings(MailServers(None, wrong))
    assert any("Signing in over IMAP failed" in finding.text for finding in found)
    desk = MAIL_DESK.replace("[mail]", '[mail]\nfolders = ["INBOX", "Nowhere"]')
    found = await findings(MailServers(None, post.mailbox(DESK_ADDRESS)), desk)
    assert any("Nowhere cannot be opened" in finding.text for finding in found)
