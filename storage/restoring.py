"""Puts a desk back from a backup: its files first, its database last, so that half a desk never starts."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from chatdesk.errors import StorageError
from chatdesk.outbox import TIMER_TARGET, DeliveryStatus
from storage.backing_up import make_one_file
from storage.backup_archive import DATABASE, FILES, Manifest, Progress, unpack
from storage.batch import TICKET_COUNTER
from storage.columns import timestamp
from storage.database import brought_up_to_date, exists, sqlite_file
from storage.file_writer import sync_folder
from storage.files import path_of

GAP = 1000
"""Numbers left out after a backup's last: those given after it was made must not be given again [R13]."""
IN_DOUBT = "This may have been sent after the backup was made from which the desk was restored."
_LEFT = "-restore"
_DOUBT = (
    f"UPDATE delivery SET status = '{DeliveryStatus.UNKNOWN}', finished_at = ?, error = ? "
    f"WHERE status IN ('{DeliveryStatus.PENDING}', '{DeliveryStatus.LEASED}') AND target <> '{TIMER_TARGET}'"
)
_NEXT = f"SELECT value + 1 FROM counter WHERE name = '{TICKET_COUNTER}'"
_COUNT = f"UPDATE counter SET value = ? WHERE name = '{TICKET_COUNTER}'"


class Target(Struct, frozen=True):
    """Where the desk goes: an address without a database, or of an empty one, and the folder of its files."""

    url: str
    files: Path


class Since(Struct, frozen=True):
    """What happened after the backup was made.

    ``nothing``: the desk had been stopped, and what was queued was not sent. ``next_number`` is the next
    ticket's, None for one that is surely free.
    """

    nothing: bool = False
    next_number: int | None = None


class Restored(Struct, frozen=True):
    """A desk that was put back: from what, the next ticket's number, deliveries that may have gone out."""

    manifest: Manifest
    next_number: int | None
    in_doubt: int


def restore(archive: Path, target: Target, since: Since, progress: Progress) -> Restored:
    """Put the backup's desk where nothing is yet. After an interruption it may be run again.

    Raises StorageError when the backup is not whole or newer than this program, or when a desk is there.
    """
    _refuse_used(target)
    try:
        _remove_left(target.files.parent)
        with tempfile.TemporaryDirectory(prefix=".", suffix=_LEFT, dir=target.files.parent) as name:
            folder = Path(name)
            manifest = unpack(archive, folder, progress)
            copy = folder / DATABASE
            # Refuses what a newer program made.
            asyncio.run(brought_up_to_date(f"sqlite:///{copy}"))
            restored = _prepare(copy, manifest, since)
            _place_files(folder / FILES, target.files)
            _place_database(copy, target.url)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"The backup cannot be restored: {error}") from error
    return restored


def _refuse_used(target: Target) -> None:
    if target.url.startswith("sqlite:") and exists(target.url):
        raise StorageError(
            f"There is a desk already: {sqlite_file(target.url)}. Move it away, or name another folder with "
            "CHATDESK_DATA."
        )


def _remove_left(folder: Path) -> None:
    """Remove what an interrupted run has left."""
    for left in folder.glob(f".*{_LEFT}"):
        shutil.rmtree(left)


def _prepare(copy: Path, manifest: Manifest, since: Since) -> Restored:
    """Have the desk neither give a number twice nor send blindly what may have been sent already."""
    with closing(sqlite3.connect(copy)) as desk, desk:
        found = desk.execute(_NEXT).fetchone()
        following = found[0] if found else None
        number = since.next_number or (following and following + (0 if since.nothing else GAP))
        if following and number:
            if number < following:
                raise StorageError(
                    f"--next-number: {number} was given already; name {following} or a higher one."
                )
            desk.execute(_COUNT, [number - 1])
        # The backup's own time: a run that is repeated writes the same.
        doubt = [timestamp(manifest.made_at), IN_DOUBT]
        in_doubt = 0 if since.nothing else desk.execute(_DOUBT, doubt).rowcount
    with closing(sqlite3.connect(copy)) as desk:
        make_one_file(desk)
    return Restored(manifest, number if following else None, in_doubt)


def _place_files(unpacked: Path, folder: Path) -> None:
    changed: set[Path] = set()
    for file in sorted(unpacked.iterdir()) if unpacked.is_dir() else ():
        place = path_of(folder, file.name)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.replace(place)
        changed |= {place.parent, place.parent.parent, folder}
    for each in changed:
        sync_folder(each)


def _place_database(copy: Path, url: str) -> None:
    if url.startswith("sqlite:"):
        place = sqlite_file(url)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The folder of files may be on another disk than the database.
        beside = place.with_name(f"{place.name}.part")
        shutil.copyfile(copy, beside)
        beside.chmod(0o600)
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        beside.rename(place)
        sync_folder(place.parent)
        return
    # The ORM is needed where rows are carried over, not where a file is copied.
    from storage.moving import move

    _ = asyncio.run(move(f"sqlite:///{copy}", url))
