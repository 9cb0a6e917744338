"""Mails as tests write them, and a desk that takes them in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from itertools import count

from chatdesk.inbox import InboundMail, InboundStatus
from chatdesk.mailbox import Mailbox, StoredMail
from chatdesk.reading import TicketFile
from chatdesk.ticket import TicketNumber
from storage.inbox import TortoiseInbox
from tests.running_desk import ServedDesk

DESK_ADDRESS = "help@northwind.example"
DANA = "Dana Reyes <dana@contoso.example>"
MAIL_DESK = """
[desk]
name = "Northwind IT"
timezone = "America/New_York"
phone = "555-0100"
email = "help@northwind.example"
[mail]
gather = "0s"
authserv = "mx.northwind.example"
[companies.contoso]
name = "Contoso"
domains = ["contoso.example"]
[companies.fabrikam]
name = "Fabrikam"
domains = ["fabrikam.example"]
"""
PASSED = "mx.northwind.example; dmarc=pass header.from=contoso.example"

_numbers = count(1)


def mail(
    text: str = "The printer on floor 2 is offline.",
    subject: str = "Printer offline",
    sender: str = DANA,
    to: str = DESK_ADDRESS,
    *,
    vouched: str = PASSED,
    **headers: str,
) -> bytes:
    """Return a plain mail; underscores in the names of ``headers`` are hyphens."""
    message = EmailMessage(policy=SMTP)
    if vouched:
        message["Authentication-Results"] = vouched
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = headers.pop("Message_ID", f"<m{next(_numbers)}@mail.contoso.example>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return bytes(message)


async def take_in(desk: ServedDesk, source: bytes, place: str = "") -> InboundMail:
    """Bring the mail to the desk and wait until it has been worked on."""
    intake = desk.running.mail.intake
    identity = await intake.accept(source, place or f"test:{next(_numbers)}")
    inbox = TortoiseInbox(desk.running.database, lambda: "unused")
    async with asyncio.timeout(30):
        while True:
            found = await inbox.read(identity)
            assert found is not None
            if found.status is not InboundStatus.RECEIVED:
                return found
            await asyncio.sleep(0.01)


async def ticket_file(desk: ServedDesk, number: TicketNumber | None) -> TicketFile:
    """Return the whole ticket, which has to exist."""
    assert number is not None
    found = await desk.running.services.staff_reads.ticket_file(number)
    assert found is not None
    return found


async def sent_mail(desk: ServedDesk, wanted: Callable[[StoredMail], bool] = lambda _: True) -> StoredMail:
    """Wait for a mail of the desk's and return it."""
    async with asyncio.timeout(15):
        while True:
            for found in await kept_mails(desk.running.services.mailbox, 200):
                if wanted(found):
                    return found
            await asyncio.sleep(0.02)


async def all_sent(desk: ServedDesk) -> Sequence[StoredMail]:
    """Return what the desk has sent once nothing waits to be sent any more, newest first."""
    query = "SELECT COUNT(*) AS n FROM delivery WHERE status IN ('pending', 'leased') AND target = 'email'"
    reader = desk.running.database.reader
    async with asyncio.timeout(15):
        while True:
            if not (await reader.execute_query_dict(query))[0]["n"]:
                break
            await asyncio.sleep(0.02)
    return await kept_mails(desk.running.services.mailbox, 500)


async def kept_mails(mailbox: Mailbox, limit: int) -> list[StoredMail]:
    """Return the newest mails, whole."""
    read = [await mailbox.read(line.message_id) for line in await mailbox.newest(limit)]
    return [mail for mail in read if mail is not None]


def read_back(stored: StoredMail) -> EmailMessage:
    """Return a mail of the desk's taken apart."""
    message = message_from_bytes(stored.source, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def reply_address(stored: StoredMail) -> str:
    """Return the address that replies to a mail of the desk's go to."""
    return str(read_back(stored)["Reply-To"]).rpartition("<")[2].rstrip(">")
