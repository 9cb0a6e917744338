"""One folder of a mailbox: what is new in it is taken in, each mail once, and no mail keeps another waiting.

A mail is known by folder, UIDVALIDITY and UID. It is moved or marked as read only after it was kept; how far
the folder was read is noted, so that it does not matter who else reads the mailbox.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from adapters.email.imap_session import IDLE_TIME, ImapRefused, ImapSession
from adapters.email.parsed import LEFT_IN_MAILBOX, MAX_SIZE
from adapters.email.places import fitted
from chatdesk.adapter_notes import AdapterNotes
from chatdesk.ports import Clock
from chatdesk.settings.mail_servers import MailServer

ADAPTER = "email"
AGAIN = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 300, 900, 2400))
"""After these a mail that could not be fetched is tried again; the last time, its header only. An hour in
all, since a server in trouble may refuse every mail for a while."""
LEFT = f"{LEFT_IN_MAILBOX}: this mail is too large or could not be fetched\r\n".encode("ascii")
log = structlog.get_logger(__name__)

Accept = Callable[[bytes, str], Awaitable[str]]
"""Keeps a mail's bytes under the place where it lies; raises StorageError when it cannot."""


@dataclass(slots=True)
class Progress:
    """How far a folder was read: up to the UID ``last``, but for the ``owed``, still to be taken."""

    last: int
    owed: set[int]

    @classmethod
    def read(cls, note: str) -> Progress:
        last, *owed = map(int, note.split())
        return cls(last, set(owed))

    def note(self) -> str:
        return " ".join(map(str, (self.last, *sorted(self.owed))))


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail's bytes, or what could be had of it."""

    source: bytes
    is_whole: bool


class ImapFolder:
    """Takes in the mails of one folder on ``server``; what was kept goes to ``move_to``, or is marked."""

    def __init__(
        self, server: MailServer, name: str, move_to: str, accept: Accept, notes: AdapterNotes, clock: Clock
    ) -> None:
        self.name = name
        self._server = server
        self._move_to = move_to
        self._accept = accept
        self._notes = notes
        self._clock = clock
        self._place = ""
        self._tries: Counter[int] = Counter()
        self._due: dict[int, datetime] = {}

    async def open(self, session: ImapSession) -> None:
        """Open the folder in this session. Raises ImapFailed, StorageError."""
        validity = await session.select(self.name)
        place = f"imap:{self._server.user}@{self._server.host}/{self.name}/{validity}"
        if place != self._place:
            self._place = place
            self._tries.clear()
            self._due.clear()
            await self._take_over(fitted(f"imap:{self._server.host}:{self.name}:{validity}"))

    async def take_new(self, session: ImapSession) -> int:
        """Take in the mails that came since the last time; return how many there were.

        One that cannot be fetched is tried a few times more; in the end it stays in the mailbox, and staff
        are shown that it is there. Raises ImapFailed, StorageError.
        """
        progress = await self._progress(session)
        # The last mail answers to "n:*" even when its number is lower.
        new = [uid for uid in await session.search("UID", f"{progress.last + 1}:*") if uid > progress.last]
        done = 0
        for uid in filter(self._is_due, (*sorted(progress.owed), *new)):
            try:
                found = await self._fetch(session, uid)
            except Exception as error:
                # Whatever it is about this mail, the next one may be a good one.
                await self._put_off(progress, uid, error)
                if not isinstance(error, ImapRefused):
                    raise
                continue
            await self._take(session, progress, uid, found)
            done += 1
        return done

    def patience(self) -> float:
        """Return the seconds after which the folder is looked into, even if nothing happens there."""
        if not self._due:
            return IDLE_TIME
        return min(IDLE_TIME, max(1.0, (min(self._due.values()) - self._clock()).total_seconds()))

    def _is_due(self, uid: int) -> bool:
        return uid not in self._due or self._due[uid] <= self._clock()

    async def _take_over(self, earlier: str) -> None:
        """Go on from the note of an earlier version, which did not say whose mailbox it was about.

        The account that is read first takes it over, for good: an account that the desk is given later finds
        nothing that says how far another's mailbox was read.
        """
        noted = await self._notes.get(ADAPTER, earlier)
        if noted is not None:
            _ = await self._notes.claim(ADAPTER, self._key, noted, self._clock())
            await self._notes.remove(ADAPTER, earlier)

    async def _progress(self, session: ImapSession) -> Progress:
        noted = await self._notes.get(ADAPTER, self._key)
        if noted is not None:
            return Progress.read(noted)
        # A folder may hold years of mail when the desk begins with it: what is unread is new.
        highest = max(await session.search("ALL"), default=0)
        progress = Progress(highest, {uid for uid in await session.search("UNSEEN") if uid <= highest})
        await self._write(progress)
        return progress

    async def _fetch(self, session: ImapSession, uid: int) -> Fetched | None:
        """Return the mail, None when it is gone; less and less of it the oftener it was tried in vain."""
        if self._tries[uid] > len(AGAIN):
            subject = f"Subject: Mail {uid} in {self.name} could not be fetched\r\n"
            return Fetched(LEFT + subject.encode("ascii", "replace"), is_whole=False)
        size = await session.size(uid)
        if size is None:
            return None
        if size > MAX_SIZE or self._tries[uid] == len(AGAIN):
            return Fetched(LEFT + (await session.fetch(uid, "HEADER") or b""), is_whole=False)
        source = await session.fetch(uid)
        return None if source is None else Fetched(source, is_whole=True)

    async def _put_off(self, progress: Progress, uid: int, error: Exception) -> None:
        self._due[uid] = self._clock() + AGAIN[min(self._tries[uid], len(AGAIN) - 1)]
        self._tries[uid] += 1
        log.warning("imap_mail_put_off", folder=self.name, uid=uid, tries=self._tries[uid], error=str(error))
        progress.last = max(progress.last, uid)
        progress.owed.add(uid)
        await self._write(progress)

    async def _take(self, session: ImapSession, progress: Progress, uid: int, found: Fetched | None) -> None:
        """Keep the mail, note that it was kept, and only then put it away."""
        if found is not None:
            _ = await self._accept(found.source, f"{self._place}/{uid}")
        progress.last = max(progress.last, uid)
        progress.owed.discard(uid)
        await self._write(progress)
        del self._tries[uid]
        _ = self._due.pop(uid, None)
        if found is not None and found.is_whole:
            await self._put_away(session, uid)
        elif found is not None:
            log.error("imap_mail_left_in_mailbox", folder=self.name, uid=uid)

    async def _put_away(self, session: ImapSession, uid: int) -> None:
        try:
            if self._move_to:
                await session.move(uid, self._move_to)
            else:
                await session.mark_read(uid)
        except ImapRefused as error:
            # It was kept; where it lies in the mailbox does not matter to the desk.
            log.warning("imap_mail_not_put_away", folder=self.name, uid=uid, error=str(error))

    @property
    def _key(self) -> str:
        return fitted(self._place)

    async def _write(self, progress: Progress) -> None:
        await self._notes.put(ADAPTER, self._key, progress.note(), self._clock())
