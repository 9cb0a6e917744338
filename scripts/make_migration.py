"""Writes the migration that brings the tables to storage/models.py: make migration NAME=what_changed."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tortoise.cli.cli import CLIContext, makemigrations

import storage.database

CONFIG: dict[str, object] = {}


def main(name: str) -> None:
    """Write the migration. Tortoise's writer forgets ``generated=False`` of a key; a test catches that."""
    before = set(Path("storage/migrations").glob("*.py"))
    with tempfile.TemporaryDirectory() as folder:
        CONFIG.update(storage.database.tortoise_config(f"sqlite:///{folder}/empty.sqlite3"))
        context = CLIContext(config="scripts.make_migration.CONFIG", config_file=None)
        sys.modules["scripts.make_migration"] = sys.modules["__main__"]
        asyncio.run(makemigrations(context, (), False, name))
    for written in set(Path("storage/migrations").glob("*.py")) - before:
        print(f"Wrote {written}. Read it before you commit it.")


if __name__ == "__main__":
    main(sys.argv[1])
