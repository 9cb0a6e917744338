"""The files of a technician's answer go with its mail, as far as they fit [R15, R38]."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import TypedDict

import pytest
from msgspec.structs import replace

from adapters.email.attachments import MOST_BYTES, Attached, Attachment, read_attached
from adapters.email.mime import write_mail
from adapters.email.outbound import Caps, MailChannel
from adapters.email.source import MailFacts
from chatdesk.bootstrap import now
from chatdesk.config import parse_config
from chatdesk.conversation import Agent, ConversationId, FileRef, Message, Visibility
from chatdesk.events import AgentMessaged, MessageDeleted
from chatdesk.files import StoredFile
from chatdesk.ids import new_id
from chatdesk.settings.mail_servers import Encryption, MailServer, MailServers
from tests.desk_builders import SAMPLE_DESK
from tests.mail_builders import MAIL_DESK, all_sent, mail, take_in, ticket_file
from tests.running_desk import ServedDesk, serving
from tests.smtp_peer import Taken, smtp_peer
from tests.test_email_answers import answer
from tests.test_email_outbound import NOW, Clock, KeptMail, Tickets, Wire, parsed
from tests.test_email_updates import TOKENS, Updates
from tests.transcript_builders import CHAT, MARCUS, a_conversation, a_ticket, deleted, said

STEPS = b"%PDF-1.7 \x00\xff\r\n" * 40


class Common(TypedDict):
    """What every event of the conversation says."""

    at: datetime
    channel: str
    external_id: str
    conversation: ConversationId


class Shelf:
    """Files on disk, by id."""

    def __init__(self, folder: Path, files: Mapping[str, bytes], internal: str = "") -> None:
        self._folder = folder
        self._internal = internal
        for name, content in files.items():
            (folder / name).write_bytes(content)

    async def find(self, identity: str) -> StoredFile | None:
        if identity == "unknown":
            return None
        ref = FileRef(identity, "", "application/pdf", 0)
        path = self._folder / identity
        return StoredFile(ref, CHAT, "agent-7", path, internal=identity == self._internal, at=NOW)


async def stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


def ref(identity: str, name: str = "steps.pdf", size: int = len(STEPS)) -> FileRef:
    return FileRef(identity, name, "application/pdf", size)


async def mailed(shelf: Shelf, message: Message) -> EmailMessage:
    """Return the mail that an answer becomes."""
    wire = Wire()
    facts = MailFacts(a_ticket(), a_conversation(), [said(1, "Help"), message], (), ())
    channel = MailChannel(
        Tickets(facts),
        KeptMail(),
        wire,
        parse_config(SAMPLE_DESK, "sample"),
        Clock(),
        Caps(),
        TOKENS,
        Updates(),
        shelf,
    )
    await channel.send(answer(message.seq))
    return parsed(wire.sent[0][0])


@dataclass(frozen=True, slots=True)
class Talk:
    """A ticket that came by mail, and the technician who answers it."""

    desk: ServedDesk
    conversation: ConversationId
    agent: Agent

    @classmethod
    async def begin(cls, desk: ServedDesk) -> Talk:
        file = await ticket_file(desk, (await take_in(desk, mail())).ticket)
        account = await desk.running.staff.add("Priya Nair", "priya@northwind.example", None, now())
        return cls(desk, file.conversations[0].id, account.agent)

    async def say(
        self, text: str, name: str, content: bytes, see: Visibility = Visibility.PUBLIC
    ) -> int | None:
        """Write a message with a file; return its number."""
        internal = see is Visibility.INTERNAL
        kept = await self.desk.running.services.files.keep(
            self.conversation, self.agent.id, name, stream(content), now(), internal=internal
        )
        said = AgentMessaged(**self._common(), agent=self.agent, text=text, files=(kept,), visibility=see)
        return (await self.desk.running.desk.receive(said)).seq

    async def take_back(self, seq: int | None) -> None:
        assert seq is not None
        event = MessageDeleted(**self._common(), by=self.agent.author, seq=seq)
        await self.desk.running.desk.receive(event)

    def _common(self) -> Common:
        return {"at": now(), "channel": "web", "external_id": new_id(), "conversation": self.conversation}


def parsed_from(taken: Taken) -> EmailMessage:
    """Return a mail as its reader's program has it; the doubled dots of its lines are taken back."""
    return parsed(re.sub(rb"(?m)^\.\.", b".", taken.body))


