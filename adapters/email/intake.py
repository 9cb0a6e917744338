"""Mail in, whichever way its bytes came: kept first, then taken apart, filed or held; nothing is dropped.

A mail is kept, committed, and only then acknowledged to whoever brought it. What follows is done from the
record, so that a crash anywhere leaves a mail either to be worked on or worked on once: the event that files
it is known by the mail's own Message-ID and content.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from msgspec.structs import replace

from adapters.email.filing import Filing
from adapters.email.parsed import Unreadable, head_of
from adapters.email.parser_process import ParserProcess
from adapters.email.places import fitted
from chatdesk.errors import ChatdeskError, DeskStopped, StorageError
from chatdesk.inbox import ATTEMPTS, InboundMail, InboundStatus, Inbox
from chatdesk.ports import Clock

BATCH = 50
MAX_ATTEMPTS = 3
"""How often the desk may end in the middle of one mail before that is held for staff."""
NOTE_AFTER = 5.0
"""Seconds of work on a mail after which that is written down, in case the desk does not outlive it."""
RETRY = 5.0
"""Seconds to wait when the database could not take something."""
LOOK_AGAIN = 60.0
"""Seconds after which mails are looked for that another node kept and, having died, did not file."""
log = structlog.get_logger(__name__)


class Intake:
    """Takes mail in; ``run`` works on what was kept."""

    def __init__(
        self,
        inbox: Inbox,
        filing: Filing,
        parser: ParserProcess,
        clock: Clock,
        note_after: float = NOTE_AFTER,
    ) -> None:
        self._inbox = inbox
        self._filing = filing
        self._parser = parser
        self._clock = clock
        self._note_after = note_after
        self._survived: dict[str, int] = {}
        """How often the desk had ended over mails before an attempt that the database brought to an end."""
        self._wake = asyncio.Event()
        self._stopped = asyncio.Event()

    async def accept(self, source: bytes, place: str) -> str:
        """Keep the mail and return its id; once this returns it will not be lost.

        ``place`` names where it lies, so that the same mail is kept once however often it is brought.
        Raises StorageError when it cannot be kept; it has to be brought again then.
        """
        identity = await self._inbox.keep(fitted(place), source, self._clock())
        self._wake.set()
        return identity

    async def run(self) -> None:
        """Work on mails until ``stop``, oldest first; a failing database is waited out."""
        try:
            while not self._stopped.is_set():
                self._wake.clear()
                try:
                    busy = await self.work_off()
                except (StorageError, DeskStopped) as error:
                    log.error("mail_waits_for_storage", error=str(error))
                    await self._pause(RETRY)
                    continue
                if not busy:
                    await self._pause(LOOK_AGAIN)
        finally:
            await self._parser.close()

    async def work_off(self) -> int:
        """Work on everything that is kept and not done yet; return how many mails that were."""
        done = 0
        while not self._stopped.is_set() and (mails := await self._inbox.unfinished(BATCH)):
            # What the desk may have ended over comes last, so that it keeps no other waiting.
            for mail in sorted(mails, key=_begun):
                await self._work_on(mail)
                done += 1
                if self._stopped.is_set():
                    break
        return done

    def stop(self) -> None:
        """Let ``run`` end after the mail at hand."""
        self._stopped.set()
        self._wake.set()

    async def _work_on(self, mail: InboundMail) -> None:
        """Work on the mail, or hold it when the desk has ended so often while it did."""
        begun = self._survived.pop(mail.id, _begun(mail))
        mail = replace(mail, facts={})
        if begun >= MAX_ATTEMPTS:
            await self._hold(mail, f"The desk ended {MAX_ATTEMPTS} times while it worked on this mail.")
            return
        noting = asyncio.create_task(self._note(mail.id, begun + 1))
        try:
            await self._work_off(mail)
        except (StorageError, DeskStopped):
            self._survived[mail.id] = begun
            raise
        finally:
            noting.cancel()

    async def _note(self, identity: str, attempt: int) -> None:
        """Write down, once it takes long, that work on the mail has begun; a quick end was not its doing."""
        await asyncio.sleep(self._note_after)
        with suppress(StorageError):
            await self._inbox.begin(identity, attempt)

    async def _work_off(self, mail: InboundMail) -> None:
        source = await self._inbox.source(mail.id)
        if source is None:
            return
        try:
            parsed, contents = await self._parser.parse(source)
        except Unreadable as error:
            await self._hold(await self._by_its_head(mail, source), f"This mail could not be read. {error}")
            return
        try:
            await self._filing.file(mail, parsed, contents)
        except (StorageError, DeskStopped):
            raise
        except ChatdeskError as error:
            await self._hold(self._filing.described(mail, parsed), f"It could not be filed: {error}")
        except Exception as error:
            # One mail's fault must not keep the next from being worked on; staff see it.
            log.exception("mail_not_filed", mail=mail.id)
            await self._hold(mail, f"It could not be filed: {type(error).__name__}.")

    async def _by_its_head(self, mail: InboundMail, source: bytes) -> InboundMail:
        """Return the record of a mail that could not be read, with what its header says of it."""
        try:
            parsed, _ = await self._parser.parse(head_of(source))
        except Unreadable:
            return mail
        return self._filing.described(mail, parsed)

    async def _hold(self, mail: InboundMail, reason: str) -> None:
        log.warning("mail_held", mail=mail.id, reason=reason)
        await self._inbox.finish(replace(mail, status=InboundStatus.HELD, reason=reason))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                _ = await self._wake.wait()
        except TimeoutError:
            return


def _begun(mail: InboundMail) -> int:
    return int(mail.facts.get(ATTEMPTS, "0"))
