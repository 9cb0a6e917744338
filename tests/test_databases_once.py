"""The run on PostgreSQL: what it leaves out and skips aloud, and that nobody opens SQLite unseen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases_once import REPOSITORY, reaches_database

pytestmark = pytest.mark.postgres
CONFTEST = """
from tests import databases_once

def pytest_configure(config):
    config.pluginmanager.register(databases_once)
"""
OPENS_SQLITE = """
import sqlite3

def test_opens():
    sqlite3.connect(":memory:").close()

def test_opens_nothing():
    pass
"""
USES_A_DATABASE = """
import pytest

def test_any():
    pass

@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_each(kind):
    pass

@pytest.mark.postgres
def test_one():
    pass

@pytest.mark.sqlite("its file")
def test_other():
    pass
"""


def run(folder: Path, database: str, *arguments: str) -> str:
    """Run tests with and without a database as the suite is run on one; return what pytest printed."""
    with_one = f"import tests.postgres_server\n{OPENS_SQLITE}{USES_A_DATABASE}"
    for name, text in {"conftest": CONFTEST, "test_with": with_one, "test_without": OPENS_SQLITE}.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    sqlite\n    postgres\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rsE", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "CHATDESK_TEST_DATABASE": database},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("name", "reaches"),
    [("test_crash", True), ("test_teams_desk", True), ("test_mailbox", True), ("test_ticket", False)],
)
def test_a_file_reaches_a_database_if_what_it_imports_does(name: str, reaches: bool) -> None:
    assert reaches_database(REPOSITORY / "tests" / f"{name}.py") is reaches


def test_whoever_reaches_no_database_must_not_open_sqlite(tmp_path: Path) -> None:
    printed = run(tmp_path, "")
    assert "SQLite was opened by a test that was not to: :memory:" in printed
    assert "ERROR test_without.py::test_opens" in printed
    assert "ERROR test_with.py" not in printed
    assert "9 passed" in printed


def test_on_postgresql_what_ran_is_left_out_sqlite_alone_is_skipped_and_may_not_be_opened(
    tmp_path: Path,
) -> None:
    printed = run(tmp_path, "postgres", "-n", "1")
    assert "NOT RUN AGAIN ON POSTGRESQL: 5" in printed
    assert "3 tests that name PostgreSQL, or each database in turn" in printed
    assert "2 tests in files that reach no database" in printed
    assert "about SQLite alone: its file" in printed
    assert "ERROR test_with.py::test_opens" in printed
    assert "3 passed, 1 skipped" in printed
