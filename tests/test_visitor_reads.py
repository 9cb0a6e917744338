"""What a page is shown of its chat is read together, on both databases, and is its visitor's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import ConversationId, Live, Message, Visibility
from storage.database import Database
from storage.reading import TortoiseVisitorReads
from storage.store import TortoiseStore
from tests.core_builders import url
from tests.desk_builders import CHAT, TICKET, TUESDAY, conversation, ticket
from tests.test_store_contract import DANA

TOLD = (("name", "Dana Reyes"), ("company", "Contoso"))
MOMENTS = 25
"""At which a chat that goes on meanwhile is seen."""


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


def said(seq: int, visibility: Visibility = Visibility.PUBLIC) -> Message:
    at = TUESDAY + timedelta(seconds=seq)
    return Message(CHAT, seq, DANA, visibility, f"number {seq}", at, changed=seq)


async def write(database: Database, changes: Changes) -> None:
    async with TortoiseStore(database).batch() as batch:
        await batch.write(changes)


async def begin(database: Database, *messages: Message) -> None:
    chat = conversation(Live(()), version=1, visitor="dana", last_seq=len(messages))
    opened = ticket(version=1, answers=TOLD)
    await write(database, Changes({CHAT: chat}, {TICKET: opened}, messages=list(messages)))


async def test_a_page_is_shown_its_chat_what_is_new_in_it_and_what_the_visitor_told(
    database: Database,
) -> None:
    await begin(database, said(1), said(2, Visibility.INTERNAL), said(3))
    reads = TortoiseVisitorReads(database)
    chat = await reads.chat("dana", CHAT, 0)
    assert chat is not None
    assert chat.conversation == await reads.current("dana", chat.conversation.widget)
    assert [message.seq for message in chat.messages] == [1, 3]
    assert chat.answers == TOLD
    later = await reads.chat("dana", CHAT, 1)
    assert later is not None
    assert list(later.messages) == await reads.messages("dana", CHAT, 1) == [said(3)]


@pytest.mark.parametrize(
    ("lengths", "shown", "omitted"),
    [
        ((400_000, 400_000, 100_000), [1, 2, 3], False),
        ((10, 600_000, 400_000, 10), [2, 3, 4], True),
        ((10, 600_000, 400_000), [2, 3], True),
        ((10, 1_500_000), [2], True),
        ((1_500_000, 10), [1, 2], True),
    ],
)
async def test_of_a_very_long_chat_a_page_is_shown_the_newest(
    database: Database, lengths: tuple[int, ...], shown: list[int], omitted: bool
) -> None:
    await begin(
        database, *(replace(said(seq), text="\N{BLACK SQUARE}" * n) for seq, n in enumerate(lengths, start=1))
    )
    chat = await TortoiseVisitorReads(database).chat("dana", CHAT, 0)
    assert chat is not None
    assert ([message.seq for message in chat.messages], chat.omitted) == (shown, omitted)


async def test_a_chat_without_a_ticket_has_no_answers(database: Database) -> None:
    await write(database, Changes({CHAT: conversation(Live(()), version=1, visitor="dana", ticket=None)}))
    chat = await TortoiseVisitorReads(database).chat("dana", CHAT, 0)
    assert chat is not None
    assert (chat.messages, chat.answers) == ((), ())


async def test_anothers_chat_is_not_shown(database: Database) -> None:
    await begin(database, said(1))
    reads = TortoiseVisitorReads(database)
    assert await reads.chat("somebody else", CHAT, 0) is None
    assert await reads.chat("dana", ConversationId("another"), 0) is None


async def test_what_is_shown_is_of_one_moment(database: Database) -> None:
    await begin(database)
    reads, store = TortoiseVisitorReads(database), TortoiseStore(database)

    async def go_on() -> None:
        for seq in range(1, 10_000):
            chat = conversation(Live(()), version=seq + 1, visitor="dana", last_seq=seq)
            async with store.batch() as batch:
                await batch.write(Changes({CHAT: chat}, messages=[said(seq)]))

    writing = asyncio.create_task(go_on())
    seen = set[int]()
    async with asyncio.timeout(60):
        while len(seen) < MOMENTS:
            chat = await reads.chat("dana", CHAT, 0)
            assert chat is not None
            assert [message.seq for message in chat.messages] == [*range(1, chat.conversation.last_seq + 1)]
            seen.add(chat.conversation.last_seq)
    writing.cancel()
    await asyncio.wait({writing})
