"""Mail from a mailbox: each folder is watched over a connection of its own, opened again when it is lost."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from adapters.email.imap_folder import Accept, ImapFolder
from adapters.email.imap_session import ImapFailed, imap_session
from chatdesk.adapter_notes import AdapterNotes
from chatdesk.config import MailSettings
from chatdesk.errors import StorageError
from chatdesk.ports import Clock
from chatdesk.settings.mail_servers import MailServer

ONCE_MORE = 2.0
"""Seconds after which a folder is looked into again in which something was found, or that was just opened.

Of a mail that comes during a search the server tells in its answer, and nobody hears of it there: mails come
together, and the second would lie for minutes.
"""
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds before a lost connection is opened again; the wait doubles."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """The mailbox, what to read of it, and how its server's certificate is checked (None: as usual)."""

    server: MailServer
    settings: MailSettings
    context: ssl.SSLContext | None = None


class ImapReader:
    """Reads the account's folders until ``run`` is cancelled; ``jitter`` returns a number from 0 up to 1."""

    def __init__(
        self,
        account: ImapAccount,
        accept: Accept,
        notes: AdapterNotes,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._account = account
        self._accept = accept
        self._notes = notes
        self._clock = clock
        self._jitter = jitter

    async def run(self) -> None:
        """Watch every folder; what goes wrong in one is tried again and keeps no other waiting."""
        server, settings = self._account.server, self._account.settings
        async with asyncio.TaskGroup() as group:
            for name in settings.folders:
                folder = ImapFolder(server, name, settings.move_to, self._accept, self._notes, self._clock)
                _ = group.create_task(self._watch(folder))

    async def _watch(self, folder: ImapFolder) -> None:
        failures = 0
        while True:
            try:
                async with imap_session(self._account.server, self._account.context) as session:
                    await folder.open(session)
                    found = True
                    while True:
                        while await folder.take_new(session):
                            found = True
                        # A connection that worked and is lost later says nothing of the server's health.
                        failures = 0
                        patience = folder.patience()
                        await session.wait(min(ONCE_MORE, patience) if found else patience)
                        found = False
            except (ImapFailed, StorageError) as error:
                failures += 1
                log.warning("imap_waits", folder=folder.name, error=str(error), failures=failures)
            except Exception:
                failures += 1
                log.exception("imap_failed", folder=folder.name)
            wait = min(FIRST_WAIT * 2 ** min(failures - 1, 20), LONGEST_WAIT)
            await asyncio.sleep(wait * (0.9 + 0.2 * self._jitter()))
