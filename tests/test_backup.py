"""`chatdesk backup` and `restore`: everything comes back, from a running desk, and nothing is done twice."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.json import decode, encode
from typer.testing import CliRunner, Result

from chatdesk.cli.commands import application
from chatdesk.conversation import ConversationId
from chatdesk.errors import StorageError
from chatdesk.events import CustomerMessaged
from chatdesk.files import FileLimits
from chatdesk.ids import new_id
from chatdesk.ticket import TicketNumber
from storage import restoring
from storage.backing_up import Source, back_up, file_name
from storage.backup_archive import MANIFEST, unpack
from storage.database import Database
from storage.files import LocalFiles, path_of
from storage.reading import TortoiseStaffReads
from storage.restoring import GAP, Since, Target, restore
from storage.search import TortoiseSearch
from storage.staff import TortoiseStaff
from storage.store import TortoiseStore
from tests import postgres_server
from tests.core_builders import new_desk, running, survey, url
from tests.desk_builders import TUESDAY

REPOSITORY = Path(__file__).parent.parent
CHATS = 5
WORDS, SHOWN, UPLOADED = "née — \U0001f600 prints nothing", b"%PDF-1.7 a page", b"nobody sent it"
EMAIL, PASSWORD = "marcus@northwind.example", "a pass phrase"
CHAT = ConversationId("chat 0")


class OldDesk:
    """A desk with chats, two uploads of which one is in a message, an account and queued mails."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.url = url(folder, kind)
        self.files = folder / "files"
        self.config = folder / "chatdesk.toml"
        self.config.write_text('[desk]\nname = "Northwind IT"\n', encoding="utf-8")
        self.shown, self.uploaded = asyncio.run(self._fill())

    async def _fill(self) -> tuple[str, str]:
        async with Database(self.url) as database:
            async with running(new_desk(TortoiseStore(database))) as desk:
                for number in range(CHATS):
                    await desk.receive(survey(f"chat {number}", f"visitor {number}"))
                files = LocalFiles(database, self.files, FileLimits(), new_id)
                shown = await files.keep(CHAT, "visitor 0", "page.pdf", bytes_of(SHOWN), TUESDAY)
                uploaded = await files.keep(CHAT, "visitor 0", "left.txt", bytes_of(UPLOADED), TUESDAY)
                await desk.receive(
                    CustomerMessaged(
                        at=TUESDAY, channel="web", external_id="f", conversation=CHAT, visitor="visitor 0",
                        text=WORDS, files=(shown,),
                    )
                )  # fmt: skip
            _ = await TortoiseStaff(database).add("Marcus Bell", EMAIL, PASSWORD, TUESDAY)
        return shown.id, uploaded.id

    def save(self, name: str = "saved.tar.gz") -> Path:
        """Make a backup and return where it is."""
        target = self.folder / name
        source = Source("Northwind IT", self.url, self.files, self.config)
        self.manifest = back_up(source, target, TUESDAY, "0.1.0", silent)
        return target


async def bytes_of(content: bytes) -> AsyncIterator[bytes]:
    yield content


def silent(size: int) -> None:
    """Show no progress."""


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """The database that is saved, and the one it is put back into."""
    return str(request.param)


@pytest.fixture
def old(tmp_path: Path, kind: str) -> OldDesk:
    folder = tmp_path / "old"
    folder.mkdir()
    return OldDesk(folder, kind)


@pytest.fixture
def place(tmp_path: Path, kind: str) -> Target:
    """Where a desk is restored, with nothing in it yet."""
    return new_place(tmp_path, kind)


def new_place(folder: Path, kind: str) -> Target:
    new = folder / "new"
    new.mkdir()
    address = url(new, kind) if kind == "postgres" else f"sqlite:///{new / 'desk.sqlite3'}"
    return Target(address, new / "files")


async def next_number(address: str) -> int | None:
    """Look whether the desk is whole, and return the number that one more ticket gets."""
    async with Database(address) as database:
        async with running(new_desk(TortoiseStore(database))) as desk:
            opened = await desk.receive(survey("one more", "another visitor"))
        file = await TortoiseStaffReads(database).ticket_file(TicketNumber(1001))
        assert file is not None
        assert WORDS in [message.text for message in file.messages]
        assert len(await TortoiseSearch(database).find("nee prints", 9)) == 1
        assert await TortoiseStaff(database).check_password(EMAIL, PASSWORD) is not None
    return opened.ticket


