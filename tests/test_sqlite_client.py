"""SQLite under cancellation, several processes, a full disk and inherited contexts."""

from __future__ import annotations

import asyncio
import gc
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatdesk.errors import StorageError
from storage.database import Database
from storage.store import TortoiseStore
from tests.core_builders import new_desk, running, survey, url

pytestmark = pytest.mark.sqlite("its client")

INSERT = "INSERT INTO counter (name, value) VALUES (?, 1)"
COUNT = "SELECT COUNT(*) AS number FROM counter"
SEED = 20260915

OTHER_PROCESS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
database.execute("PRAGMA synchronous = OFF")
for n in range(int(sys.argv[2])):
    database.execute("BEGIN IMMEDIATE")
    database.execute("UPDATE counter SET value = value + 1 WHERE name = 'shared'")
    database.execute("COMMIT")
print("done")
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, "sqlite")) as opened:
        yield opened


async def insert(database: Database, name: str, pauses: int = 0) -> None:
    async with database.transaction() as connection:
        await connection.execute_query(INSERT, [name])
        for _ in range(pauses):
            await asyncio.sleep(0)


async def count(database: Database) -> int:
    (row,) = await database.writer.execute_query_dict(COUNT)
    return int(row["number"])


async def test_cancellation_at_any_moment_never_leaves_the_connection_locked(database: Database) -> None:
    chance, committed = random.Random(SEED), 0
    for n in range(300):
        task = asyncio.create_task(insert(database, f"n{n}", pauses=chance.randrange(3)))
        delay = chance.choice([0.0, 0.0, chance.random() * 0.002])
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        await asyncio.wait({task}, timeout=delay)
        task.cancel()
        await asyncio.wait({task})
        committed += not task.cancelled()
    await asyncio.wait_for(insert(database, "last"), 5)
    assert await count(database) >= committed + 1
    async with database.transaction() as connection:
        assert connection is not None


async def test_many_tasks_cancelled_while_they_queue_for_the_connection_leave_it_usable(
    database: Database,
) -> None:
    chance = random.Random(SEED)
    tasks = [asyncio.create_task(insert(database, f"n{n}", pauses=2)) for n in range(200)]
    for task in chance.sample(tasks, 150):
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.wait_for(asyncio.wait(tasks), 20)
    finished = sum(not task.cancelled() for task in tasks)
    assert finished >= 50
    assert await count(database) >= finished


async def test_a_fault_of_a_visit_that_nobody_waits_for_any_more_is_not_reported_as_lost(
    database: Database,
) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    visitor, begun, go_on = database.sqlite_writer, threading.Event(), threading.Event()
    assert visitor is not None

    def fail(_: sqlite3.Connection, __: None) -> None:
        begun.set()
        go_on.wait(10)
        raise sqlite3.OperationalError("disk I/O error")

    task = asyncio.create_task(visitor.visit(fail, None))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()
    assert reported == []
    await insert(database, "after it")


async def test_a_cancelled_block_is_rolled_back_whole(database: Database) -> None:
    inside = asyncio.Event()

    async def stay() -> None:
        async with database.transaction() as connection:
            await connection.execute_query(INSERT, ["half"])
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await inside.wait()
    task.cancel()
    await asyncio.wait({task})
    assert await count(database) == 0


async def test_two_processes_write_at_once_without_a_locked_database(
    database: Database, tmp_path: Path
) -> None:
    rounds = 150
    await insert(database, "shared")
    path = str(tmp_path / "desk.sqlite3")
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER_PROCESS, path, str(rounds), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    for _ in range(rounds):
        async with database.transaction() as connection:
            (row,) = await connection.execute_query_dict("SELECT value FROM counter WHERE name = 'shared'")
            update = "UPDATE counter SET value = ? WHERE name = 'shared'"
            await connection.execute_query(update, [row["value"] + 1])
    out, err = await other.communicate()
    assert (out.strip(), err) == (b"done", b"")
    (row,) = await database.writer.execute_query_dict("SELECT value FROM counter WHERE name = 'shared'")
    assert row["value"] == 1 + 2 * rounds


async def test_a_database_that_stays_locked_is_a_storage_error_and_works_afterwards(
    database: Database, tmp_path: Path
) -> None:
    await database.writer.execute_query("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(tmp_path / "desk.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        await insert(database, "refused")
    other.execute("ROLLBACK")
    other.close()
    await insert(database, "taken")
    assert await count(database) == 1


async def test_a_full_database_acknowledges_nothing_and_recovers(database: Database) -> None:
    store = TortoiseStore(database)
    async with running(new_desk(store)) as desk:
        await desk.receive(survey("first", "v0"))
        (row,) = await database.writer.execute_query_dict("PRAGMA page_count")
        await database.writer.execute_query(f"PRAGMA max_page_count = {row['page_count']}")
        refused = 0
        for n in range(200):
            try:
                await desk.receive(survey(f"c{n}", f"v{n + 1}"))
            except StorageError as error:
                assert "full" in str(error)
                refused += 1
        assert refused > 0
        (kept,) = await database.writer.execute_query_dict("SELECT COUNT(*) AS number FROM ticket")
        assert kept["number"] == 201 - refused
        assert await database.writer.execute_query_dict("SELECT * FROM set_aside") == []
        await database.writer.execute_query("PRAGMA max_page_count = 1000000")
        again = await desk.receive(survey("again", "dana"))
    assert again.ticket == 1001 + 201 - refused


FULL_DISK = """
import asyncio, pathlib, resource, signal, sys
from chatdesk.errors import StorageError
from storage.database import Database
from storage.store import TortoiseStore
from tests.core_builders import new_desk, running, survey, url

async def main(folder):
    async with Database(url(folder, "sqlite")) as database:
        async with running(new_desk(TortoiseStore(database))) as desk:
            assert (await desk.receive(survey("a", "a"))).ticket == 1001
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            size = (folder / "desk.sqlite3-wal").stat().st_size
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, hard))
            try:
                await desk.receive(survey("b", "b"))
            except StorageError:
                print("refused")
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            print((await desk.receive(survey("c", "c"))).ticket)

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


async def test_a_commit_that_the_disk_refuses_is_a_storage_error_and_the_next_one_works(
    tmp_path: Path,
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        FULL_DISK,
        str(tmp_path),
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    lines = [line for line in out.decode().splitlines() if line in ("refused", "1002")]
    assert lines == ["refused", "1002"]


async def test_a_task_started_inside_a_transaction_gets_one_of_its_own(database: Database) -> None:
    started: list[asyncio.Task[None]] = []
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await connection.execute_query(INSERT, ["outer"])
            started.append(asyncio.create_task(insert(database, "inner")))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not started[0].done()
            raise RuntimeError
    await asyncio.wait_for(started[0], 5)
    rows = await database.writer.execute_query_dict("SELECT name FROM counter")
    assert [row["name"] for row in rows] == ["inner"]


async def test_readers_do_not_wait_for_an_open_transaction(database: Database) -> None:
    await insert(database, "before")
    async with database.transaction() as connection:
        await connection.execute_query(INSERT, ["open"])
        (row,) = await asyncio.wait_for(database.reader.execute_query_dict(COUNT), 5)
    assert row["number"] == 1


async def test_every_connection_syncs_fully_and_keeps_a_write_ahead_log(database: Database) -> None:
    for connection in (database.writer, database.reader):
        found = {
            pragma: next(iter((await connection.execute_query_dict(f"PRAGMA {pragma}"))[0].values()))
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
        assert list(found.values()) == ["wal", 2, 1, 10_000]
