"""Full-text search on both databases: found, ranked, marked, and only what the asker may see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from chatdesk.changes import Changes
from chatdesk.conversation import ConversationId, Live, Message, Visibility
from chatdesk.reading import TicketFilter, TicketView
from chatdesk.search import Found
from chatdesk.ticket import TicketNumber
from storage import search
from storage.database import Database
from storage.reading import TortoiseStaffReads
from storage.search import CANDIDATES, COMMON, RECENT, TortoiseSearch
from storage.search_index import CHUNK, index_messages
from storage.store import TortoiseStore
from tests.core_builders import url
from tests.desk_builders import TICKET, TUESDAY, conversation, ticket
from tests.test_store_contract import DANA

OTHER, THEIRS = TicketNumber(TICKET + 1), ConversationId("theirs")


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


async def write(database: Database, **changed: object) -> None:
    made = Changes()
    for name, value in changed.items():
        setattr(made, name, value)
    async with TortoiseStore(database).batch() as batch:
        await batch.write(made)


async def fill(database: Database, *texts: str) -> None:
    """One chat with these messages, on a ticket about a printer."""
    chat = conversation(Live(()), version=1, last_seq=len(texts))
    await write(
        database,
        conversations={chat.id: chat},
        tickets={TICKET: ticket(version=1, subject="Printer jams", company="Contoso Zürich")},
        messages=[said(seq, text) for seq, text in enumerate(texts, 1)],
    )


def said(seq: int, text: str, chat: str = "", visibility: Visibility = Visibility.PUBLIC) -> Message:
    where = ConversationId(chat) if chat else conversation(Live(())).id
    at = TUESDAY + timedelta(seconds=seq)
    return Message(where, seq, DANA, visibility, text, at, changed=seq)


async def find(database: Database, text: str) -> list[Found]:
    return list(await TortoiseSearch(database).find(text, 10))


def marked(found: Found) -> list[str]:
    return list(found.marked[1::2])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("paper", ["paper"]),
        ("PAPER tray", ["paper", "tray"]),
        ("tray pap", ["paper", "tray"]),
        ("cafe", ["Café"]),
        ('"; DROP TABLE message; -- paper', []),
        ("paper NOT tray", []),
        ("scanner", []),
        ("aper", []),
        ("!!! ''", []),
    ],
)
async def test_a_message_is_found_by_all_its_words_and_the_beginning_of_the_last(
    database: Database, text: str, words: list[str]
) -> None:
    if text == "cafe" and database.dialect == "postgres":
        text = "café"
    await fill(database, "No paper in the tray, next to the Café.")
    found = await find(database, text)
    assert [sorted(marked(one)) for one in found] == ([sorted(words)] if words else [])


async def test_a_tickets_own_texts_come_before_messages_and_more_words_before_fewer(
    database: Database,
) -> None:
    await fill(database, "the printer", "printer printer printer", "printers everywhere")
    found = await find(database, "printer")
    assert [one.seq for one in found] == [None, 2, 1, 3]
    assert found[0].ticket == TICKET
    assert found[0].marked[:2] == ("", "Printer")


async def test_a_long_text_is_cut_around_the_first_word_found(database: Database) -> None:
    await fill(database, "x " * 500 + "needle " + "y " * 500)
    (found,) = await find(database, "needle")
    assert marked(found) == ["needle"]
    assert len("".join(found.marked)) <= 160


async def test_an_edit_is_found_by_its_new_words_only_and_a_deletion_not_at_all(database: Database) -> None:
    await fill(database, "first words", "others")
    assert await find(database, "first")
    edited = said(1, "second thoughts")
    await write(database, revised={(edited.conversation, 1): edited})
    assert not await find(database, "first")
    assert await find(database, "second")


async def test_a_changed_subject_is_found_and_the_earlier_one_no_longer(database: Database) -> None:
    await fill(database)
    await write(database, tickets={TICKET: ticket(version=2, subject="Scanner jams")})
    assert not await find(database, "printer")
    assert [one.ticket for one in await find(database, "scanner")] == [TICKET]


async def test_a_visitor_finds_public_messages_of_their_own_chats_only(database: Database) -> None:
    await fill(database, "paper here")
    mine = conversation(Live(())).visitor
    theirs = conversation(Live(()), id=THEIRS, version=1, visitor="somebody", ticket=OTHER)
    note = said(2, "paper is a note", visibility=Visibility.INTERNAL)
    await write(database, conversations={THEIRS: theirs}, messages=[note, said(1, "paper there", THEIRS)])
    search = TortoiseSearch(database)
    assert [one.text for one in await search.find_own(mine, "paper", 10)] == ["paper here"]
    assert [one.text for one in await search.find_own("somebody", "paper", 10)] == ["paper there"]
    assert not await search.find_own("", "paper", 10)
    everything = {one.text: one.internal for one in await search.find("paper", 10)}
    assert everything == {"paper here": False, "paper there": False, "paper is a note": True}


async def test_a_list_searches_what_tickets_say_and_keeps_its_pages(database: Database) -> None:
    numbers = [TicketNumber(n) for n in range(1, 8)]
    await write(
        database,
        tickets={n: ticket(number=n, version=1, subject=f"Printer {n}") for n in numbers},
    )
    wanted = TicketFilter(view=TicketView.ALL, text="printer")
    assert await pages(database, wanted, limit=3) == sorted(numbers, reverse=True)
    assert await TortoiseStaffReads(database).count(wanted, 5) == 5


EDGES = (1, 4_095, 4_096, 8_191, 8_192, 32_767, 32_768, 262_144, 524_287, 2_097_152, 4_194_304, 9_000_000)


async def test_tickets_are_found_newest_first_however_far_they_lie_apart(database: Database) -> None:
    numbers = [TicketNumber(n) for n in EDGES]
    await write(
        database,
        tickets={n: ticket(number=n, version=1, subject=f"Printer {n} jams") for n in numbers},
    )
    wanted = TicketFilter(view=TicketView.ALL, text="printer jams")
    assert await pages(database, wanted, limit=2) == sorted(numbers, reverse=True)


async def pages(database: Database, wanted: TicketFilter, limit: int) -> list[TicketNumber]:
    """Return the numbers on all pages of a list, one page after the other."""
    reads = TortoiseStaffReads(database)
    shown, page = [], ""
    while True:
        found = await reads.tickets(wanted, page, limit)
        shown += [line.ticket.number for line in found.lines]
        page = found.next
        if not page:
            return shown


async def test_messages_are_found_newest_first_however_far_they_lie_apart(database: Database) -> None:
    chat = conversation(Live(()), version=1, last_seq=99)
    await write(database, conversations={chat.id: chat}, tickets={TICKET: ticket(version=1)})
    for seq, row in enumerate(EDGES, 1):
        await write(database, messages=[said(seq, f"paper and word{seq}")])
        await database.writer.execute_query(f'UPDATE message SET "row" = {row} WHERE seq = {seq}')
    found = await TortoiseSearch(database).find("paper", 99)
    assert [one.seq for one in found] == [*range(len(EDGES), 0, -1)]
    for seq in range(1, len(EDGES) + 1):
        assert seq in [one.seq for one in await find(database, f"paper word{seq}")]


async def test_only_the_newest_that_match_are_looked_at(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CANDIDATES", 3)
    await fill(database, *(f"paper {n}" for n in range(1, 8)))
    assert [one.seq for one in await find(database, "paper")] == [7, 6, 5]


async def test_a_common_beginning_finds_the_words_that_the_newest_texts_have_in_every_text(
    database: Database,
) -> None:
    newest = ["tray"] * (COMMON - 1) + ["the trays"] + ["nothing"] * (RECENT - COMMON)
    await fill(database, "an old tray", "an old trap", *newest)
    found = {one.text for one in await TortoiseSearch(database).find("tra", CANDIDATES)}
    assert found == {"an old tray", "tray", "the trays"}
    assert [one.text for one in await find(database, "old tra")] == ["an old tray"]


async def test_a_rare_beginning_finds_every_word_with_it(database: Database) -> None:
    await fill(database, "an old tray", "an old trap", *("nothing" for _ in range(20)))
    assert {one.text for one in await find(database, "tra")} == {"an old tray", "an old trap"}


async def test_a_list_shows_where_the_words_were_found(database: Database) -> None:
    await fill(database, "It has no paper left.", "Paper is ordered.")
    reads = TortoiseStaffReads(database)

    async def found(text: str) -> Found | None:
        lines = (await reads.tickets(TicketFilter(view=TicketView.ALL, text=text))).lines
        assert [line.ticket.number for line in lines] == [TICKET]
        return lines[0].found

    message = await found("paper")
    assert message is not None
    assert (message.marked, message.seq) == (("", "Paper", " is ordered."), 2)
    own = await found("jams contoso")
    assert own is not None
    assert (own.seq, own.marked[:4]) == (None, ("Printer ", "jams", " · Dana Reyes · ", "Contoso"))
    assert await found("printer") is None
    assert await found(f"HD-{TICKET}") is None


@pytest.mark.sqlite("its index is filled afterwards")
async def test_messages_are_indexed_in_chunks_and_each_once(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        await fill(database, *(f"word number {n}" for n in range(CHUNK + 1)))
        assert await index_messages(database) == 1
        assert await index_messages(database) == 0
        assert await index_messages(database) == 0
        assert len(await TortoiseSearch(database).find("word", 1000)) == CANDIDATES