def deliveries(address: str) -> set[tuple[str, str]]:
    """The kinds and states of what is queued."""

    async def read() -> set[tuple[str, str]]:
        async with Database(address) as database:
            found = await database.select("SELECT kind, status FROM delivery")
        return {(row["kind"], row["status"]) for row in found}

    return asyncio.run(read())


def command(words: list[str], **environ: object) -> Result:
    return CliRunner().invoke(application, words, env={name: str(value) for name, value in environ.items()})


def test_a_desk_comes_back_whole_with_its_files(old: OldDesk, place: Target) -> None:
    restored = restore(old.save(), place, Since(nothing=True), silent)
    assert (restored.next_number, restored.in_doubt) == (1001 + CHATS, 0)
    assert asyncio.run(next_number(place.url)) == 1001 + CHATS
    assert path_of(place.files, old.shown).read_bytes() == SHOWN
    assert path_of(place.files, old.uploaded).read_bytes() == UPLOADED


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("other", ["postgres"])
def test_a_desk_may_be_put_back_into_the_other_kind_of_database(
    old: OldDesk, tmp_path: Path, other: str
) -> None:
    place = new_place(tmp_path, other)
    _ = restore(old.save(), place, Since(nothing=True), silent)
    assert asyncio.run(next_number(place.url)) == 1001 + CHATS


def test_the_commands_save_check_and_restore_where_the_environment_says(
    old: OldDesk, place: Target, tmp_path: Path
) -> None:
    settings = {"CHATDESK_CONFIG": old.config}
    saved = command(
        ["backup", str(tmp_path)], CHATDESK_DATA=old.folder, CHATDESK_DATABASE_URL=old.url, **settings
    )
    assert saved.exit_code == 0, saved.output
    assert "the database and 2 files" in saved.output
    [archive] = tmp_path.glob("chatdesk-*.tar.gz")
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as tar:
        config = tar.extractfile("chatdesk.toml")
        assert config is not None
        assert config.read() == old.config.read_bytes()
    checked = command(["restore", "--check", str(archive)])
    assert f"{archive} is whole: Northwind IT" in checked.output.replace("\n", "")
    new = {"CHATDESK_DATA": place.files.parent, "CHATDESK_DATABASE_URL": place.url, **settings}
    restored = command(["restore", str(archive)], **new)
    assert restored.exit_code == 0, restored.output
    assert f"The next ticket is HD-{1001 + CHATS + GAP}." in restored.output
    assert "may have been sent after the backup" in restored.output
    again = command(["restore", str(archive)], **new)
    assert again.exit_code == 1
    assert "already" in again.output or "not empty" in again.output


def test_numbers_that_may_have_been_given_since_are_left_out(old: OldDesk, place: Target) -> None:
    restored = restore(old.save(), place, Since(), silent)
    assert restored.next_number == 1001 + CHATS + GAP
    assert asyncio.run(next_number(place.url)) == 1001 + CHATS + GAP


def test_the_next_number_can_be_named_but_none_that_was_given(old: OldDesk, place: Target) -> None:
    archive = old.save()
    with pytest.raises(StorageError, match=f"--next-number: 1005 was given already; name {1001 + CHATS}"):
        restore(archive, place, Since(next_number=1005), silent)
    assert restore(archive, place, Since(next_number=1200), silent).next_number == 1200
    assert asyncio.run(next_number(place.url)) == 1200


def test_what_may_have_been_sent_since_is_left_to_people_and_timers_still_fire(
    old: OldDesk, place: Target
) -> None:
    assert {("mail", "pending"), ("timer", "pending")} <= deliveries(old.url)
    restored = restore(old.save(), place, Since(), silent)
    assert restored.in_doubt > 0
    assert deliveries(place.url) == {("mail", "unknown"), ("timer", "pending")}


