"""A database brought up to date by a process of its own: only one can be open in this one."""

from __future__ import annotations

import subprocess
import sys
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


def migrate(url: str) -> None:
    """Bring the database at ``url`` up to date."""
    subprocess.run([sys.executable, "-c", _MIGRATE, url], cwd=REPOSITORY, check=True)
