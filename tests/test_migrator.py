"""Migrations: run twice, interrupted at each statement, of a newer program, forgotten for a model."""

from __future__ import annotations

import asyncio
import importlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from tortoise.apps import Apps
from tortoise.context import get_current_context
from tortoise.migrations.autodetector import MigrationAutodetector

from chatdesk.errors import DatabaseTooNew, StorageError
from scripts.new_desk import script
from storage import migrator
from storage.connection import fetch
from storage.database import Database
from storage.migrator import NEW_DESK
from storage.orm import APPS
from storage.search_index import index_all
from storage.sqlite_client import ScriptedTransactionWrapper
from storage.sqlite_connection import SqliteTransaction
from storage.store import TortoiseStore
from tests import postgres_server
from tests.core_builders import new_desk, running, survey

pytestmark = pytest.mark.sqlite("its migrations; those of PostgreSQL have tests that name it")

KILLED = """
import asyncio, os, signal, sys
from storage.database import Database
from storage import migrator
from storage.sqlite_client import ScriptedTransactionWrapper
from storage.sqlite_connection import SqliteTransaction

left = int(sys.argv[2])

def counting(original):
    async def counted(self, query, values=None):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return await original(self, query, values)
    return counted

async def nothing(database):
    return False

for kind in (ScriptedTransactionWrapper, SqliteTransaction):
    kind.execute_query = counting(kind.execute_query)
if sys.argv[3:] == ["migrations"]:
    migrator.make_new = nothing

async def main():
    async with Database(sys.argv[1]):
        pass

asyncio.run(main())
"""


REWRITTEN = ("message", "received")
WAYS = ("script", "migrations")
"""How a new database is made; an old one is changed by migrations."""


def url(folder: Path, kind: str = "sqlite") -> str:
    """Return the address of a database that nobody has migrated; SQLite's can be looked into as a file."""
    if kind == "postgres":
        return postgres_server.database_for(folder)
    return f"sqlite:///{folder / 'desk.sqlite3'}"


def tables(folder: Path) -> list[str]:
    """Return the tables of the database in ``folder``."""
    with closing(sqlite3.connect(folder / "desk.sqlite3")) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return [name for (name,) in found if not name.startswith("sqlite_")]


async def opened(folder: Path) -> None:
    async with Database(url(folder)):
        pass


async def works(folder: Path, kind: str = "sqlite") -> bool:
    async with Database(url(folder, kind)) as database, running(new_desk(TortoiseStore(database))) as desk:
        return (await desk.receive(survey())).ticket == 1001


async def nothing(database: Database) -> bool:
    """Make no new database: the migrations do it, as they change an old one."""
    return False


async def statements(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    before: Callable[[int], None] = lambda _: None,
) -> int:
    """Open a new database and return how many statements it took; call ``before`` with each one's number."""
    seen = 0

    def counting(original: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def counted(self: object, query: str, values: list[object] | None = None) -> object:
            nonlocal seen
            before(seen)
            seen += 1
            return await original(self, query, values)

        return counted

    with monkeypatch.context() as patch:
        for kind in (ScriptedTransactionWrapper, SqliteTransaction):
            patch.setattr(kind, "execute_query", counting(kind.execute_query))
        if way == "migrations":
            patch.setattr(migrator, "make_new", nothing)
        await opened(folder)
    return seen


def test_a_new_desk_is_made_as_the_migrations_make_it() -> None:
    assert NEW_DESK.read_text(encoding="utf-8") == script()


async def test_what_the_script_makes_is_what_it_was_made_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[set[str], dict[str, int]]] = []
    for way in WAYS:
        (tmp_path / way).mkdir()
        _ = await statements(tmp_path / way, monkeypatch, way)
        with closing(sqlite3.connect(tmp_path / way / "desk.sqlite3")) as database:
            texts = {sql for (sql,) in database.execute("SELECT sql FROM sqlite_master")}
            names = tables(tmp_path / way)
            counts = {n: database.execute(f"SELECT count(*) FROM {n}").fetchone()[0] for n in names}
        made.append((texts, counts))
    assert made[0] == made[1]
    assert made[0][1]["tortoise_migrations"] > 0


async def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    await opened(tmp_path)
    before = tables(tmp_path)
    await opened(tmp_path)
    assert tables(tmp_path) == before
    assert "ticket" in before


@pytest.mark.parametrize("way", WAYS)
async def test_until_all_is_done_a_crash_leaves_the_old_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """What a killed process leaves are the files as they are: a copy of them is looked into."""
    desk, left = tmp_path / "desk", tmp_path / "left"
    desk.mkdir()
    found: list[list[str]] = []

    def crash(_: int) -> None:
        shutil.copytree(desk, left, ignore=shutil.ignore_patterns("*-shm"))
        found.append(tables(left))
        shutil.rmtree(left)

    number = await statements(desk, monkeypatch, way, crash)
    assert number > len(tables(desk)) > 0
    assert found == [[]] * number


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.7, 1.0])
async def test_interrupted_at_a_statement_the_schema_is_the_old_one_and_the_next_start_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, part: float
) -> None:
    (tmp_path / "whole").mkdir()
    last = await statements(tmp_path / "whole", monkeypatch, way) - 1

    def pull_out(number: int) -> None:
        if number == round(last * part):
            raise OSError("pulled out")

    with pytest.raises(StorageError, match="pulled out"):
        _ = await statements(tmp_path, monkeypatch, way, pull_out)
    assert tables(tmp_path) == []
    assert await works(tmp_path)