def test_a_desk_that_was_stopped_goes_on_with_what_it_had_queued(old: OldDesk, place: Target) -> None:
    before = deliveries(old.url)
    _ = restore(old.save(), place, Since(nothing=True), silent)
    assert deliveries(place.url) == before


AT_WORK = """
import asyncio, sys
from chatdesk.logs import configure_logging
from storage.database import Database
from storage.store import TortoiseStore
from tests import postgres_server
from tests.core_builders import new_desk, running, survey

async def work():
    async with Database(sys.argv[1]) as database, running(new_desk(TortoiseStore(database))) as desk:
        for number in range(100_000):
            opened = await desk.receive(survey(f"busy {number}", f"guest {number}"))
            print(opened.ticket, flush=True)

configure_logging("ERROR")
asyncio.run(work())
"""


def test_a_backup_of_a_desk_at_work_is_as_of_one_moment(old: OldDesk, place: Target) -> None:
    words = [sys.executable, "-c", AT_WORK, old.url]
    with subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        began = int(worker.stdout.readline())
        archive = old.save()
        worker.kill()
        last = int(worker.stdout.read().split()[-1])
    restored = restore(archive, place, Since(nothing=True), silent)
    assert restored.next_number is not None
    assert began < restored.next_number <= last + 1
    assert began < last

    async def counted() -> list[int]:
        lonely = "conversation c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.conversation = c.id)"
        async with Database(place.url) as database:
            tables = ("ticket", "conversation", lonely)
            found = [await database.select(f"SELECT COUNT(*) AS n FROM {name}") for name in tables]
        return [rows[0]["n"] for rows in found]

    tickets = restored.next_number - 1001
    assert asyncio.run(counted()) == [tickets, tickets, 0]


def test_a_file_that_is_gone_or_changed_is_named_and_an_upload_nobody_sent_is_not(old: OldDesk) -> None:
    path_of(old.files, old.uploaded).unlink()
    old.save("one.tar.gz")
    assert old.manifest.missing == []
    path_of(old.files, old.shown).write_bytes(b"another page")
    old.save("two.tar.gz")
    assert old.manifest.missing == [old.shown]
    path_of(old.files, old.shown).unlink()
    environ = {"CHATDESK_DATA": old.folder, "CHATDESK_DATABASE_URL": old.url}
    result = command(["backup", str(old.folder / "three.tar.gz")], **environ)
    assert result.exit_code == 1
    assert f"/{old.shown} in the data folder is not what was sent." in result.output.replace("\n", " ")
    assert (old.folder / "three.tar.gz").exists()


