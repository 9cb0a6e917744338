"""The whole circle over real sockets: a chat, its mails over SMTP, replies through a real IMAP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from chatdesk.bootstrap import now
from chatdesk.conversation import Visibility
from chatdesk.events import AgentMessaged, TicketResolved, TicketTaken
from chatdesk.reading import TicketFile
from chatdesk.settings.mail_servers import Encryption, MailServer, MailServers
from chatdesk.ticket import TicketNumber, TicketStatus
from tests.asking import ask
from tests.dovecot import PASSWORD, Dovecot, dovecot
from tests.mail_builders import DESK_ADDRESS, MAIL_DESK, mail
from tests.running_desk import ANSWERS, ServedDesk, ServerProcess, customer, database_url, serving
from tests.smtp_peer import SmtpPeer, smtp_peer

DESK = MAIL_DESK.replace('gather = "0s"', 'gather = "0s"\nfolders = ["INBOX", "Junk"]\nmove_to = "Done"')
SURVEY = {name: value for name, value in ANSWERS.items() if name != "category"}


@pytest.fixture
async def post() -> AsyncIterator[Dovecot]:
    async with dovecot() as served:
        yield served


@pytest.fixture
async def peer() -> AsyncIterator[SmtpPeer]:
    async with smtp_peer() as served:
        yield served


@pytest.fixture
async def desk(post: Dovecot, peer: SmtpPeer) -> AsyncIterator[ServedDesk]:
    servers = MailServers(
        smtp=MailServer("127.0.0.1", peer.port, Encryption.NONE), imap=post.mailbox(DESK_ADDRESS)
    )
    async with serving(DESK, mail=servers) as served:
        yield served


async def mailed(peer: SmtpPeer, words: str) -> EmailMessage:
    """Wait until the desk has sent a mail with these words, and return it."""
    async with asyncio.timeout(20):
        while True:
            for taken in peer.taken:
                message = message_from_bytes(taken.body.replace(b"\r\n..", b"\r\n."), policy=default)
                assert isinstance(message, EmailMessage)
                body = message.get_body(("plain",))
                if body is not None and words in " ".join(body.get_content().split()):
                    return message
            await asyncio.sleep(0.02)


async def ticket_with(desk: ServedDesk, number: TicketNumber, words: str) -> TicketFile:
    """Wait until a message of the ticket has these words, and return the ticket."""
    async with asyncio.timeout(30):
        while True:
            found = await desk.running.services.staff_reads.ticket_file(number)
            if found is not None and any(words in message.text for message in found.messages):
                return found
            await asyncio.sleep(0.05)


def answer_to(message: EmailMessage, text: str) -> tuple[bytes, str]:
    """Return Dana's reply as her mail program writes it, and the address it goes to."""
    to = message["Reply-To"].addresses[0].addr_spec
    source = mail(
        f"{text}\n\nOn Mon, Sep 21, 2026 at 9:00 AM Northwind IT <{DESK_ADDRESS}> wrote:\n> news\n",
        f"Re: {message['Subject']}",
        to=to,
        In_Reply_To=str(message["Message-ID"]),
    )
    return source, to


