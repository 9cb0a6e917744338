"""Mail from a mailbox: each folder is watched over a connection of its own, each mail taken in once.

A mail is known by folder, UIDVALIDITY and UID. It is moved or marked as read only after it was kept; how far
a folder was read is remembered, so that it does not matter who else reads the mailbox.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from adapters.email.imap_session import ImapFailed, ImapSession, imap_session
from adapters.email.parsed import LEFT_IN_MAILBOX, MAX_SIZE
from adapters.email.places import fitted
from chatdesk.adapter_notes import AdapterNotes
from chatdesk.config import MailSettings
from chatdesk.errors import StorageError
from chatdesk.ports import Clock
from chatdesk.settings.mail_servers import MailServer

ADAPTER = "email"
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds before a lost connection is opened again; the wait doubles."""
TOO_LARGE = f"{LEFT_IN_MAILBOX}: this mail is too large and was not fetched\r\n".encode("ascii")
log = structlog.get_logger(__name__)

Accept = Callable[[bytes, str], Awaitable[str]]
"""Keeps a mail's bytes under the place where it lies; raises StorageError when it cannot."""


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
        async with asyncio.TaskGroup() as group:
            for folder in self._account.settings.folders:
                _ = group.create_task(self._watch(folder))

    async def _watch(self, folder: str) -> None:
        failures = 0
        while True:
            try:
                async with imap_session(self._account.server, self._account.context) as session:
                    await self._follow(session, folder)
            except (ImapFailed, StorageError) as error:
                failures += 1
                log.warning("imap_waits", folder=folder, error=str(error), failures=failures)
            except Exception:
                failures += 1
                log.exception("imap_failed", folder=folder)
            wait = min(FIRST_WAIT * 2 ** min(failures - 1, 20), LONGEST_WAIT)
            await asyncio.sleep(wait * (0.9 + 0.2 * self._jitter()))

    async def _follow(self, session: ImapSession, folder: str) -> None:
        """Take in what is there and wait for more, until the connection fails."""
        validity = await session.select(folder)
        while True:
            while await self.take_new(session, folder, validity):
                pass
            await session.wait()

    async def take_new(self, session: ImapSession, folder: str, validity: int) -> int:
        """Take in the mails that came since the last time; return how many there were."""
        key = fitted(f"imap:{self._account.server.host}:{folder}:{validity}")
        noted = await self._notes.get(ADAPTER, key)
        if noted is None:
            return await self._take_first(session, folder, validity, key)
        last = int(noted)
        # The last mail answers to "n:*" even when its number is lower.
        fresh = [uid for uid in await session.search("UID", f"{last + 1}:*") if uid > last]
        for uid in fresh:
            await self._take(session, folder, validity, uid)
            await self._notes.put(ADAPTER, key, str(uid), self._clock())
        return len(fresh)

    async def _take_first(self, session: ImapSession, folder: str, validity: int, key: str) -> int:
        """Begin with a folder: it may hold years of mail, of which what is unread is new."""
        highest = max(await session.search("ALL"), default=0)
        unread = [uid for uid in await session.search("UNSEEN") if uid <= highest]
        for uid in unread:
            await self._take(session, folder, validity, uid)
        await self._notes.put(ADAPTER, key, str(highest), self._clock())
        return len(unread)

    async def _take(self, session: ImapSession, folder: str, validity: int, uid: int) -> None:
        size = await session.size(uid)
        if size is None:
            return
        if size > MAX_SIZE:
            header = await session.fetch(uid, "HEADER")
            source = TOO_LARGE + (header or b"")
        else:
            whole = await session.fetch(uid)
            if whole is None:
                return
            source = whole
        server = self._account.server
        _ = await self._accept(source, f"imap:{server.user}@{server.host}/{folder}/{validity}/{uid}")
        if size > MAX_SIZE:
            return
        if self._account.settings.move_to:
            await session.move(uid, self._account.settings.move_to)
        else:
            await session.mark_read(uid)