def test_an_interrupted_restore_leaves_no_desk_and_may_be_run_again(
    old: OldDesk, place: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = old.save()
    left = place.files.parent / ".killed-restore"
    (left / "files").mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr(restoring, "_place_database", interrupt)
        with pytest.raises(KeyboardInterrupt):
            restore(archive, place, Since(), silent)
    if place.url.startswith("sqlite:"):
        assert [path.name for path in place.files.parent.iterdir()] == ["files"]
    _ = restore(archive, place, Since(nothing=True), silent)
    assert not left.exists()
    assert asyncio.run(next_number(place.url)) == 1001 + CHATS


def interrupt(copy: Path, address: str) -> None:
    raise KeyboardInterrupt


Spoil = Callable[[Path], None]


def cut_off(archive: Path) -> None:
    os.truncate(archive, archive.stat().st_size * 2 // 3)


def flip_a_bit(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)


def no_archive(archive: Path) -> None:
    archive.write_text("ticket,subject\n", encoding="utf-8")


def empty(archive: Path) -> None:
    archive.write_bytes(b"")


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], None], *links: tarfile.TarInfo) -> None:
    """Write the archive again with other members."""
    with tarfile.open(archive) as tar:
        members = {one.name: opened.read() for one in tar if (opened := tar.extractfile(one))}
    change(members)
    with gzip.open(archive, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for link in links:
            tar.addfile(link)
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def no_list(archive: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        del members[MANIFEST]

    rewritten(archive, change)


def another_file(archive: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        name = next(name for name in members if name.startswith("files/"))
        members[name] = b"x"

    rewritten(archive, change)


def outside(archive: Path) -> None:
    rewritten(archive, lambda members: members.update({"files/../../outside": b"x"}))


def a_link(archive: Path) -> None:
    link = tarfile.TarInfo("files/abcdefgh")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    rewritten(archive, lambda members: None, link)


@pytest.mark.parametrize(
    "spoil", [cut_off, flip_a_bit, no_archive, empty, no_list, another_file, outside, a_link]
)
def test_a_damaged_or_hostile_backup_is_refused_and_writes_nothing(
    spoil: Spoil, old: OldDesk, place: Target
) -> None:
    archive = old.save()
    spoil(archive)
    with pytest.raises(StorageError, match="damaged or not whole"):
        unpack(archive, None, silent)
    with pytest.raises(StorageError, match="damaged or not whole"):
        restore(archive, place, Since(), silent)
    assert [path for path in place.files.parent.rglob("*") if path.suffix != ".toml"] == []
    assert not (place.files.parent.parent / "outside").exists()


def test_a_backup_of_a_later_format_names_the_version_that_made_it(old: OldDesk) -> None:
    def change(members: dict[str, bytes]) -> None:
        members[MANIFEST] = encode({**decode(members[MANIFEST]), "format": 2, "version": "9.0"})

    archive = old.save()
    rewritten(archive, change)
    with pytest.raises(StorageError, match=r"made by chatdesk 9\.0"):
        unpack(archive, None, silent)


def test_a_backup_that_a_newer_database_is_in_is_refused(old: OldDesk, place: Target) -> None:
    postgres_server.set_aside(old.url)

    async def grow() -> None:
        async with Database(old.url) as database, database.writing() as connection:
            await connection.execute_query(
                "INSERT INTO tortoise_migrations (app, name, applied_at) "
                "VALUES ('models', '9999_later', '2026-09-15 00:00:00+00:00')"
            )

    asyncio.run(grow())
    if old.url.startswith("sqlite:"):
        with pytest.raises(StorageError, match="newer"):
            restore(old.save(), place, Since(), silent)
        assert not place.files.exists()
    else:
        with pytest.raises(StorageError, match="Another version of chatdesk made the database"):
            old.save()


def test_nothing_is_written_over(old: OldDesk) -> None:
    archive = old.save()
    before = archive.read_bytes()
    with pytest.raises(StorageError, match="is there already"):
        old.save()
    assert archive.read_bytes() == before
    assert sorted(path.name for path in old.folder.iterdir() if "saved" in path.name) == ["saved.tar.gz"]


def test_a_folder_keeps_the_newest_backups_and_what_is_not_one(old: OldDesk, tmp_path: Path) -> None:
    kept = tmp_path / "backups"
    kept.mkdir()
    for day in (1, 2, 3):
        (kept / file_name(datetime(2026, 9, day, tzinfo=UTC))).write_bytes(b"earlier")
    (kept / "chatdesk-notes.tar.gz").write_bytes(b"mine")
    environ = {"CHATDESK_DATA": old.folder, "CHATDESK_DATABASE_URL": old.url}
    result = command(["backup", str(kept), "--keep", "2"], **environ)
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in kept.iterdir())
    assert [names[0], names[-1]] == ["chatdesk-20260903T000000Z.tar.gz", "chatdesk-notes.tar.gz"]
    assert len(names) == 3
    refused = command(["backup", str(tmp_path / "one.tar.gz"), "--keep", "2"], **environ)
    assert refused.exit_code == 2
    assert "--keep: goes with a folder" in refused.output


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_damaged_database_is_told_instead_of_saved(old: OldDesk) -> None:
    file = Path(old.url.removeprefix("sqlite://"))
    with closing(sqlite3.connect(file)) as desk:
        desk.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = desk.execute("SELECT rootpage FROM sqlite_master WHERE name = 'message'").fetchone()[0]
    with file.open("r+b") as opened:
        opened.seek((page - 1) * 4096)
        opened.write(b"\xff" * 4096)
    with pytest.raises(StorageError, match=r"damaged|malformed"):
        old.save()
    assert not (old.folder / "saved.tar.gz").exists()
