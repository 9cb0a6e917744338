"""A backup as one file: a gzipped tar of the database, the desk's files and its configuration.

Its last member lists all others with their checksums. An archive without that list, or with anything the
list does not name, is not whole and is refused; names are taken from nowhere but the pattern below, so that
an archive from elsewhere can write nothing outside the folder it is unpacked into.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import DecodeError, Struct
from msgspec.json import decode, encode

from chatdesk.errors import StorageError
from storage.file_writer import sync_folder

DATABASE, CONFIG, MANIFEST = "desk.sqlite3", "chatdesk.toml", "manifest.json"
FILES = "files/"
FORMAT = 1
LONGEST_MANIFEST = 256 * 1024 * 1024
_BLOCK = 1024 * 1024
_COMPRESSION = 6
_NAME = re.compile(rf"{re.escape(DATABASE)}|{re.escape(CONFIG)}|{FILES}[A-Za-z0-9_-]{{1,64}}")

Progress = Callable[[int], None]
"""Called with how many bytes were taken since the last call."""


class Readable(Protocol):
    """What gives its bytes a block at a time."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, none at the end."""


class Manifest(Struct, frozen=True):
    """What a backup is of and holds: ``members`` are names with SHA-256, ``missing`` files it should have.

    ``made_at`` (UTC) is the moment the database is as of; ``version`` is that of the program.
    """

    format: int
    version: str
    desk: str
    made_at: datetime
    members: dict[str, str]
    missing: list[str]

    @property
    def files(self) -> int:
        """How many of the members are files of conversations."""
        return sum(name.startswith(FILES) for name in self.members)


class ArchiveWriter:
    """Writes one archive, member by member."""

    def __init__(self, tar: tarfile.TarFile, made_at: datetime, progress: Progress) -> None:
        self._tar = tar
        self._made_at = made_at
        self._progress = progress
        self.members: dict[str, str] = {}

    def add(self, name: str, path: Path) -> str:
        """Add a file under that name, return its SHA-256. Raises OSError; FileNotFoundError adds nothing."""
        with path.open("rb") as opened:
            reading = _Hashing(opened, self._progress)
            self._put(name, os.fstat(opened.fileno()).st_size, reading)
        self.members[name] = reading.sha256
        return reading.sha256

    def close(self, manifest: Manifest) -> None:
        """Add the list of what there is, which makes the archive whole."""
        text = encode(manifest)
        self._put(MANIFEST, len(text), io.BytesIO(text))

    def _put(self, name: str, size: int, content: Readable) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(self._made_at.timestamp())
        self._tar.addfile(member, content)


@contextmanager
def new_archive(path: Path, made_at: datetime, progress: Progress) -> Iterator[ArchiveWriter]:
    """Write an archive that appears under its name whole or not at all, for its owner. Raises OSError."""
    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            with (
                gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                yield ArchiveWriter(tar, made_at, progress)
            raw.flush()
            os.fsync(raw.fileno())
        part.rename(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def unpack(path: Path, folder: Path | None, progress: Progress) -> Manifest:
    """Read a whole archive, compare its checksums, and leave its members in ``folder``, if one is named.

    Raises StorageError when it cannot be read, is damaged, not whole, or made by a newer program.
    """
    found: dict[str, str] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(path, "r|gz") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or manifest is not None or member.name in found:
                    raise StorageError(_not_whole(path, f"it has an unexpected part, {member.name[:80]}"))
                if member.name == MANIFEST:
                    manifest = _read_manifest(path, content)
                elif _NAME.fullmatch(member.name):
                    found[member.name] = _take(content, folder and folder / member.name, progress)
                else:
                    raise StorageError(_not_whole(path, f"it has an unexpected part, {member.name[:80]}"))
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise StorageError(_not_whole(path, str(error))) from error
    except OSError as error:
        raise StorageError(f"The backup {path} cannot be read: {error.strerror or error}.") from error
    if manifest is None:
        raise StorageError(_not_whole(path, "its list of parts is missing"))
    _compare(path, manifest.members, found)
    return manifest


def _read_manifest(path: Path, content: Readable) -> Manifest:
    try:
        manifest = decode(content.read(LONGEST_MANIFEST), type=Manifest)
    except DecodeError as error:
        raise StorageError(_not_whole(path, "its list of parts cannot be read")) from error
    if manifest.format != FORMAT:
        made_by = f"chatdesk {manifest.version}"
        raise StorageError(f"The backup {path} was made by {made_by}: restore it with that or a newer one.")
    return manifest


def _take(content: Readable, target: Path | None, progress: Progress) -> str:
    reading = _Hashing(content, progress)
    if target is None:
        while reading.read(_BLOCK):
            pass
        return reading.sha256
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        while block := reading.read(_BLOCK):
            written.write(block)
        written.flush()
        os.fsync(written.fileno())
    return reading.sha256


def _compare(path: Path, listed: dict[str, str], found: dict[str, str]) -> None:
    wrong = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
    if wrong or DATABASE not in found:
        raise StorageError(_not_whole(path, f"{(wrong or [DATABASE])[0]} is not what was written"))


def _not_whole(path: Path, why: str) -> str:
    return f"The backup {path} is damaged or not whole: {why}. Use another one."


class _Hashing:
    """Reads through to another file and knows the checksum of what was read."""

    def __init__(self, content: Readable, progress: Progress) -> None:
        self._content = content
        self._progress = progress
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The checksum so far."""
        return self._digest.hexdigest()

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, none at the end."""
        block = self._content.read(size)
        self._digest.update(block)
        self._progress(len(block))
        return block
