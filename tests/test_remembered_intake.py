"""Tickets opened from memory: the numbers, the places and who chats are those in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatdesk.conversation import ConversationId
from chatdesk.desk import Desk
from chatdesk.errors import EventRefused, NotRemembered
from chatdesk.events import CustomerEnded, CustomerLeft, TicketEdited, TicketTaken
from chatdesk.situation import QueueEntry
from chatdesk.ticket import Priority, TicketNumber
from storage.batch import TortoiseBatch
from storage.database import Database
from storage.store import TortoiseStore
from tests.core_builders import message, new_desk, running, survey, url
from tests.desk_builders import MARCUS, TUESDAY, external_id

pytestmark = pytest.mark.sqlite("what opens a ticket is remembered only there")


async def test_a_desk_alone_opens_tickets_without_reading(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        store = TortoiseStore(database)
        async with running(new_desk(store)) as desk:
            await desk.receive(survey("a", "dana"))
            async with store.batch(remembered=True) as batch:
                assert await batch.next_number() == 1002
                assert list(await batch.line()) == ["a"]
                assert [
                    c.id for c in await batch.open_conversations([("dana", "desk"), ("sam", "desk")])
                ] == ["a"]


@pytest.mark.parametrize("live", [True, False])
async def test_a_desk_alone_reads_nothing_for_its_next_surveys(tmp_path: Path, *, live: bool) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        store = WatchedStore(database)
        async with running(new_desk(store)) as desk:
            for number in range(3):
                await desk.receive(survey(f"c{number}", f"v{number}", live=live))
        assert store.remembered == [True, False, True, True]


async def test_a_chat_that_exists_although_it_is_not_remembered_is_not_begun_again(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        async with running(new_desk(TortoiseStore(database))) as desk:
            await desk.receive(survey("chat", "dana", live=False))
        async with running(new_desk(TortoiseStore(database))) as desk:
            await desk.receive(survey("next", "sam"))
            again = await desk.receive(survey("chat", "dana", live=False))
            assert (again.ticket, again.repeated) == (1001, True)


class WatchedStore(TortoiseStore):
    """Notes of each batch whether it was one from memory."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.remembered: list[bool] = []

    @asynccontextmanager
    async def batch(self, *, remembered: bool = False) -> AsyncIterator[TortoiseBatch]:
        self.remembered.append(remembered)
        async with super().batch(remembered=remembered) as batch:
            yield batch