@pytest.mark.crash
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at", [0, 1, 7, 20, 40])
async def test_killed_at_a_statement_the_next_start_works(tmp_path: Path, at: int, way: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        KILLED,
        url(tmp_path),
        str(at),
        way,
        cwd=Path(__file__).parent.parent,
        stderr=subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == -signal.SIGKILL, err.decode()
    assert tables(tmp_path) == []
    assert await works(tmp_path)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_two_processes_starting_on_a_new_database_both_come_up(tmp_path: Path, kind: str) -> None:
    start = KILLED.replace("left = int(sys.argv[2])", "left = -1")
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            start,
            url(tmp_path, kind),
            cwd=Path(__file__).parent.parent,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    results = await asyncio.gather(*(process.communicate() for process in processes))
    assert [process.returncode for process in processes] == [0, 0], results
    assert await works(tmp_path, kind)


async def test_a_database_of_a_newer_program_is_refused_by_name_and_left_alone(tmp_path: Path) -> None:
    await opened(tmp_path)
    with closing(sqlite3.connect(tmp_path / "desk.sqlite3")) as database, database:
        columns = "app, name, applied_at"
        future = ("models", "9999_future", "2099-01-01")
        database.execute(f"INSERT INTO tortoise_migrations ({columns}) VALUES (?, ?, ?)", future)
    before = tables(tmp_path)
    with pytest.raises(DatabaseTooNew, match="9999_future"):
        await opened(tmp_path)
    assert tables(tmp_path) == before


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "desk.sqlite3").write_text("This is a letter, not a database. " * 100)
    with pytest.raises(StorageError, match="cannot be opened"):
        await opened(tmp_path)


async def test_tables_rewritten_for_fewer_pages_keep_their_rows_and_the_words_found(tmp_path: Path) -> None:
    rewrite = importlib.import_module("storage.migrations.0004_fewer_pages").SQLITE
    fill = """
        INSERT INTO message SELECT 5, 'c', 1, 'agent', 'a', 'A', 'public', 'paper', '', '[]', 1, NULL, NULL;
        INSERT INTO message SELECT 9, 'c', 2, 'agent', 'a', 'A', 'public', 'jam', '', '[]', 2, NULL, NULL;
        INSERT INTO message_words(rowid, text) SELECT row, text FROM message;
        INSERT INTO received VALUES ('b', 'c', 2, 1001), ('a', 'c', 1, NULL);
    """
    found = "SELECT rowid AS row FROM message_words WHERE message_words MATCH ?"
    async with Database(url(tmp_path)) as database, database.transaction() as connection:
        await connection.execute_script(fill)
        before = [await connection.execute_query_dict(f"SELECT * FROM {name}") for name in REWRITTEN]
        await connection.execute_script(rewrite)
        after = [await connection.execute_query_dict(f"SELECT * FROM {name}") for name in REWRITTEN]
        await connection.execute_script("UPDATE message SET text = 'toner' WHERE seq = 1")
        gone, there = [await connection.execute_query_dict(found, [word]) for word in ("paper", "toner")]
    assert [len(table) for table in before] == [2, 2]
    assert [sorted(table, key=str) for table in after] == [sorted(table, key=str) for table in before]
    assert (gone, there) == ([], [{"row": 5}])


async def test_tickets_of_a_desk_that_indexed_them_at_once_are_found_and_changed_beside_new_ones(
    tmp_path: Path,
) -> None:
    before = importlib.import_module("storage.migrations.0002_search").SQLITE
    behind = importlib.import_module("storage.migrations.0009_surveys").SQLITE
    insert, update = re.findall(r"CREATE TRIGGER ticket_words.*?END;", before, re.DOTALL)
    find = "SELECT rowid AS number FROM ticket_words WHERE ticket_words MATCH ?"
    async with Database(url(tmp_path)) as database:
        async with database.transaction() as connection:
            await connection.execute_script(f"DROP TRIGGER ticket_words_update; {insert} {update}")
        async with running(new_desk(TortoiseStore(database))) as desk:
            _ = await desk.receive(survey("old", "one"))
            async with database.transaction() as connection:
                await connection.execute_script(behind)
            _ = await desk.receive(survey("new", "another"))
        await index_all(database)
        await database.writer.execute_query("UPDATE ticket SET company = 'Umbra'")
        await database.writer.execute_query(
            "INSERT INTO ticket_words(ticket_words, rank) VALUES ('integrity-check', 1)"
        )
        found = [await fetch(database.reader, find, word) for word in ("umbra", "company:contoso")]
    assert [[row["number"] for row in each] for each in found] == [[1001, 1002], []]


async def test_every_model_is_as_the_migrations_make_it(tmp_path: Path) -> None:
    async with Database(url(tmp_path)):
        context = get_current_context()
        assert context is not None
        assert isinstance(context.apps, Apps)
        changes = await MigrationAutodetector(context.apps, APPS).changes()
    # The library's writer forgets generated=False: a migration it wrote has to be checked by hand.
    assert [vars(operation) for writer in changes for operation in writer.operations] == []