async def test_chat_mail_reply_reopened_answer_mail(desk: ServedDesk, post: Dovecot, peer: SmtpPeer) -> None:
    async with customer(desk.base) as dana:
        await dana.send(t="start", id="1", answers=SURVEY)
        first = await mailed(peer, "Your ticket is")
        number = TicketNumber(int(str(first["Subject"]).partition("-")[2].partition("]")[0]))
    core, staff = desk.running.desk, desk.running.staff
    agent = (await staff.add("Priya Nair", "priya@northwind.example", None, now())).agent
    common = {"channel": "web", "ticket": number, "agent": agent}
    _ = await core.receive(TicketTaken(at=now(), external_id="1", **common))  # type: ignore[arg-type]
    resolution = TicketResolved(at=now(), external_id="2", resolution="A new fuser.", **common)  # type: ignore[arg-type]
    _ = await core.receive(resolution)
    closed = await mailed(peer, "A new fuser.")
    source, to = answer_to(closed, "It is slow again, sorry.")
    await post.deliver(source, to)
    file = await ticket_with(desk, number, "It is slow again")
    assert file.ticket.status is TicketStatus.ASSIGNED
    assert [c.channel for c in file.conversations] == ["web", "email"]
    assert file.messages[-1].text == "It is slow again, sorry."
    assert file.messages[-1].visibility is Visibility.PUBLIC
    _ = await mailed(peer, "is open again")
    reply = AgentMessaged(
        at=now(),
        channel="web",
        external_id="3",
        conversation=file.conversations[-1].id,
        agent=agent,
        text="I am bringing a spare one.",
    )
    _ = await core.receive(reply)
    answer = await mailed(peer, "I am bringing a spare one.")
    sent = str(message_from_bytes(source, policy=default)["Message-ID"])
    assert answer["In-Reply-To"] == sent
    assert {tuple(taken.recipients) for taken in peer.taken} == {("dana@contoso.example", DESK_ADDRESS)}
    assert peer.connections == 1


async def test_mail_is_read_from_every_folder_and_moved_when_it_was_kept(
    desk: ServedDesk, post: Dovecot
) -> None:
    from adapters.email.imap_session import imap_session

    async with imap_session(post.mailbox(DESK_ADDRESS)) as session:
        await post.deliver(mail("First."), DESK_ADDRESS)
        await post.deliver(mail("Second.", sender="Erik <erik@fabrikam.example>"), DESK_ADDRESS)
        _ = await session.select("INBOX")
        async with asyncio.timeout(20):
            while True:
                _ = await session.select("Done")
                if len(await session.search("ALL")) == 2:
                    break
                await asyncio.sleep(0.1)
        _ = await session.select("INBOX")
        assert await session.search("ALL") == []


async def test_reading_goes_on_when_the_server_was_away(desk: ServedDesk, post: Dovecot) -> None:
    await post.deliver(mail("Before."), DESK_ADDRESS)
    _ = await ticket_with(desk, TicketNumber(1001), "Before.")
    await post.stop()
    await post.start()
    await post.deliver(mail("After.", sender="Erik <erik@fabrikam.example>"), DESK_ADDRESS)
    _ = await ticket_with(desk, TicketNumber(1002), "After.")


@pytest.mark.crash
async def test_a_desk_killed_in_mid_batch_files_each_mail_once(post: Dovecot, tmp_path: Path) -> None:
    count = 24
    config = tmp_path / "chatdesk.toml"
    config.write_text(DESK)
    for number in range(count):
        sender = f"Person {number} <p{number}@contoso.example>"
        await post.deliver(mail(f"Problem {number}.", f"Mail {number}", sender), DESK_ADDRESS)
    server = ServerProcess(
        tmp_path,
        CHATDESK_CONFIG=str(config),
        CHATDESK_IMAP_URL=f"imap+plain://help%40northwind.example@127.0.0.1:{post.imap_port}",
        CHATDESK_IMAP_PASSWORD=PASSWORD,
    )
    filed: list[int] = []
    async with server:
        while len(filed) < 6:
            await asyncio.sleep(0.05 * len(filed) + 0.3)
            await server.restart()
            filed.append((await kept_in(tmp_path))[0])
        async with asyncio.timeout(60):
            while (await kept_in(tmp_path))[0] < count:  # noqa: ASYNC110 - another process files them
                await asyncio.sleep(0.1)
    tickets, subjects, messages, kept = await kept_in(tmp_path)
    assert (tickets, subjects, messages, kept) == (count, count, count, count)


async def kept_in(data: Path) -> tuple[int, ...]:
    """Return how many tickets, subjects, customers' messages and mails the database holds."""
    (row,) = await ask(
        database_url(data),
        "SELECT (SELECT COUNT(*) FROM ticket), (SELECT COUNT(DISTINCT subject) FROM ticket), "
        "(SELECT COUNT(*) FROM message WHERE author_kind = 'customer'), "
        "(SELECT COUNT(*) FROM inbound_mail)",
    )
    return row