@pytest.mark.postgres
async def test_on_postgres_what_opens_a_ticket_is_read_each_time(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        store = TortoiseStore(database)
        async with running(new_desk(store)) as desk:
            await desk.receive(survey("a", "dana"))
            with pytest.raises(NotRemembered):
                async with store.batch(remembered=True) as batch:
                    await batch.next_number()


@pytest.mark.postgres
async def test_stores_that_open_tickets_by_turns_agree_on_numbers_and_places(tmp_path: Path) -> None:
    async with (
        Database(url(tmp_path, "postgres")) as database,
        running(new_desk(TortoiseStore(database))) as first,
        running(new_desk(TortoiseStore(database))) as second,
    ):
        numbers = []
        for turn, desk in enumerate([first, first, second, second, first, second, first]):
            numbers.append((await desk.receive(survey(f"c{turn}", f"v{turn}"))).ticket)
            assert await newest_words(database) == f"You are number {turn + 1} in the queue."
        assert numbers == list(range(1001, 1008))


async def test_a_chat_that_another_process_opened_counts_in_numbers_and_places(tmp_path: Path) -> None:
    async with (
        Database(url(tmp_path, "sqlite")) as database,
        running(new_desk(TortoiseStore(database))) as desk,
    ):
        await desk.receive(survey("here", "dana"))
        open_elsewhere(tmp_path, "there", "sam", 1002)
        assert (await desk.receive(survey("next", "kim"))).ticket == 1003
        assert await newest_words(database) == "You are number 3 in the queue."


async def test_a_browser_that_chats_by_way_of_another_process_gets_that_chat(tmp_path: Path) -> None:
    async with (
        Database(url(tmp_path, "sqlite")) as database,
        running(new_desk(TortoiseStore(database))) as desk,
    ):
        await desk.receive(survey("here", "dana"))
        open_elsewhere(tmp_path, "there", "sam", 1002)
        for live in (True, False):
            again = await desk.receive(survey("another", "sam", live=live))
            assert (again.conversation, again.ticket, again.repeated) == ("there", 1002, True)


def open_elsewhere(folder: Path, chat: str, visitor: str, number: int) -> None:
    """Open a chat as another process does: as the one that there is, for another visitor."""
    with closing(sqlite3.connect(folder / "desk.sqlite3")) as other, other:
        other.execute("UPDATE counter SET value = ? WHERE name = 'ticket'", (number,))
        copy(other, "ticket", {"number": number})
        changed: dict[str, str | int] = {
            "id": chat,
            "visitor": visitor,
            "open_key": f"{visitor}:desk",
            "ticket": number,
        }
        copy(other, "conversation", changed)


def copy(database: sqlite3.Connection, table: str, changed: dict[str, str | int]) -> None:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    picked = ", ".join(f":{name}" if name in changed else name for name in columns)
    database.execute(f"INSERT INTO {table} SELECT {picked} FROM {table} LIMIT 1", changed)


async def test_a_survey_that_is_refused_moves_nobody(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        store = TortoiseStore(database)
        async with running(new_desk(store)) as desk:
            await desk.receive(survey("a", "dana"))
            good, bad = survey("b", "sam"), replace(survey("c", "kim"), answers=())
            done, refused = desk.submit(good), desk.submit(bad)
            await done
            with pytest.raises(EventRefused):
                await refused
            assert await remembered(store) == await stored(database) == {"a", "b"}
            await desk.receive(survey("d", "lee"))
        assert await newest_words(database) == "You are number 3 in the queue."


async def test_the_remembered_line_follows_whatever_moves_it(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        store = TortoiseStore(database)
        async with running(new_desk(store)) as desk:
            opened = [await desk.receive(survey(name, f"v-{name}")) for name in "abcdef"]
            numbers = [outcome.ticket or TicketNumber(0) for outcome in opened]
            await move(desk, numbers)
            assert await remembered(store) == await stored(database) == {"b", "d", "f"}
            lines = [await line(store), await line(TortoiseStore(database))]
            assert lines[0] == lines[1]
            assert {entry.priority for entry in lines[0].values()} == {Priority.CRITICAL, Priority.STANDARD}


async def move(desk: Desk, numbers: list[TicketNumber]) -> None:
    """Two are taken, one after coming back; one leaves, one ends; the last becomes urgent."""
    await desk.receive(taken(numbers[0]))
    chat = ConversationId("c")
    await desk.receive(
        CustomerLeft(at=TUESDAY, channel="web", external_id=external_id(), conversation=chat, visitor="v-c")
    )
    await desk.receive(message("And now?", "c", "v-c"))
    await desk.receive(taken(numbers[2]))
    chat = ConversationId("e")
    await desk.receive(
        CustomerEnded(at=TUESDAY, channel="web", external_id=external_id(), conversation=chat, visitor="v-e")
    )
    await desk.receive(
        TicketEdited(
            at=TUESDAY,
            channel="web",
            external_id=external_id(),
            ticket=numbers[5],
            agent=MARCUS,
            priority=Priority.CRITICAL,
        )
    )


def taken(number: TicketNumber) -> TicketTaken:
    return TicketTaken(at=TUESDAY, channel="web", external_id=external_id(), ticket=number, agent=MARCUS)


async def line(store: TortoiseStore) -> dict[ConversationId, QueueEntry]:
    async with store.batch() as batch:
        return dict(await batch.line())


async def remembered(store: TortoiseStore) -> set[str]:
    async with store.batch(remembered=True) as batch:
        return set(await batch.line())


async def stored(database: Database) -> set[str]:
    query = "SELECT id FROM conversation WHERE state = 'waiting'"
    return {row["id"] for row in await database.reader.execute_query_dict(query)}


async def newest_words(database: Database) -> str:
    """Return the last sentence that was said."""
    query = 'SELECT text FROM message ORDER BY "row" DESC LIMIT 1'
    text: str = (await database.reader.execute_query_dict(query))[0]["text"]
    return "You are" + text.rpartition("You are")[2]
