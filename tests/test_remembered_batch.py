"""Batches worked on with what the store remembers: one look at the database, and never a wrong word."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.errors import ConcurrentChange, EventRefused, NotRemembered
from chatdesk.events import Outcome, TicketCancelled, TicketTaken
from chatdesk.ticket import TicketNumber
from storage.database import Database
from storage.store import TortoiseStore
from tests.core_builders import message, new_desk, running, survey, url
from tests.desk_builders import CHAT, MARCUS, TUESDAY, conversation


async def test_what_is_not_at_hand_is_read(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        store = TortoiseStore(database)
        with pytest.raises(NotRemembered):
            async with store.batch(remembered=True) as batch:
                await batch.conversations([CHAT])


async def test_a_remembered_conversation_is_written_without_reading_it(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        store = TortoiseStore(database)
        async with store.batch() as batch:
            await batch.write(Changes(conversations={CHAT: conversation(version=1)}))
        async with store.batch(remembered=True) as batch:
            (known,) = (await batch.conversations([CHAT])).values()
            await batch.write(
                Changes(conversations={CHAT: replace(known, last_seq=5, changed_at=TUESDAY, version=2)})
            )
        async with store.batch() as batch:
            assert (await batch.conversations([CHAT]))[CHAT].last_seq == 5
        assert (await database.reader.execute_query_dict("SELECT last_seq FROM conversation"))[0][
            "last_seq"
        ] == 5


async def test_a_change_by_another_process_stops_the_write(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        store = TortoiseStore(database)
        async with store.batch() as batch:
            await batch.write(Changes(conversations={CHAT: conversation(version=1)}))
        with closing(sqlite3.connect(tmp_path / "desk.sqlite3", isolation_level=None)) as other:
            other.execute("INSERT INTO counter (name, value) VALUES ('elsewhere', 1)")
        with pytest.raises(ConcurrentChange):
            async with store.batch(remembered=True) as batch:
                (known,) = (await batch.conversations([CHAT])).values()
                await batch.write(
                    Changes(conversations={CHAT: replace(known, last_seq=5, changed_at=TUESDAY, version=2)})
                )
        assert (await database.reader.execute_query_dict("SELECT version FROM conversation"))[0][
            "version"
        ] == 1


async def test_an_event_received_before_is_not_written_again(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        store = TortoiseStore(database)
        seen = Changes(
            conversations={CHAT: conversation(version=1)}, received=[("web:1", Outcome(CHAT, 1, None))]
        )
        async with store.batch() as batch:
            await batch.write(seen)
        with pytest.raises(ConcurrentChange):
            async with store.batch(remembered=True) as batch:
                (known,) = (await batch.conversations([CHAT])).values()
                again = Changes(
                    conversations={CHAT: replace(known, last_seq=5, changed_at=TUESDAY, version=2)},
                    received=[("web:1", Outcome(CHAT, 5, None))],
                )
                await batch.write(again)
        assert (await database.reader.execute_query_dict("SELECT version FROM conversation"))[0][
            "version"
        ] == 1


async def test_a_repeated_message_is_answered_with_its_first_outcome(tmp_path: Path) -> None:
    async with (
        Database(url(tmp_path, "sqlite")) as database,
        running(new_desk(TortoiseStore(database))) as desk,
    ):
        chat = (await desk.receive(survey())).conversation
        assert chat is not None
        first = await desk.receive(message("m1", chat=chat, key="m1"))
        await desk.receive(message("m2", chat=chat))
        again = await desk.receive(message("m1", chat=chat, key="m1"))
        assert again == replace(first, repeated=True)
        rows = await database.reader.execute_query_dict("SELECT COUNT(*) AS n FROM message")
        assert rows[0]["n"] == first.seq + 1


async def test_a_repetition_that_would_be_refused_now_is_answered_as_it_was(tmp_path: Path) -> None:
    async with (
        Database(url(tmp_path, "sqlite")) as database,
        running(new_desk(TortoiseStore(database))) as desk,
    ):
        number = (await desk.receive(survey())).ticket or TicketNumber(0)
        cancel = TicketCancelled(
            at=TUESDAY, channel="web", external_id="c1", ticket=number, agent=MARCUS, reason="a test"
        )
        first = await desk.receive(cancel)
        again = await desk.receive(cancel)
        assert again == replace(first, repeated=True)
        with pytest.raises(EventRefused):
            await desk.receive(
                TicketTaken(at=TUESDAY, channel="web", external_id="t1", ticket=number, agent=MARCUS)
            )
