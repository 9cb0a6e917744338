"""Makes a backup of a whole desk while it runs: its database as of one moment, then the files that names."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from chatdesk.errors import StorageError
from storage.backup_archive import (
    CONFIG,
    DATABASE,
    FILES,
    FORMAT,
    ArchiveWriter,
    Manifest,
    Progress,
    new_archive,
    unpack,
)
from storage.database import exists, sqlite_file
from storage.files import path_of
from storage.forgotten_files import IN_MESSAGE

_NAMED = re.compile(r"chatdesk-\d{8}T\d{6}Z\.tar\.gz")
_ALL_FILES = "SELECT id, sha256 FROM file ORDER BY id"
_IS_SHOWN = f"SELECT 1 FROM file f WHERE f.id = ? AND {IN_MESSAGE}"


class Source(Struct, frozen=True):
    """The desk to be saved: its name, its database's address, its folder of files, its file if it has one."""

    desk: str
    url: str
    files: Path
    config: Path | None


def file_name(at: datetime) -> str:
    """Return the name of a backup made at that time (aware, UTC): they sort as they were made."""
    return f"chatdesk-{at:%Y%m%dT%H%M%SZ}.tar.gz"


def back_up(source: Source, target: Path, at: datetime, version: str, progress: Progress) -> Manifest:
    """Write a backup to ``target``, which must not exist, read it back, and return what it holds.

    A file that a message shows and that is not in the folder, or not what was stored, is named in
    ``missing``; the backup is made all the same. Raises StorageError.
    """
    if target.exists():
        raise StorageError(f"{target} is there already. Name a file that is not, or a folder.")
    if not exists(source.url):
        raise StorageError("There is no database to back up. Is CHATDESK_DATA that of the desk?")
    try:
        with (
            tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder,
            new_archive(target, at, progress) as archive,
        ):
            copy = Path(folder) / DATABASE
            _copy_database(source.url, copy)
            _ = archive.add(DATABASE, copy)
            missing = _add_files(archive, copy, source.files)
            if source.config is not None:
                _ = archive.add(CONFIG, source.config)
            archive.close(Manifest(FORMAT, version, source.desk, at, archive.members, missing))
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"The backup {target} cannot be made: {error}") from error
    return unpack(target, None, progress)


def remove_older(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest ``keep`` backups that ``file_name`` named; return those that went."""
    found = sorted(path for path in folder.iterdir() if _NAMED.fullmatch(path.name))
    gone = found[: max(len(found) - keep, 0)]
    for path in gone:
        path.unlink()
    return gone


def _copy_database(url: str, copy: Path) -> None:
    if url.startswith("sqlite:"):
        _copy_sqlite(sqlite_file(url), copy)
    else:
        # The ORM is needed where rows are carried over, not where a file is copied.
        from storage.moving import copy_as_it_is

        asyncio.run(copy_as_it_is(url, f"sqlite:///{copy}"))
        with closing(sqlite3.connect(copy)) as made:
            make_one_file(made)


def _copy_sqlite(file: Path, copy: Path) -> None:
    """Copy a database in one step, as of its beginning; writers go on meanwhile, into SQLite's log."""
    address = f"{file.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True)) as desk, closing(sqlite3.connect(copy)) as made:
        desk.backup(made, pages=-1)
        make_one_file(made)
        problem = made.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise StorageError(f"The database itself is damaged: {problem}. Keep the backups you have.")


def make_one_file(made: sqlite3.Connection) -> None:
    """Have all of a database in its file, none of it in a log beside it."""
    made.execute("PRAGMA journal_mode = DELETE")


def _add_files(archive: ArchiveWriter, copy: Path, folder: Path) -> list[str]:
    """Add every file that the copied database names; return those that should be there and are not."""
    missing: list[str] = []
    with closing(sqlite3.connect(copy)) as made:
        for identity, sha256 in made.execute(_ALL_FILES).fetchall():
            try:
                whole = archive.add(f"{FILES}{identity}", path_of(folder, identity)) == sha256
            except FileNotFoundError:
                # An upload that no message took may have been removed since.
                whole = made.execute(_IS_SHOWN, [identity]).fetchone() is None
            if not whole:
                missing.append(identity)
    return missing
