"""Full-text search on both databases: found, ranked, marked, and only what the asker may see."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tortoise.backends.base.client import BaseDBAsyncClient

from chatdesk.changes import Changes
from chatdesk.conversation import ConversationId, Live, Message, Visibility
from chatdesk.reading import TicketFilter, TicketView
from chatdesk.search import Found
from chatdesk.ticket import TicketNumber
from storage import search, search_index
from storage.database import Database
from storage.reading import TortoiseStaffReads
from storage.search import CANDIDATES, RECENT, TortoiseSearch
from storage.search_index import CHUNK, SearchIndexer, Settled, index_all, index_texts, list_words
from storage.store import TortoiseStore
from storage.vocabulary import MESSAGES
from storage.word_listing import list_on_postgres, list_sql
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
    await fill(database, "No paper in the tray, next to the Café.")
    found = await find(database, text)
    assert [sorted(marked(one)) for one in found] == ([sorted(words)] if words else [])


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("café", "cafe"),
        ("CAFÉ", "café"),
        ("Jürgen", "jurg"),
        ("naïve", "NAIVE"),
        ("résumé de l'été", "ete"),
        ("cafe\u0301", "café"),
        ("Jürgen", "ju\u0308rgen"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Łódź", "łodz"),
        ("ПРИНТЕР", "принтер"),
    ],
)
async def test_a_word_is_found_whatever_its_case_and_accents(
    database: Database, text: str, asked: str, *, listed: bool
) -> None:
    await fill(database, f"Before {text} after")
    if listed:
        await index_all(database)
    (found,) = await find(database, asked)
    assert found.seq == 1
    assert len(marked(found)) == 1


@pytest.mark.parametrize("asked", ["\N{PARENTHESIZED DIGIT ONE}", "\N{VULGAR FRACTION ONE HALF}", "a'b:*"])
async def test_a_sign_that_stands_for_others_breaks_no_search(database: Database, asked: str) -> None:
    await fill(database, "Nothing of it")
    assert await find(database, asked) == []


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


@pytest.mark.parametrize("listed", [False, True])
async def test_an_edit_is_found_by_its_new_words_only_and_a_deletion_not_at_all(
    database: Database, *, listed: bool
) -> None:
    await fill(database, "first words", "others")
    if listed:
        await index_all(database)
    assert await find(database, "first")
    edited, deleted = said(1, "second thoughts"), replace(said(2, ""), deleted_at=TUESDAY)
    for message in (edited, deleted):
        await write(database, revised={(message.conversation, message.seq): message})
    for _ in range(2):
        assert not await find(database, "first")
        assert await find(database, "second")
        assert not await find(database, "others")
        await index_all(database)


async def test_a_changed_subject_is_found_and_the_earlier_one_no_longer(database: Database) -> None:
    await fill(database)
    await write(database, tickets={TICKET: ticket(version=2, subject="Scanner jams")})
    assert not await find(database, "printer")
    assert [one.ticket for one in await find(database, "scanner")] == [TICKET]


async def test_staff_find_notes_and_are_told_which_are(database: Database) -> None:
    await fill(database, "paper here")
    note = said(2, "paper is a note", visibility=Visibility.INTERNAL)
    await write(database, messages=[note])
    everything = {one.text: one.internal for one in await find(database, "paper")}
    assert everything == {"paper here": False, "paper is a note": True}


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


@pytest.mark.parametrize("listed", [False, True])
async def test_messages_are_found_newest_first_however_far_they_lie_apart(
    database: Database, *, listed: bool
) -> None:
    chat = conversation(Live(()), version=1, last_seq=99)
    await write(database, conversations={chat.id: chat}, tickets={TICKET: ticket(version=1)})
    for seq, row in enumerate(EDGES, 1):
        await write(database, messages=[said(seq, f"paper and word{seq}")])
        await database.writer.execute_query(f'UPDATE message SET "row" = {row} WHERE seq = {seq}')
        if listed:
            await index_all(database)
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


@pytest.mark.parametrize("listed", [False, True])
async def test_a_beginning_finds_every_word_with_it_however_old(database: Database, *, listed: bool) -> None:
    newest = ["tray", "the trays", *("nothing" for _ in range(20))]
    await fill(database, "an old tray", "an old trap", *newest)
    if listed:
        await index_all(database)
    found = {one.text for one in await TortoiseSearch(database).find("tra", CANDIDATES)}
    assert found == {"an old tray", "an old trap", "tray", "the trays"}
    assert {one.text for one in await find(database, "old tra")} == {"an old tray", "an old trap"}


async def test_words_of_old_texts_are_found_by_their_beginning_when_the_newest_have_none(
    database: Database,
) -> None:
    await fill(database, "an old tray", *("nothing" for _ in range(RECENT)))
    await index_all(database)
    assert [one.text for one in await find(database, "tra")] == ["an old tray"]


async def test_of_too_many_words_those_of_the_newest_texts_are_searched_for_and_the_list_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_WORDS", 3)
    monkeypatch.setattr(search, "RECENT", 2)
    await fill(database, "Dana's trash", "trade", "traffic", "trail", "the trays", "train and trays")
    await index_all(database)
    found = {one.text for one in await find(database, "tra")}
    assert {"the trays", "train and trays"} < found
    assert len(found) == 3
    assert [one.text for one in await find(database, "dana tra")] == ["Dana's trash"]
    lists = TortoiseStaffReads(database)
    for text, cut in (("tra", True), ("trays", False), ("tray", False)):
        assert (await lists.tickets(TicketFilter(TicketView.ALL, text=text))).cut is cut, text


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
        assert await index_texts(database) == 1
        assert await index_texts(database) == 0
        assert await index_texts(database) == 0
        assert len(await TortoiseSearch(database).find("word", 1000)) == CANDIDATES


async def checked(database: Database) -> None:
    """Have SQLite compare its index with the tickets. Raises StorageError when they do not agree."""
    compare = "INSERT INTO ticket_words(ticket_words, rank) VALUES ('integrity-check', 1)"
    await database.writer.execute_query(compare)


@pytest.mark.sqlite("its index is filled afterwards")
async def test_tickets_are_indexed_in_chunks_and_each_once_whatever_numbers_were_left_out(
    tmp_path: Path,
) -> None:
    numbers = [TicketNumber(TICKET + 3 * n) for n in range(CHUNK + 1)]
    async with Database(url(tmp_path, "sqlite")) as database:
        tickets = {number: ticket(number=number, version=1, subject="Printer jams") for number in numbers}
        await write(database, tickets=tickets)
        assert await index_texts(database) == 1
        assert await index_texts(database) == 0
        await checked(database)
        found = await TortoiseSearch(database).find("printer", CANDIDATES)
        assert [one.ticket for one in found] == numbers[: -CANDIDATES - 1 : -1]


@pytest.mark.sqlite("its index is filled afterwards")
async def test_a_ticket_changed_before_it_was_indexed_leaves_the_index_whole(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        await write(database, tickets={TICKET: ticket(version=1, subject="Printer jams")})
        await write(database, tickets={TICKET: ticket(version=2, subject="Scanner jams")})
        await index_all(database)
        await write(database, tickets={OTHER: ticket(number=OTHER, version=1, subject="Printer jams")})
        await write(database, tickets={OTHER: ticket(number=OTHER, version=2, subject="Plotter jams")})
        await write(database, tickets={TICKET: ticket(version=3, subject="Copier jams")})
        await index_all(database)
        await checked(database)
        found = [await find(database, word) for word in ("printer", "scanner", "plotter", "copier")]
    assert [[one.ticket for one in each] for each in found] == [[], [], [OTHER], [TICKET]]


@pytest.mark.sqlite("its index is filled afterwards")
async def test_a_ticket_is_indexed_after_its_commit(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        await fill(database)
        assert await database.select("SELECT id FROM ticket_words_docsize") == []
        assert not await SearchIndexer(database).step()
        assert await database.select("SELECT id FROM ticket_words_docsize") == [{"id": TICKET}]


async def test_a_word_of_a_changed_text_is_found_by_its_beginning(database: Database) -> None:
    await fill(database, "first words", *("nothing" for _ in range(RECENT)))
    await index_all(database)
    edited = said(1, "second thoughts")
    changed = ticket(number=OTHER, version=1, subject="Printer jams")
    await write(database, revised={(edited.conversation, 1): edited}, tickets={OTHER: changed})
    await index_all(database)
    await write(database, tickets={OTHER: ticket(number=OTHER, version=2, subject="Scanner jams")})
    await index_all(database)
    assert [one.text for one in await find(database, "thou")] == ["second thoughts"]
    assert [one.ticket for one in await find(database, "scan")] == [OTHER]
    assert not await find(database, "firs")
    left = await database.reader.execute_query_dict("SELECT * FROM reworded")
    assert left == []


async def test_words_are_listed_in_the_era_of_their_rows_and_the_newest_come_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = conversation(Live(()), version=1, last_seq=99)
    await write(database, conversations={chat.id: chat}, tickets={TICKET: ticket(version=1)})
    for seq, row in enumerate(EDGES, 1):
        await write(database, messages=[said(seq, f"word{100 - seq}")])
        await database.writer.execute_query(f'UPDATE message SET "row" = {row} WHERE seq = {seq}')
        await index_all(database)
    assert len(await TortoiseSearch(database).find("wor", 99)) == len(EDGES)
    monkeypatch.setattr(search, "MOST_WORDS", 2)
    monkeypatch.setattr(search, "RECENT", 0)
    assert {one.seq for one in await find(database, "wor")} == {len(EDGES) - 1, len(EDGES)}


async def test_a_desk_older_than_its_vocabulary_finds_beginnings_in_the_index(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "RECENT", 20)
    await fill(database, "an old tray", *("nothing" for _ in range(50)))
    await index_all(database)
    await database.writer.execute_script("DELETE FROM vocabulary; DELETE FROM word_listed")

    async def nothing_indexed(_: Database) -> int:
        return 0

    monkeypatch.setattr(search, "index_texts", nothing_indexed)
    assert [one.text for one in await find(database, "tra")] == ["an old tray"]


async def test_words_listed_by_two_processes_at_once_are_each_listed_once(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        await fill(database, *(f"word{n} and tray" for n in range(300)))
        everything = {"ticket": 2**62, "message": 2**62}
        for _ in range(20):
            await asyncio.gather(*(list_words(database, everything, 20) for _ in range(4)))
        found = await database.reader.execute_query_dict("SELECT word FROM vocabulary WHERE source = 1")
        assert sorted(row["word"] for row in found) == sorted(
            ["and", "tray", *(f"word{n}" for n in range(300))]
        )


def test_a_key_is_settled_once_all_who_wrote_when_it_was_seen_have_ended() -> None:
    settled = Settled()
    looks: list[tuple[int, list[str]]] = [(5, ["a"]), (7, ["a", "b"]), (9, ["b"]), (11, ["c"]), (12, [])]
    assert [settled.see(key, writers) for key, writers in looks] == [
        0,  # "a" may have been given 4.
        0,
        5,  # "b" may have been given 8.
        9,
        12,
    ]


async def rows_listed(database: Database) -> list[int]:
    found = await database.reader.execute_query_dict('SELECT "row" FROM message_words ORDER BY 1')
    return [row["row"] for row in found]


async def test_rows_that_are_not_settled_wait_to_be_listed(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        await fill(database, "early", "late")
        (first,) = await database.reader.execute_query_dict("SELECT min(row) AS row FROM message")
        assert await list_words(database, {"ticket": 0, "message": first["row"]})
        assert not await list_words(database, {"ticket": 0, "message": first["row"]})
        found = await database.reader.execute_query_dict("SELECT word FROM vocabulary WHERE source = 1")
        assert [row["word"] for row in found] == ["early"]
        assert await rows_listed(database) == [first["row"]]


INSERT = """
    INSERT INTO message (conversation, seq, author_kind, author_id, author_name, visibility, text, at,
        files, changed)
    SELECT conversation, seq + {more}, author_kind, author_id, author_name, visibility, '{text}', at,
        files, changed FROM message WHERE seq = 1"""


MANY = """
    INSERT INTO message (conversation, seq, author_kind, author_id, author_name, visibility, text, at,
        files, changed)
    SELECT conversation, seq + more, author_kind, author_id, author_name, visibility, text, at,
        files, changed FROM message, generate_series(1, 12000) AS more"""


async def test_messages_that_are_committed_in_the_order_of_their_numbers_reversed_are_all_listed(
    tmp_path: Path,
) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        await fill(database, "the first")
        indexer = SearchIndexer(database)
        async with database.transaction() as slow:
            await slow.execute_query(INSERT.format(more=1, text="slow tray"))
            async with database.transaction() as quick:
                await quick.execute_query(INSERT.format(more=2, text="quick tray"))
            for _ in range(3):
                assert await indexer.step()
            assert len(await rows_listed(database)) < 2
            assert [one.seq for one in await find(database, "tray")] == [3]
            assert [one.seq for one in await find(database, "first")] == [1]
        assert {one.seq for one in await find(database, "tray")} == {2, 3}
        while await indexer.step():
            continue
        assert len(await rows_listed(database)) == 3
        assert {one.seq for one in await find(database, "tray")} == {2, 3}
        assert {one.seq for one in await find(database, "tr")} == {2, 3}


async def test_a_step_lists_what_is_new_or_changed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        await fill(database, "an old tray")
        indexer = SearchIndexer(database)
        while await indexer.step():
            continue
        await database.writer.execute_query("UPDATE message SET text = 'new paper' WHERE seq = 1")
        monkeypatch.setattr(search_index, "list_on_postgres", None)
        assert not await indexer.step()
        assert [one.text for one in await find(database, "pap")] == ["new paper"]
        monkeypatch.setattr(search_index, "list_reworded_on_postgres", None)
        assert not await indexer.step()


async def test_a_step_reads_no_more_messages_than_it_indexes_however_many_wait(tmp_path: Path) -> None:
    """Without statistics of a table PostgreSQL must not sort all that wait for the first few of them.

    A table of a few pages it reads whole.
    """
    async with Database(url(tmp_path, "postgres")) as database:
        await fill(database, "nothing")
        await database.writer.execute_query(MANY)
        query = f"EXPLAIN (ANALYZE, FORMAT JSON) {list_sql(MESSAGES)}"
        (row,) = await database.writer.execute_query_dict(query, [2**62, 30])
    read = list(rows_read(json.loads(row["QUERY PLAN"])[0]["Plan"], "message"))
    assert read
    assert max(read) <= 30


def rows_read(node: dict[str, Any], table: str) -> Iterator[float]:
    """Return how many rows each part of a plan has read of the table."""
    if node.get("Relation Name") == table and "Actual Rows" in node and node["Node Type"] != "ModifyTable":
        yield node["Actual Rows"]
    for part in node.get("Plans", ()):
        yield from rows_read(part, table)


async def test_only_the_commit_of_what_is_indexed_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        await fill(database, "a tray")
        async with database.transaction() as connection:
            assert await list_on_postgres(connection, MESSAGES, 2**62, CHUNK)
            assert await synchronous_commit(connection) == "off"
        async with database.transaction() as connection:
            assert await synchronous_commit(connection) == "on"


async def synchronous_commit(connection: BaseDBAsyncClient) -> str:
    (row,) = await connection.execute_query_dict("SHOW synchronous_commit")
    return str(row["synchronous_commit"])


@pytest.mark.parametrize("edit_first", [True, False])
async def test_a_message_that_is_edited_while_it_is_indexed_is_found_by_its_new_words_only(
    tmp_path: Path, *, edit_first: bool
) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        await fill(database, "an old tray", "others")

        async def edit(connection: BaseDBAsyncClient) -> None:
            await connection.execute_query("UPDATE message SET text = 'new paper' WHERE seq = 1")

        async def index(connection: BaseDBAsyncClient) -> None:
            assert await list_on_postgres(connection, MESSAGES, 2**62, CHUNK)

        before, after = (edit, index) if edit_first else (index, edit)
        async with database.transaction() as connection:
            await before(connection)
            later = asyncio.create_task(after(database.writer))
            await waits(database)
        await later
        assert len(await rows_listed(database)) == 2
        assert not await find(database, "old")
        assert [one.text for one in await find(database, "paper")] == ["new paper"]


async def waits(database: Database) -> None:
    """Return when somebody waits for another's transaction to end."""
    query = "SELECT 1 FROM pg_locks WHERE NOT granted"
    while not await database.reader.execute_query_dict(query):
        continue


