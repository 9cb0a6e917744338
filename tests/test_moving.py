"""`chatdesk move`: everything arrives, is compared, goes on after an interruption, and never mixes desks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from chatdesk.cli.commands import application
from chatdesk.errors import StorageError
from chatdesk.events import TicketAffects
from chatdesk.mailbox import StoredMail
from chatdesk.ticket import TicketNumber
from storage import moving, postgres_client
from storage.database import Database
from storage.mailbox import TortoiseMailbox
from storage.moving import move
from storage.reading import TortoiseStaffReads
from storage.search import TortoiseSearch
from storage.staff import TortoiseStaff
from storage.store import TortoiseStore
from storage.unfinished_move import refuse_unfinished
from tests.asking import ask
from tests.core_builders import message, new_desk, running, survey, url
from tests.desk_builders import MARCUS, TUESDAY

pytestmark = pytest.mark.postgres

CHATS = 12
EMAIL, RAW = "marcus@northwind.example", b"\x00\xff raw"
HOSTILE = "née — \U0001f600 '; DROP TABLE message; --"


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A desk with chats, an account and a mail."""
    address = url(tmp_path, "sqlite")
    asyncio.run(fill(address))
    return address


@pytest.fixture
def new(tmp_path: Path) -> str:
    return url(tmp_path, "postgres")


async def fill(address: str) -> None:
    async with Database(address) as database:
        async with running(new_desk(TortoiseStore(database))) as desk:
            for number in range(CHATS):
                await desk.receive(survey(f"chat {number}", f"visitor {number}"))
                await desk.receive(message(HOSTILE, f"chat {number}", f"visitor {number}"))
            affects = TicketAffects(
                at=TUESDAY, channel="web", external_id="a", ticket=TicketNumber(1001), agent=MARCUS,
                address="pat@contoso.example",
            )  # fmt: skip
            await desk.receive(affects)
        _ = await TortoiseStaff(database).add(
            "Marcus Bell", "marcus@northwind.example", "a pass phrase", TUESDAY
        )
        mail = StoredMail(
            "<1@x>", TicketNumber(1001), "dana@contoso.example", "Hello", TUESDAY, b"\x00\xff raw"
        )
        _ = await TortoiseMailbox(database).keep(mail)


def quiet(table: str, done: int, total: int) -> None:
    """Show no progress."""


async def next_number(address: str) -> int | None:
    """Look whether everything is there, and return the number that one more ticket gets."""
    async with Database(address) as database:
        async with running(new_desk(TortoiseStore(database))) as desk:
            opened = await desk.receive(survey("one more", "another visitor"))
        file = await TortoiseStaffReads(database).ticket_file(TicketNumber(1001))
        assert file is not None
        assert HOSTILE in [message.text for message in file.messages]
        assert [person.address for person in file.affected] == ["pat@contoso.example"]
        mail = await TortoiseMailbox(database).read("<1@x>")
        assert mail is not None
        assert mail.source == RAW
        account = await TortoiseStaff(database).check_password(EMAIL, "a pass phrase")
        assert account is not None
        return opened.ticket


def test_a_whole_desk_moves_and_goes_on_where_it_was(old: str, new: str) -> None:
    result = CliRunner().invoke(application, ["move", "--from", old, "--to", new])
    assert result.exit_code == 0, result.output
    assert "Both databases are the same" in result.output
    assert asyncio.run(next_number(new)) == 1001 + CHATS


def test_a_desk_moves_back(old: str, new: str, tmp_path: Path) -> None:
    there = asyncio.run(move(old, new, quiet))
    back = asyncio.run(move(new, f"sqlite:///{tmp_path / 'back.sqlite3'}", quiet))
    assert back == there
    assert {one.table: one.rows for one in back}["ticket"] == CHATS


async def words_kept(address: str) -> tuple[int, int]:
    """Return how many messages there are, and how many of them are indexed."""
    async with Database(address) as database:
        table = "message_words_docsize" if database.dialect == "sqlite" else "message_words"
        counts = [await database.select(f"SELECT COUNT(*) AS n FROM {name}") for name in ("message", table)]
        found = await TortoiseSearch(database).find("drop née", 99)
        assert len(found) == CHATS
    return counts[0][0]["n"], counts[1][0]["n"]


