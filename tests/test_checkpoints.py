"""SQLite's log is copied into the database while there is little to do, and only then."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest

from chatdesk.metrics import BatchReport
from storage.checkpoints import EVERY, FEW, Checkpoints
from storage.database import Database
from tests.core_builders import url

pytestmark = pytest.mark.sqlite("its write-ahead log")


def copied(folder: Path) -> bool:
    """Tell whether the mark that was written is in the database without its log."""
    copyfile(folder / "desk.sqlite3", folder / "alone.sqlite3")
    with closing(sqlite3.connect(folder / "alone.sqlite3")) as alone:
        return bool(alone.execute("SELECT count(*) FROM counter WHERE name = 'mark'").fetchone()[0])


async def copied_after(folder: Path, batches: Sequence[int]) -> bool:
    """Tell whether a mark that was written is in the database itself after batches of so many events."""
    async with Database(url(folder, "sqlite")) as database:
        await database.copy_log()
        async with database.transaction() as connection:
            await connection.execute_query("INSERT INTO counter (name, value) VALUES ('mark', 1)")
        checkpoints = Checkpoints(database)
        running = asyncio.create_task(checkpoints.run())
        await asyncio.sleep(0)
        for events in batches:
            checkpoints.batch_done(BatchReport([("CustomerMessaged", "done")] * events, 0.001))
        checkpoints.stop()
        await asyncio.wait_for(running, 5)
        return copied(folder)


@pytest.mark.parametrize("batches", [[1] * EVERY, [FEW] * 100, [FEW + 1] * EVERY + [1]])
async def test_a_small_batch_after_some_others_has_the_log_copied(tmp_path: Path, batches: list[int]) -> None:
    assert await copied_after(tmp_path, batches)


@pytest.mark.parametrize("batches", [[], [1] * (EVERY - 1), [FEW + 1] * 3 * EVERY])
async def test_few_or_large_batches_copy_nothing(tmp_path: Path, batches: list[int]) -> None:
    assert not await copied_after(tmp_path, batches)


async def test_a_log_that_was_copied_is_written_over_and_not_cut_off(tmp_path: Path) -> None:
    log = tmp_path / "desk.sqlite3-wal"
    async with Database(url(tmp_path, "sqlite")) as database:
        async with database.transaction() as connection:
            for number in range(300):
                values = [f"{number:0300}", number]
                await connection.execute_query("INSERT INTO counter (name, value) VALUES (?, ?)", values)
        grown = log.stat().st_size
        await database.copy_log()
        async with database.transaction() as connection:
            await connection.execute_query("UPDATE counter SET value = 0 WHERE value = 1")
        assert log.stat().st_size == grown > 100_000
