"""A migrated SQLite database, made once a test process and copied: migrating takes longer than most tests."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
_MIGRATE = """
import asyncio, sys
from storage.database import Database
async def migrate():
    async with Database(sys.argv[1]):
        pass
asyncio.run(migrate())
"""


def url_of(path: Path) -> str:
    """Return the address of the database at ``path``, which begins as a copy unless it is there."""
    if not path.exists():
        shutil.copyfile(_template(), path)
    return f"sqlite:///{path}"


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="chatdesk-sqlite-")) / "template.sqlite3"
    # A process of its own: only one database at a time can be open in this one.
    subprocess.run([sys.executable, "-c", _MIGRATE, f"sqlite:///{path}"], cwd=REPOSITORY, check=True)
    return path