async def test_of_more_messages_than_a_search_reads_itself_the_others_are_found_once_they_are_indexed(
    tmp_path: Path,
) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        await fill(database, "an old tray", *("nothing" for _ in range(1_000)), "a new tray")
        assert [one.text for one in await find(database, "tray")] == ["a new tray"]
        await index_all(database)
        assert [one.text for one in await find(database, "tray")] == ["a new tray", "an old tray"]


BEFORE = """
    DROP TABLE message_words; DELETE FROM vocabulary; DELETE FROM word_listed;
    CREATE INDEX message_words ON message USING gin ((chatdesk_words(text) || chatdesk_places("row")));"""


@pytest.mark.parametrize("some_listed", [True, False])
async def test_a_desk_of_before_is_found_at_once_and_whole(tmp_path: Path, *, some_listed: bool) -> None:
    words = importlib.import_module("storage.migrations.0008_words_behind").WORDS
    async with Database(url(tmp_path, "postgres")) as database:
        await fill(database, "an old tray", *("nothing" for _ in range(1_000)), "a new tray")
        async with database.transaction() as connection:
            await connection.execute_script(BEFORE)
            if some_listed:
                await connection.execute_script('INSERT INTO word_listed SELECT 1, MIN("row") FROM message')
            await connection.execute_script(words)
        assert [one.text for one in await find(database, "tray")] == ["a new tray", "an old tray"]
        assert [one.text for one in await find(database, "noth")] == ["nothing"] * 10
        assert not await list_words(database, {"ticket": 0, "message": 2**62})