def test_a_moved_desk_is_indexed_whole(old: str, new: str, tmp_path: Path) -> None:
    back = f"sqlite:///{tmp_path / 'back.sqlite3'}"
    for source, target in ((old, new), (new, back)):
        _ = asyncio.run(move(source, target, quiet))
        messages, indexed = asyncio.run(words_kept(target))
        assert messages == indexed > CHATS


@pytest.mark.parametrize("interrupted", ["conversation", "message", "ticket"])
def test_an_interrupted_move_goes_on_and_a_desk_does_not_start_meanwhile(
    old: str, new: str, interrupted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "CHUNK", 5)

    def stop(table: str, done: int, total: int) -> None:
        if table == interrupted and done:
            raise KeyboardInterrupt

    async def start() -> None:
        async with Database(new) as database:
            await refuse_unfinished(database)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(move(old, new, stop))
    with pytest.raises(StorageError, match="has not ended"):
        asyncio.run(start())
    assert asyncio.run(move(old, new, quiet))
    asyncio.run(start())
    assert asyncio.run(next_number(new)) == 1001 + CHATS


def test_a_source_that_went_on_meanwhile_is_noticed(old: str, new: str) -> None:
    def stop(table: str, done: int, total: int) -> None:
        if table == "ticket" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(move(old, new, stop))

    async def go_on() -> None:
        async with Database(old) as database, database.transaction() as connection:
            await connection.execute_query("UPDATE conversation SET version = version + 1")

    asyncio.run(go_on())
    with pytest.raises(StorageError, match="conversation differs"):
        asyncio.run(move(old, new, quiet))


def test_nobody_writes_to_a_source_while_it_is_moved(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ = asyncio.run(move(old, new, quiet))
    compare, refused = moving._compare, list[str]()

    async def write(table: moving.Table, source: moving.Side, target: moving.Side) -> moving.Compared:
        compared = await compare(table, source, target)
        (setting,) = await source._client.execute_query_dict("SHOW idle_in_transaction_session_timeout")
        assert setting["idle_in_transaction_session_timeout"] == "0", "it is not cut off meanwhile"
        with pytest.raises(asyncpg.LockNotAvailableError):
            await ask(new, f"DO $$ BEGIN LOCK {table.name} IN ROW EXCLUSIVE MODE NOWAIT; END $$")
        refused.append(table.name)
        return compared

    monkeypatch.setattr(moving, "_compare", write)
    _ = asyncio.run(move(new, f"sqlite:///{tmp_path / 'back.sqlite3'}", quiet))
    assert refused == [table.name for table in moving.tables()]


def test_a_source_that_is_being_written_to_is_not_moved(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres_client._SETTINGS, "lock_timeout", "50ms")

    async def move_meanwhile() -> None:
        writer = await asyncpg.connect(new)
        try:
            async with writer.transaction():
                await writer.execute("UPDATE ticket SET version = version + 1")
                await move(new, f"sqlite:///{tmp_path / 'back.sqlite3'}", quiet)
        finally:
            await writer.close()

    with pytest.raises(StorageError, match="Somebody writes to the source"):
        asyncio.run(move_meanwhile())


TOO_MUCH = {
    "requester_name of the row 1001 in the table ticket": "UPDATE ticket SET requester_name = $1",
    "seq of the row 1 in the table message": "UPDATE message SET seq = 3000000000 + length($1) WHERE row = 1",
}


@pytest.mark.parametrize("named", TOO_MUCH)
def test_a_value_that_the_target_does_not_take_is_named(old: str, new: str, named: str) -> None:
    asyncio.run(ask(old, TOO_MUCH[named], "x" * 400))
    result = CliRunner().invoke(application, ["move", "--from", old, "--to", new])
    assert result.exit_code == 1
    assert f"The target does not take {named}" in " ".join(result.output.split())
    asyncio.run(ask(old, "UPDATE ticket SET requester_name = $1", "Dana Reyes"))
    asyncio.run(ask(old, "UPDATE message SET seq = $1 WHERE row = 1", 1))
    assert asyncio.run(move(old, new, quiet))


def test_a_target_with_a_desk_of_its_own_is_refused(old: str, new: str) -> None:
    asyncio.run(fill(new))
    with pytest.raises(StorageError, match="not empty"):
        asyncio.run(move(old, new, quiet))


def test_a_source_that_is_not_there_is_refused_and_not_made(new: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no database"):
        asyncio.run(move(f"sqlite:///{tmp_path / 'missing.sqlite3'}", new, quiet))
    assert not (tmp_path / "missing.sqlite3").exists()
