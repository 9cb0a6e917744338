"""A migrated SQLite database, made once a test process and copied: migrating takes longer than most tests."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.migrating import migrate


def url_of(path: Path) -> str:
    """Return the address of the database at ``path``, which begins as a copy unless it is there."""
    if not path.exists():
        shutil.copyfile(_template(), path)
    return f"sqlite:///{path}"


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="chatdesk-sqlite-")) / "template.sqlite3"
    migrate(f"sqlite:///{path}")
    return path