def attachments(mail: EmailMessage) -> list[tuple[str | None, str, bytes]]:
    return [
        (part.get_filename(), part.get_content_type(), part.get_content()) for part in mail.iter_attachments()
    ]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_a_file_of_an_answer_is_in_its_mail_beside_both_forms_of_the_text(tmp_path: Path) -> None:
    message = replace(said(2, "Please follow these steps.", MARCUS), files=(ref("f1"),))
    mail = await mailed(Shelf(tmp_path, {"f1": STEPS}), message)
    assert attachments(mail) == [("steps.pdf", "application/octet-stream", STEPS)]
    assert "Please follow these steps." in text_of(mail)
    html = mail.get_body(("html",))
    assert html is not None
    assert "Please follow these steps." in html.get_content()


async def test_what_does_not_fit_is_named_with_what_to_do(tmp_path: Path) -> None:
    files = (ref("big", "backup.iso", MOST_BYTES), ref("f1"), ref("unknown", "gone.txt", 3))
    mail = await mailed(
        Shelf(tmp_path, {"big": b"x", "f1": STEPS}), replace(said(2, "Here", MARCUS), files=files)
    )
    assert [name for name, *_ in attachments(mail)] == ["backup.iso"]
    text = " ".join(text_of(mail).split())
    assert "Not attached, as this mail would become too large: steps.pdf (520 bytes). Ask us for" in text
    assert "Not attached, as it could not be read: gone.txt (3 bytes). Ask us for another way." in text


@pytest.mark.parametrize(
    "message",
    [
        replace(said(2, "For staff only", MARCUS, internal=True), files=(ref("f1"),)),
        replace(deleted(said(2, "Oops", MARCUS), "14:05"), files=(ref("f1"),)),
    ],
    ids=["a note", "taken back"],
)
def test_the_files_of_notes_and_of_what_was_taken_back_go_with_no_mail(message: Message) -> None:
    facts = MailFacts(a_ticket(), a_conversation(), [message], (), ())
    assert facts.files_of(answer(2)) == ()


@pytest.mark.parametrize("size", [len(STEPS), MOST_BYTES + 1])
async def test_a_file_that_a_note_has_taken_since_goes_with_no_mail_and_is_not_named(
    tmp_path: Path, size: int
) -> None:
    shelf = Shelf(tmp_path, {"f1": STEPS}, internal="f1")
    assert await read_attached(shelf, [ref("f1", size=size)]) == Attached()


async def test_a_file_that_is_gone_from_the_disk_is_said_to_be_unreadable(tmp_path: Path) -> None:
    assert await read_attached(Shelf(tmp_path, {}), [ref("f1")]) == Attached(unread=(ref("f1"),))


async def test_only_the_files_that_the_customer_may_see_arrive_at_the_mail_server() -> None:
    gathering = MAIL_DESK.replace('gather = "0s"', 'gather = "2s"\ncopies = false')
    async with smtp_peer() as peer:
        server = MailServer("127.0.0.1", peer.port, Encryption.NONE)
        async with serving(gathering, mail=MailServers(smtp=server)) as desk:
            talk = await Talk.begin(desk)
            await talk.say("Check the licence.", "licence.txt", b"for staff", see=Visibility.INTERNAL)
            outcome = await talk.say("Wrong one.", "wrong.txt", b"of somebody else")
            await talk.take_back(outcome)
            await talk.say("Here are the steps.", "Übersicht.pdf", STEPS)
            await all_sent(desk)

    _, told = map(parsed_from, peer.taken)
    assert attachments(told) == [("Übersicht.pdf", "application/octet-stream", STEPS)]
    assert "Here are the steps." in text_of(told)
    for hidden in (b"licence", b"wrong.txt", b"Wrong one"):
        assert hidden not in peer.taken[1].body


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", ".._.._etc_passwd"),
        ('a"b\\c.txt', 'a"b\\c.txt'),
        ("x\r\nBcc: all@example.com\r\n.exe", "x Bcc: all@example.com .exe"),
        ("Übersicht für Zoë.pdf", "Übersicht für Zoë.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("", "file"),
    ],
)
def test_a_name_is_a_name_whatever_it_holds(name: str, shown: str) -> None:
    source = write_mail(
        [("Subject", "s")], "text\n", "<p>text</p>\n", "=_1", [Attachment(name, b"--=_1--\r\n")]
    )
    read = message_from_bytes(source, policy=SMTP)
    assert isinstance(read, EmailMessage)
    assert read.keys() == ["Subject", "MIME-Version", "Content-Type"]
    assert attachments(read) == [(shown, "application/octet-stream", b"--=_1--\r\n")]
