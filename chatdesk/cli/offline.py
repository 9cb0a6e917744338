"""The desk's record without its server: commands read it, and write to it, while a server may be running."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from chatdesk.bootstrap import build_desk
from chatdesk.cli.setting import Setting, prepare_data, read_setting
from chatdesk.config import Config
from chatdesk.desk import Desk
from chatdesk.errors import ConfigurationError, NotFound
from chatdesk.hub import Hub
from chatdesk.reading import StaffReads, TicketFile
from chatdesk.search import Search
from chatdesk.staff import Staff
from chatdesk.ticket import TicketNumber, format_number, typed_number
from storage.database import Database
from storage.reading import TortoiseStaffReads
from storage.search import TortoiseSearch
from storage.staff import TortoiseStaff

Result = TypeVar("Result")
SQLITE = "sqlite://"


@dataclass(frozen=True, slots=True)
class Offline:
    """The record of one desk."""

    config: Config
    database: Database
    reads: StaffReads
    search: Search
    staff: Staff

    def number(self, text: str) -> TicketNumber:
        """Read HD-1001, or 1001. Raises NotFound for what cannot be a ticket of this desk."""
        prefix = self.config.desk.ticket_prefix
        found = typed_number(prefix, text)
        if found is None:
            raise NotFound(f"Ticket {text}")
        return found

    async def ticket(self, text: str) -> TicketFile:
        """Return the whole ticket. Raises NotFound."""
        number = self.number(text)
        file = await self.reads.ticket_file(number)
        if file is None:
            raise NotFound(f"Ticket {self.say(number)}")
        return file

    def say(self, number: int) -> str:
        """Write a ticket's number as people see it."""
        return format_number(self.config.desk.ticket_prefix, number)


def run(command: Callable[[Offline], Awaitable[Result]], *, create: bool = False) -> Result:
    """Open the record the environment names, run the command and close it; ``create`` makes a missing one.

    Raises ConfigurationError when there is none, StorageError when it cannot be used.
    """
    setting = read_setting(os.environ)
    if create:
        prepare_data(setting.environment.data)
    else:
        _refuse_missing(setting)

    async def opened() -> Result:
        async with Database(setting.environment.database_url) as database:
            offline = Offline(
                setting.config,
                database,
                reads=TortoiseStaffReads(database),
                search=TortoiseSearch(database),
                staff=TortoiseStaff(database),
            )
            return await command(offline)

    return asyncio.run(opened())


@asynccontextmanager
async def working_desk(offline: Offline) -> AsyncIterator[Desk]:
    """A desk that takes events; a running server's writes and these settle by the records' versions."""
    desk = build_desk(offline.config, offline.database, Hub())
    loop = asyncio.create_task(desk.run())
    try:
        yield desk
    finally:
        desk.stop()
        await loop


def _refuse_missing(setting: Setting) -> None:
    url = setting.environment.database_url
    file = Path(url.removeprefix(SQLITE))
    if url.startswith(SQLITE) and not file.exists():
        raise ConfigurationError(
            f"There is no database at {file}. Start the desk once, or name its folder with CHATDESK_DATA."
        )
