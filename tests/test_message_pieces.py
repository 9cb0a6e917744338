"""A long record is read whole and in order, on both databases [storage.message_pieces]."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes, HistoryEntry, Rating
from chatdesk.conversation import ConversationId, FileRef, Live, Message, Revision, Visibility
from chatdesk.errors import StorageError
from storage import message_pieces, reading
from storage.database import Database
from storage.reading import TortoiseStaffReads
from storage.store import TortoiseStore
from tests import postgres_server
from tests.core_builders import url
from tests.desk_builders import TICKET, TUESDAY, conversation, ticket
from tests.test_store_contract import DANA

CHAT, OTHER = conversation(Live(())).id, ConversationId("another")
ODD = ('"quotes" \\ and\nlines', "日本 👩‍💻 \u2028", "", "[]", "{}")


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_pieces, "PIECE", 4)
    monkeypatch.setattr(reading, "AT_ONCE", 4)


def said(seq: int, text: str = "hello", chat: ConversationId = CHAT) -> Message:
    at = TUESDAY + timedelta(seconds=seq, microseconds=seq)
    return Message(chat, seq, DANA, Visibility.PUBLIC, text, at, changed=seq)


def every_kind(texts: tuple[str, ...]) -> list[Message]:
    """Messages with gaps between their numbers, one of each kind."""
    plain = [said(3 * place + 1, text) for place, text in enumerate(texts)]
    later = TUESDAY + timedelta(days=1)
    file = FileRef("f1", 'a "file".png', "image/png", 5_000_000_000)
    return [
        *plain,
        replace(said(50), files=(file, file)),
        replace(said(52), visibility=Visibility.INTERNAL, edited_at=later, changed=53),
        replace(said(54), text="", edited_at=later, deleted_at=later, changed=55),
        replace(said(56), author=replace(DANA, name="Ünal")),
    ]


async def read_pieces(database: Database, chat: ConversationId = CHAT) -> list[Sequence[Message]]:
    return [piece async for piece in TortoiseStaffReads(database).message_pieces(chat)]


async def write(database: Database, messages: list[Message], **more: object) -> None:
    made = Changes(messages=messages, tickets={TICKET: ticket(version=1)})
    for identity in {message.conversation for message in messages}:
        chat = conversation(Live(()), id=identity, version=1, visitor=identity, last_seq=99)
        made.conversations[identity] = chat
    for name, value in more.items():
        setattr(made, name, value)
    async with TortoiseStore(database).batch() as batch:
        await batch.write(made)


async def test_messages_of_every_kind_come_back_as_they_were_in_their_order(database: Database) -> None:
    written = every_kind(ODD)
    await write(database, [*written, said(2, "of another chat", OTHER)])
    assert [message for piece in await read_pieces(database) for message in piece] == written
    assert await read_pieces(database, ConversationId("unknown")) == [[]]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 8, 9])
async def test_no_message_is_lost_or_doubled_between_two_pieces(database: Database, count: int) -> None:
    await write(database, [said(seq) for seq in range(1, count + 1)])
    pieces = await read_pieces(database)
    assert [message.seq for piece in pieces for message in piece] == [*range(1, count + 1)]
    assert max(map(len, pieces)) <= 4


async def test_a_ticket_is_whole_however_long_its_record_is(database: Database) -> None:
    messages = [said(seq, chat=chat) for seq in range(1, 20) for chat in (CHAT, OTHER)]
    revisions = [Revision(CHAT, seq, 30 + seq, DANA, TUESDAY, f"{seq}", False) for seq in range(1, 10)]
    history = [HistoryEntry(TICKET, TUESDAY, DANA, f"step {n}") for n in range(10)]
    ratings = [Rating(CHAT, 2, "slow", TUESDAY), Rating(OTHER, 5, "", TUESDAY), Rating(CHAT, 4, "", TUESDAY)]
    await write(database, messages, revisions=revisions, history=history, ratings=ratings)
    reads = TortoiseStaffReads(database)
    file = await reads.ticket_file(TICKET)
    assert file is not None
    assert list(file.messages) == sorted(file.messages, key=lambda message: message.at)
    assert {(m.conversation, m.seq) for m in file.messages} == {(m.conversation, m.seq) for m in messages}
    assert list(file.revisions) == revisions
    assert list(file.history) == history
    assert list(file.ratings) == ratings
    chat = await reads.chat_file(TICKET, OTHER)
    assert chat is not None
    assert ([each.id for each in chat.conversations], chat.messages, chat.revisions) == ([OTHER], (), ())
    assert chat.ratings == (ratings[1],)
    assert await reads.chat_file(TICKET, "unknown") is None


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_database_that_is_gone_is_told_as_such(tmp_path: Path, kind: str) -> None:
    address = url(tmp_path, kind)
    async with Database(address) as database:
        await database.reader.execute_query("ALTER TABLE message RENAME TO elsewhere")
        with pytest.raises(StorageError):
            await read_pieces(database)
    postgres_server.set_aside(address)
