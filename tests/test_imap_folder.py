"""A mailbox's folder: each mail once, none lost, and none that keeps the others waiting for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from adapters.email import imap
from adapters.email import imap_session as imap_session_module
from adapters.email.imap import ImapAccount, ImapReader
from adapters.email.imap_folder import AGAIN, ImapFolder
from adapters.email.imap_session import IDLE_TIME, ImapFailed, ImapRefused, ImapSession, imap_session
from adapters.email.parse import parse_mail
from chatdesk.bootstrap import now
from chatdesk.config import MailSettings
from chatdesk.errors import StorageError
from chatdesk.settings.mail_servers import Encryption, MailServer
from tests.dovecot import dovecot
from tests.mail_builders import DESK_ADDRESS, mail

SERVER = MailServer("mail.northwind.example", 993, Encryption.TLS, "help@northwind.example", "swordfish")


class Mailbox(ImapSession):
    """A folder of a mail server; ``faults`` are what it answers when a mail is fetched."""

    def __init__(self, *mails: bytes) -> None:
        self.mails = dict(enumerate(mails, 1))
        self.read: set[int] = set()
        self.faults: dict[int, Exception] = {}
        self.validity = 7
        self.moves = True

    async def select(self, folder: str) -> int:
        return self.validity

    async def search(self, *criteria: str) -> list[int]:
        match criteria:
            case ("UID", wanted):
                first = int(wanted.partition(":")[0])
                return sorted(
                    {*(uid for uid in self.mails if uid >= first), max(self.mails, default=0)} - {0}
                )
            case ("UNSEEN",):
                return sorted(self.mails.keys() - self.read)
            case _:
                return sorted(self.mails)

    async def size(self, uid: int) -> int | None:
        return len(self.mails[uid]) if uid in self.mails else None

    async def fetch(self, uid: int, part: str = "") -> bytes | None:
        if uid in self.faults and not (part and isinstance(self.faults[uid], ImapRefused)):
            raise self.faults[uid]
        whole = self.mails.get(uid)
        return whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if whole and part else whole

    async def mark_read(self, uid: int) -> None:
        self.read.add(uid)

    async def move(self, uid: int, folder: str) -> None:
        if not self.moves:
            raise ImapRefused("The server did not move: no such folder")
        del self.mails[uid]


@dataclass
class Desk:
    """What a folder works with: what was kept, by place, what was noted, and a clock that is set by hand."""

    kept: dict[str, bytes] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    time: datetime = field(default_factory=now)
    is_away: bool = False

    async def accept(self, source: bytes, place: str) -> str:
        """Keep the mail [adapters.email.intake.Intake.accept]."""
        if self.is_away:
            raise StorageError("the database is away")
        return self.kept.setdefault(place, source).hex()

    async def get(self, adapter: str, key: str) -> str | None:
        return self.notes.get(key)

    async def put(self, adapter: str, key: str, value: str, at: datetime) -> None:
        self.notes[key] = value

    async def claim(self, adapter: str, key: str, value: str, at: datetime) -> str:
        return self.notes.setdefault(key, value)

    async def remove(self, adapter: str, key: str) -> None:
        _ = self.notes.pop(key, None)

    def clock(self) -> datetime:
        return self.time

    def folder(self, move_to: str = "", server: MailServer = SERVER) -> ImapFolder:
        return ImapFolder(server, "INBOX", move_to, self.accept, self, self.clock)

    def uids(self) -> list[int]:
        """Return the UIDs of what was kept, in that order."""
        return [int(place.rpartition("/")[2]) for place in self.kept]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def take(folder: ImapFolder, mailbox: Mailbox) -> None:
    """Read the folder over a connection of its own, which may be lost."""
    with suppress(ImapFailed, ValueError):
        await folder.open(mailbox)
        while await folder.take_new(mailbox):
            pass


async def test_of_a_folder_that_is_begun_with_the_unread_mail_is_new(desk: Desk) -> None:
    mailbox = Mailbox(b"old", b"unread", b"old")
    mailbox.read = {1, 3}
    folder = desk.folder()
    await take(folder, mailbox)
    mailbox.mails[4] = b"new"
    mailbox.read = {1, 2, 3, 4}
    await take(folder, mailbox)
    assert desk.uids() == [2, 4]


async def test_what_the_database_could_not_take_is_taken_later(desk: Desk) -> None:
    mailbox = Mailbox(b"one", b"two")
    desk.is_away = True
    with pytest.raises(StorageError):
        await take(desk.folder("Done"), mailbox)
    desk.is_away = False
    await take(desk.folder("Done"), mailbox)
    assert (desk.uids(), mailbox.mails) == ([1, 2], {})


async def test_mail_that_cannot_be_moved_stays_and_is_taken_once(desk: Desk) -> None:
    mailbox = Mailbox(b"one", b"two", b"three")
    mailbox.moves = False
    folder = desk.folder("Done")
    await take(folder, mailbox)
    desk.kept.clear()
    mailbox.mails[4] = b"four"
    await take(folder, mailbox)
    await take(desk.folder("Done"), mailbox)
    assert desk.uids() == [4]


OTHER = MailServer("mail.northwind.example", 993, Encryption.TLS, "desk@northwind.example", "swordfish")


async def test_another_account_on_the_same_server_is_begun_with_for_itself(desk: Desk) -> None:
    await take(desk.folder(), Mailbox(*(b"old" for _ in range(50))))
    desk.kept.clear()
    await take(desk.folder(server=OTHER), Mailbox(b"one", b"two"))
    assert desk.uids() == [1, 2]


async def test_the_note_of_an_earlier_version_is_gone_on_from_by_the_first_account_that_is_read(
    desk: Desk,
) -> None:
    desk.notes["imap:mail.northwind.example:INBOX:7"] = "2"
    await take(desk.folder(), Mailbox(b"one", b"two", b"three"))
    assert desk.uids() == [3]
    desk.kept.clear()
    await take(desk.folder(server=OTHER), Mailbox(b"one", b"two", b"three"))
    assert desk.uids() == [1, 2, 3]


FAULTS = [
    ImapRefused("The server did not fetch: [SERVERBUG]"),
    ImapFailed("The connection was lost"),
    ValueError("a literal that the library cannot read"),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_mail_that_cannot_be_fetched_keeps_no_other_waiting(desk: Desk, fault: Exception) -> None:
    mailbox = Mailbox(b"one", b"two", b"three")
    mailbox.faults[2] = fault
    folder = desk.folder("Done")
    for _ in range(2):
        await take(folder, mailbox)
    assert desk.uids() == [1, 3]
    assert folder.patience() == AGAIN[0].total_seconds()
    mailbox.mails[4] = b"four"
    await take(folder, mailbox)
    assert desk.uids() == [1, 3, 4]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_mail_is_taken_when_its_server_hands_it_out_at_last(desk: Desk, fault: Exception) -> None:
    mailbox = Mailbox(b"one", b"two", b"three")
    mailbox.faults[2] = fault
    folder = desk.folder("Done")
    for _ in range(2):
        await take(folder, mailbox)
    mailbox.faults.clear()
    # After a start, what was owed is not forgotten.
    await take(desk.folder("Done"), mailbox)
    assert (desk.uids(), mailbox.mails) == ([1, 3, 2], {})


@pytest.mark.parametrize("fault", FAULTS)
async def test_staff_are_shown_a_mail_that_cannot_be_fetched_at_all(desk: Desk, fault: Exception) -> None:
    mailbox = Mailbox(b"one", mail(subject="Broken"))
    mailbox.faults[2] = fault
    folder = desk.folder("Done")
    for wait in (*AGAIN, AGAIN[-1], timedelta(0)):
        await take(folder, mailbox)
        desk.time += wait
    parsed, _ = parse_mail(list(desk.kept.values())[-1])
    assert desk.uids() == [1, 2]
    assert parsed.is_header_only
    assert parsed.subject in ("Broken", "Mail 2 in INBOX could not be fetched")
    assert list(mailbox.mails) == [2]
    assert folder.patience() == IDLE_TIME


async def test_a_real_servers_broken_mail_is_put_off_and_the_next_ones_are_taken(desk: Desk) -> None:
    async with dovecot() as post:
        for number in range(3):
            await post.deliver(mail(f"Problem {number}"), DESK_ADDRESS)
        # Their names do not sort as they came: they hold microseconds without leading zeros.
        files = (post.folder / "mail" / DESK_ADDRESS / "new").iterdir()
        (broken,) = [file for file in files if b"Problem 1" in file.read_bytes()]
        broken.chmod(0)
        folder = desk.folder(server=post.mailbox(DESK_ADDRESS))
        async with asyncio.timeout(20):
            for _ in range(2):
                with suppress(ImapFailed):
                    async with imap_session(post.mailbox(DESK_ADDRESS)) as session:
                        await folder.open(session)
                        _ = await folder.take_new(session)
    assert desk.uids() == [1, 3]


async def test_mail_that_was_taken_away_meanwhile_is_nothing_to_wait_for(desk: Desk) -> None:
    mailbox = Mailbox(b"one", b"two")
    mailbox.faults[1] = FAULTS[0]
    folder = desk.folder()
    await take(folder, mailbox)
    del mailbox.mails[1]
    desk.time += AGAIN[0]
    await take(folder, mailbox)
    assert (desk.uids(), folder.patience()) == ([2], IDLE_TIME)


async def test_a_connection_that_worked_and_is_lost_is_opened_again_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    class Lost(Mailbox):
        async def wait(self, seconds: float = 0) -> None:
            raise ImapFailed("The server has closed the connection.")

    @asynccontextmanager
    async def session(*_: object) -> AsyncIterator[ImapSession]:
        yield Lost(b"one")

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 12:
            raise asyncio.CancelledError

    monkeypatch.setattr(imap, "imap_session", session)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    reader = ImapReader(ImapAccount(SERVER, MailSettings()), desk.accept, desk, desk.clock, lambda: 0.5)
    await reader.run()
    assert waits == [1.0] * 12


async def test_after_mail_the_folder_is_looked_into_once_more_before_a_long_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    class Told(Mailbox):
        """A server that tells of the second mail, and of the third, in its answer to a search."""

        async def wait(self, seconds: float = 0) -> None:
            waits.append(seconds)
            if len(waits) < 3:
                self.mails[len(waits) + 1] = b"more"
            elif len(waits) == 5:
                raise asyncio.CancelledError

    @asynccontextmanager
    async def session(*_: object) -> AsyncIterator[ImapSession]:
        yield Told(b"one")

    monkeypatch.setattr(imap, "imap_session", session)
    reader = ImapReader(ImapAccount(SERVER, MailSettings()), desk.accept, desk, desk.clock, lambda: 0.5)
    await reader.run()
    soon = imap.ONCE_MORE
    assert (desk.uids(), waits) == ([1, 2, 3], [soon, soon, soon, IDLE_TIME, IDLE_TIME])


async def test_a_reader_that_is_stopped_as_its_server_refuses_it_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refused:
        """A client whose connection is refused when the test says so."""

        protocol = None

        def __init__(self) -> None:
            self.hello: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._client_task = self.hello

        async def wait_hello_from_server(self) -> None:
            await self.hello

    client = Refused()
    monkeypatch.setattr(imap_session_module, "_client", lambda *_: client)
    server = MailServer("127.0.0.1", 9, Encryption.NONE, "desk", "secret")
    reader = asyncio.create_task(imap_session(server).__aenter__())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    client.hello.set_exception(ConnectionRefusedError("refused"))
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
