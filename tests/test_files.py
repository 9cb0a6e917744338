"""storage.files: uploads on disk, whole or not at all, under names of our own."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chatdesk.conversation import ConversationId, FileRef
from chatdesk.errors import EventRefused, NotFound, StorageError
from chatdesk.files import FileLimits
from chatdesk.ids import new_id
from storage import models
from storage.database import Database
from storage.file_writer import FileWriter
from storage.files import LocalFiles
from tests.core_builders import url

NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)
CHAT, OTHER_CHAT = ConversationId("chat"), ConversationId("other")
DANA, EVE, MARCUS = "dana", "eve", "marcus"
LIMITS = FileLimits(
    size=1000,
    per_conversation=3,
    total=2500,
    reserve=1000,
    per_visitor=1200,
    waiting=2,
    per_minute=20,
    at_once=2,
)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@dataclass
class Shelf:
    """Files with a small limit, over a database of their own."""

    files: LocalFiles
    database: Database
    folder: Path

    async def keep(
        self, content: bytes = b"hello", owner: str = DANA, name: str = "a.txt", *, internal: bool = False
    ) -> FileRef:
        return await self.files.keep(CHAT, owner, name, stream(content), NOON, internal=internal)

    async def send(
        self, content: bytes = b"hello", chat: ConversationId = CHAT, at: datetime = NOON, owner: str = DANA
    ) -> FileRef:
        """Keep a file that a visitor sends from a page."""
        return await self.files.keep(chat, owner, "a.txt", stream(content), at, by_visitor=True)

    def again(self) -> LocalFiles:
        """The same files after a restart."""
        return LocalFiles(self.database, self.folder, LIMITS, new_id)

    def on_disk(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    async def rows(self) -> int:
        return await models.File.all().using_db(self.database.reader).count()

    async def conversation(self, identity: str, visitor: str) -> None:
        values = dict.fromkeys(_NUMBERS, 0) | dict.fromkeys(_TEXTS, "")
        async with self.database.transaction() as connection:
            row = {**values, "id": identity, "visitor": visitor, "opened_at": NOON, "changed_at": NOON}
            _ = await models.Conversation.create(using_db=connection, **row)

    async def message(
        self,
        ref: FileRef,
        *,
        visibility: str = "public",
        deleted: datetime | None = None,
        seq: int = 1,
        chat: str = CHAT,
    ) -> None:
        async with self.database.transaction() as connection:
            _ = await models.Message.create(
                using_db=connection,
                conversation=chat,
                seq=seq,
                author_kind="agent",
                author_id=MARCUS,
                author_name="Marcus",
                visibility=visibility,
                text="",
                at=NOON,
                files=f'[{{"id":"{ref.id}","name":"a"}}]',
                changed=seq,
                deleted_at=deleted,
            )


_NUMBERS = (
    "flow_version",
    "last_seq",
    "customer_delivered",
    "customer_seen",
    "staff_delivered",
    "staff_seen",
    "version",
)
_TEXTS = ("channel", "customer_name", "widget", "company_id", "flow", "state", "state_data")


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with shelf_in(tmp_path) as made:
        yield made


@asynccontextmanager
async def shelf_in(tmp_path: Path, kind: str = "") -> AsyncIterator[Shelf]:
    async with Database(url(tmp_path, kind)) as database:
        folder = tmp_path / "files"
        yield Shelf(LocalFiles(database, folder, LIMITS, new_id), database, folder)


async def refusal(work: object) -> str:
    with pytest.raises(EventRefused) as caught:
        await work  # type: ignore[misc]
    return caught.value.code


async def test_a_file_is_kept_byte_for_byte_under_a_name_of_our_own(shelf: Shelf) -> None:
    ref = await shelf.files.keep(CHAT, DANA, "../évil \u202egnp.txt", stream(PNG[:9], PNG[9:]), NOON)

    assert (ref.name, ref.media_type, ref.size) == ("évil gnp.txt", "image/png", len(PNG))
    found = await shelf.files.find(ref.id)
    assert found is not None
    assert (found.ref, found.conversation, found.owner, found.at) == (ref, CHAT, DANA, NOON)
    assert found.path.read_bytes() == PNG
    assert found.path.relative_to(shelf.folder).parts == (ref.id[:2], ref.id[2:4], ref.id)
    row = await models.File.get(id=ref.id, using_db=shelf.database.reader)
    assert row.sha256 == hashlib.sha256(PNG).hexdigest()


async def test_files_can_be_read_by_their_owner_on_the_machine_only(shelf: Shelf) -> None:
    ref = await shelf.keep()

    found = await shelf.files.find(ref.id)
    assert found is not None
    assert found.path.stat().st_mode & 0o777 == 0o600


async def test_the_largest_size_is_taken_and_one_byte_more_is_not(shelf: Shelf) -> None:
    assert (await shelf.keep(bytes(1000))).size == 1000

    with pytest.raises(EventRefused, match=r"too large: at most .* MB") as caught:
        await shelf.keep(bytes(1001))
    assert caught.value.code == "too_large"
    assert len(shelf.on_disk()) == await shelf.rows() == 1


async def test_an_endless_upload_is_read_no_further_than_the_limit(shelf: Shelf) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 400
            yield bytes(400)

    assert await refusal(shelf.files.keep(CHAT, DANA, "big", endless(), NOON)) == "too_large"
    assert read == 1200
    assert shelf.on_disk() == []


async def test_an_empty_file_is_refused_and_leaves_nothing(shelf: Shelf) -> None:
    assert await refusal(shelf.keep(b"")) == "empty"
    assert shelf.on_disk() == []


async def test_a_conversation_takes_so_many_files(shelf: Shelf) -> None:
    for _ in range(3):
        await shelf.keep(b"x")

    assert await refusal(shelf.keep(b"x")) == "too_many"
    _ = await shelf.files.keep(OTHER_CHAT, DANA, "b", stream(b"x"), NOON)


async def test_uploads_side_by_side_do_not_pass_the_count_together(shelf: Shelf) -> None:
    for _ in range(2):
        await shelf.keep(b"x")
    both = asyncio.Barrier(2)

    async def content() -> AsyncIterator[bytes]:
        await both.wait()
        yield b"x"

    results = await asyncio.gather(
        *(shelf.files.keep(CHAT, owner, "n", content(), NOON) for owner in (DANA, EVE)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["EventRefused", "FileRef"]
    assert len(shelf.on_disk()) == await shelf.rows() == 3


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_of_many_uploads_side_by_side_a_chat_takes_as_many_as_it_may(tmp_path: Path, kind: str) -> None:
    senders = 12
    ready = asyncio.Barrier(senders)

    async def content() -> AsyncIterator[bytes]:
        await ready.wait()
        yield b"x"

    async with shelf_in(tmp_path, kind) as shelf:
        results = await asyncio.gather(
            *(shelf.files.keep(CHAT, f"sender {n}", "n", content(), NOON) for n in range(senders)),
            return_exceptions=True,
        )
        kept = [result for result in results if isinstance(result, FileRef)]
        refused = [result.code for result in results if isinstance(result, EventRefused)]
        assert (len(kept), refused) == (3, ["too_many"] * (senders - 3))
        assert len(shelf.on_disk()) == await shelf.rows() == 3


async def test_the_desk_has_room_for_so_many_bytes_and_a_failed_upload_gives_its_bytes_back(
    shelf: Shelf,
) -> None:
    await shelf.keep(bytes(1000))
    assert await refusal(shelf.keep(bytes(1001))) == "too_large"
    assert await refusal(shelf.keep(b"")) == "empty"
    await shelf.keep(bytes(1000))

    assert await refusal(shelf.keep(bytes(501))) == "full"
    assert (await shelf.keep(bytes(500))).size == 500


async def test_visitors_leave_a_reserve_to_staff(shelf: Shelf) -> None:
    await shelf.keep(bytes(1000), MARCUS)

    with pytest.raises(EventRefused, match="Ask in the chat how else to send it") as caught:
        await shelf.send(bytes(501))
    assert caught.value.code == "full"
    await shelf.send(bytes(500))
    await shelf.keep(bytes(1000), MARCUS)
    with pytest.raises(EventRefused, match="Tell whoever runs it"):
        await shelf.files.keep(OTHER_CHAT, MARCUS, "n", stream(b"x"), NOON)


async def test_a_visitor_has_so_much_room_in_all_their_chats_together(shelf: Shelf) -> None:
    await shelf.conversation(CHAT, DANA)
    await shelf.conversation(OTHER_CHAT, DANA)
    await shelf.message(await shelf.send(bytes(600)), seq=1)
    await shelf.message(await shelf.send(bytes(600)), seq=2)

    with pytest.raises(EventRefused, match="all the room that one person has") as caught:
        await shelf.send(chat=OTHER_CHAT)
    assert caught.value.code == "too_much"
    await shelf.send(chat=OTHER_CHAT, owner=EVE)
    await shelf.keep(owner=MARCUS)


async def test_so_many_files_of_a_visitor_wait_for_a_message(shelf: Shelf) -> None:
    await shelf.conversation(CHAT, DANA)
    await shelf.conversation(OTHER_CHAT, DANA)
    first = await shelf.send()
    await shelf.send(chat=OTHER_CHAT)

    with pytest.raises(EventRefused, match="2 files wait to be sent") as caught:
        await shelf.send()
    assert caught.value.code == "too_many"
    await shelf.message(first)
    await shelf.send()
    assert await refusal(shelf.send()) == "too_many"
    await shelf.send(at=NOON + timedelta(days=2))


async def test_the_room_is_counted_afresh_after_a_restart(shelf: Shelf) -> None:
    await shelf.keep(bytes(1000))
    await shelf.keep(bytes(1000))
    assert await refusal(shelf.again().keep(CHAT, DANA, "c", stream(bytes(600)), NOON)) == "full"


async def test_an_owner_sends_so_many_files_a_minute_and_others_are_not_held_up(shelf: Shelf) -> None:
    for _ in range(20):
        with pytest.raises(EventRefused):
            await shelf.keep(b"")

    assert await refusal(shelf.keep()) == "slow_down"
    await shelf.keep(owner=EVE)
    _ = await shelf.files.keep(CHAT, DANA, "later", stream(b"x"), NOON + timedelta(minutes=1))


async def test_an_owner_sends_so_many_files_at_once(shelf: Shelf) -> None:
    begun, go = asyncio.Barrier(3), asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        await begun.wait()
        await go.wait()
        yield b"x"

    running = [asyncio.create_task(shelf.files.keep(CHAT, DANA, "n", content(), NOON)) for _ in range(2)]
    await begun.wait()
    assert await refusal(shelf.keep()) == "slow_down"
    go.set()
    await asyncio.gather(*running)
    await shelf.keep()


async def test_a_cancelled_upload_leaves_nothing(shelf: Shelf) -> None:
    begun = asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        yield bytes(500)
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(shelf.files.keep(CHAT, DANA, "n", content(), NOON))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert shelf.on_disk() == []
    assert await shelf.rows() == 0


async def test_a_broken_connection_leaves_nothing(shelf: Shelf) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield bytes(500)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await shelf.files.keep(CHAT, DANA, "n", content(), NOON)
    assert shelf.on_disk() == []


async def test_a_full_disk_is_an_error_of_the_desk_and_leaves_nothing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        await shelf.keep()
    assert shelf.on_disk() == []


async def test_a_row_that_cannot_be_written_leaves_no_file(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise StorageError("locked")

    monkeypatch.setattr(models.File, "create", fails)
    with pytest.raises(StorageError):
        await shelf.keep()
    assert shelf.on_disk() == []


async def test_the_bytes_are_on_disk_under_their_name_before_the_row_is_written(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    synced, renamed, created = os.fsync, Path.rename, models.File.create

    def sync(descriptor: int) -> None:
        steps.append("sync")
        synced(descriptor)

    def rename(path: Path, target: Path) -> Path:
        steps.append("rename")
        return renamed(path, target)

    async def create(**values: Any) -> object:
        steps.append("row")
        return await created(**values)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(models.File, "create", create)
    await shelf.keep()
    assert steps == ["sync", "rename", "sync", "sync", "sync", "row"]


async def test_a_file_cannot_be_written_over_another(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "id"
    first = FileWriter(path)
    await first.open()

    with pytest.raises(FileExistsError):
        await FileWriter(path).open()
    await first.abandon()


async def test_attach_returns_the_owners_uploads_in_order_and_again_when_asked_again(shelf: Shelf) -> None:
    one, two = await shelf.keep(b"1"), await shelf.keep(b"2")

    for _ in range(2):
        assert await shelf.files.attach(CHAT, DANA, [two.id, one.id, two.id]) == (two, one)
    assert await shelf.files.attach(CHAT, DANA, []) == ()


@pytest.mark.parametrize(
    ("conversation", "owner"), [(CHAT, EVE), (OTHER_CHAT, DANA), (OTHER_CHAT, EVE), (CHAT, MARCUS)]
)
async def test_nobody_attaches_somebody_elses_upload_or_one_of_another_chat(
    shelf: Shelf, conversation: ConversationId, owner: str
) -> None:
    ref = await shelf.keep()

    with pytest.raises(NotFound) as foreign:
        await shelf.files.attach(conversation, owner, [ref.id])
    with pytest.raises(NotFound) as unknown:
        await shelf.files.attach(conversation, owner, [new_id()])
    assert str(foreign.value) == str(unknown.value)


async def test_an_internal_upload_goes_into_a_note_but_never_into_an_answer(shelf: Shelf) -> None:
    ref = await shelf.keep(owner=MARCUS, internal=True)

    assert await shelf.files.attach(CHAT, MARCUS, [ref.id], internal=True) == (ref,)
    with pytest.raises(NotFound):
        await shelf.files.attach(CHAT, MARCUS, [ref.id])


async def test_an_upload_that_a_note_takes_is_internal_from_then_on(shelf: Shelf) -> None:
    ref = await shelf.keep(owner=MARCUS)
    await shelf.files.attach(CHAT, MARCUS, [ref.id], internal=True)

    found = await shelf.files.find(ref.id)
    assert found is not None
    assert found.internal
    with pytest.raises(NotFound):
        await shelf.files.attach(CHAT, MARCUS, [ref.id])


async def test_a_file_that_the_customer_has_got_stays_theirs_when_a_note_takes_it_too(shelf: Shelf) -> None:
    ref = await shelf.keep(owner=MARCUS)
    await shelf.message(ref)
    await shelf.files.attach(CHAT, MARCUS, [ref.id], internal=True)

    found = await shelf.files.find(ref.id)
    assert found is not None
    assert not found.internal


async def test_a_visitor_gets_their_own_uploads_and_what_public_messages_show_them(shelf: Shelf) -> None:
    await shelf.conversation(CHAT, DANA)
    own, shown, drafted = await shelf.keep(), await shelf.keep(owner=MARCUS), await shelf.keep(owner=MARCUS)
    await shelf.message(shown)

    assert await shelf.files.find_for(DANA, own.id) is not None
    assert await shelf.files.find_for(DANA, shown.id) is not None
    assert await shelf.files.find_for(DANA, drafted.id) is None
    for ref in (own, shown, drafted):
        assert await shelf.files.find_for(EVE, ref.id) is None


@pytest.mark.parametrize(
    ("visibility", "deleted", "internal"),
    [("internal", None, False), ("internal", None, True), ("public", NOON, False), ("public", None, True)],
)
async def test_a_visitor_gets_nothing_of_notes_of_internal_files_or_of_deleted_messages(
    shelf: Shelf, visibility: str, deleted: datetime | None, *, internal: bool
) -> None:
    await shelf.conversation(CHAT, DANA)
    ref = await shelf.keep(owner=MARCUS, internal=internal)
    await shelf.message(ref, visibility=visibility, deleted=deleted)

    assert await shelf.files.find_for(DANA, ref.id) is None


async def test_forgotten_uploads_and_what_a_crash_left_go_after_a_day_and_nothing_else(shelf: Shelf) -> None:
    attached, forgotten, late = await shelf.keep(b"1"), await shelf.keep(b"2"), None
    await shelf.message(attached)
    late = await shelf.files.keep(CHAT, DANA, "late", stream(b"3"), NOON + timedelta(hours=20))
    stray = shelf.folder / "ab" / "cd" / "abcd.part"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"half")
    # Whole, and of another database to which the desk may go back.
    unknown = stray.with_name("abce")
    unknown.write_bytes(b"an invoice, the only copy")
    for path in shelf.on_disk():
        os.utime(path, (NOON.timestamp(), NOON.timestamp()))

    assert await shelf.files.remove_forgotten(NOON + timedelta(hours=23)) == 0
    assert await shelf.again().remove_forgotten(NOON + timedelta(days=1, seconds=1)) == 2
    assert await shelf.files.find(forgotten.id) is None
    assert {path.name for path in shelf.on_disk()} == {attached.id, late.id, unknown.name}


async def test_a_file_that_a_message_of_another_conversation_shows_is_kept(shelf: Shelf) -> None:
    """As of a message that was split off and then taken back, or a comment that another one overtook."""
    shown, forgotten = await shelf.keep(b"1"), await shelf.keep(b"2")
    await shelf.message(shown, chat="split off")

    assert await shelf.files.remove_forgotten(NOON + timedelta(days=2)) == 1
    assert await shelf.files.find(shown.id) is not None
    assert await shelf.files.find(forgotten.id) is None


async def test_uploads_are_forgotten_while_the_desk_runs_and_their_room_is_free_again(shelf: Shelf) -> None:
    assert await shelf.files.remove_forgotten(NOON) == 0
    attached = await shelf.keep(bytes(1000))
    await shelf.message(attached)
    forgotten = await shelf.keep(bytes(1000))
    assert await refusal(shelf.keep(bytes(1000))) == "full"

    for hours in range(1, 24):
        assert await shelf.files.remove_forgotten(NOON + timedelta(hours=hours)) == 0
    assert await shelf.files.remove_forgotten(NOON + timedelta(hours=25)) == 1
    assert await shelf.files.find(forgotten.id) is None
    assert [path.name for path in shelf.on_disk()] == [attached.id]
    await shelf.keep(bytes(1000))


async def test_room_is_counted_rightly_when_it_is_counted_again_during_an_upload(shelf: Shelf) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def breaks() -> AsyncIterator[bytes]:
        yield bytes(900)
        begun.set()
        await go.wait()
        raise ConnectionResetError

    task = asyncio.create_task(shelf.files.keep(CHAT, EVE, "n", breaks(), NOON))
    await begun.wait()
    await shelf.files.remove_forgotten(NOON)
    await shelf.keep(bytes(1000))
    assert await refusal(shelf.keep(bytes(700))) == "full"
    go.set()
    with pytest.raises(ConnectionResetError):
        await task
    await shelf.keep(bytes(700))
    assert await refusal(shelf.keep(bytes(801))) == "full"


async def test_a_young_stray_is_left_alone_it_may_be_on_its_way(shelf: Shelf) -> None:
    stray = shelf.folder / "ab" / "cd" / "abcd.part"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"half")

    assert await shelf.files.remove_forgotten(datetime.now(UTC)) == 0
    assert stray.exists()


@pytest.mark.parametrize("chunks", [[b"a"] * 700, [b"x" * 1000], [b"", b"a", b""]])
async def test_the_size_of_the_pieces_does_not_matter(shelf: Shelf, chunks: Iterable[bytes]) -> None:
    pieces = list(chunks)
    ref = await shelf.files.keep(CHAT, DANA, "n", stream(*pieces), NOON)

    found = await shelf.files.find(ref.id)
    assert found is not None
    assert found.path.read_bytes() == b"".join(pieces)
