"""The way out over SMTP: a few connections, reused; what is slow leaves room for what is not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from adapters.email.smtp_talk import WAITS, Handover, SmtpTalk, Waits, open_talk
from chatdesk.errors import DeliveryDelayed, DeliveryWaits
from chatdesk.outbox import WAITS_ITS_TURN
from chatdesk.settings.mail_servers import MailServer

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Room:
    """How many mails are handed over at a time. Mail providers take three connections of one account."""

    connections: int = 3
    large_from: int = 262_144
    """Bytes from which a mail is large: such mails leave one connection to all others."""
    turn: float = 5.0
    """Seconds that a mail waits for its turn, and then about as long elsewhere."""
    waiting: int = 50
    """How many wait for it: each takes one of the relay's hundred places, and others need some too."""
    fewer: float = 60.0
    """Seconds for which no further connection is tried after the server has refused one."""


ROOM = Room()


class SmtpTransport:
    """Hands mail to a server [adapters.email.outbound.Transport]; each goes to ``copies`` as well."""

    def __init__(
        self,
        server: MailServer,
        copies: Sequence[str] = (),
        context: ssl.SSLContext | None = None,
        waits: Waits = WAITS,
        room: Room = ROOM,
    ) -> None:
        self._server = server
        self._copies = tuple(copies)
        self._context = context
        self._waits = waits
        self._room = room
        self._turns = asyncio.Semaphore(room.connections)
        self._large = asyncio.Semaphore(max(1, room.connections - 1))
        self._idle: asyncio.LifoQueue[SmtpTalk] = asyncio.LifoQueue()
        self._waiting = 0
        self._busy: set[SmtpTalk] = set()
        self._fewer_until = 0.0
        self._handed: set[Handover] = set()
        self._stopping = False

    async def deliver(self, message: bytes, sender: str, recipient: str, message_id: str) -> None:
        """Send one mail [adapters.email.outbound.Transport.deliver].

        Raises DeliveryWaits when others are still being sent, and when it was broken off.
        """
        async with self._handover() as handover, self._turn(len(message)), self._talk() as talk:
            await talk.send(message, sender, recipient, self._copies, message_id, handover)

    def break_off(self) -> None:
        """Hand nothing over any more [adapters.email.outbound.Transport.break_off]."""
        self._stopping = True
        for handover in self._handed:
            handover.break_off()

    async def has(self, message_id: str) -> bool | None:
        """Return None: a server does not say what it has taken [adapters.email.outbound.Transport.has]."""
        del message_id
        return None

    async def close(self) -> None:
        """End politely the connections that nobody uses."""
        while not self._idle.empty():
            await self._idle.get_nowait().quit()

    async def check(self) -> None:
        """Connect and sign in. Raises DeliveryDelayed with what the server said."""
        async with self._talk():
            pass

    @asynccontextmanager
    async def _handover(self) -> AsyncIterator[Handover]:
        if self._stopping:
            raise _stopped()
        async with asyncio.timeout(None) as limit:
            handover = Handover(limit)
            self._handed.add(handover)
            try:
                yield handover
            except BaseException as error:
                if handover.broken_off:
                    raise _stopped() from error
                raise
            finally:
                self._handed.discard(handover)

    @asynccontextmanager
    async def _turn(self, size: int) -> AsyncIterator[None]:
        if self._waiting >= self._room.waiting:
            raise self._others_first()
        async with AsyncExitStack() as stack:
            self._waiting += 1
            try:
                async with asyncio.timeout(self._room.turn):
                    if size >= self._room.large_from:
                        await stack.enter_async_context(self._large)
                    await stack.enter_async_context(self._turns)
            except TimeoutError as error:
                raise self._others_first() from error
            finally:
                self._waiting -= 1
            yield

    @asynccontextmanager
    async def _talk(self) -> AsyncIterator[SmtpTalk]:
        """Lend a connection that works, and keep it for the next mail when all went well."""
        talk = await self._connected()
        self._busy.add(talk)
        try:
            yield talk
        except BaseException:
            # Where the talk stands is not known after a cut or a cancellation; the next begins afresh.
            talk.drop()
            raise
        else:
            self._idle.put_nowait(talk)
        finally:
            self._busy.discard(talk)

    async def _connected(self) -> SmtpTalk:
        """Return a connection: one that nobody uses, or another, as far as the server takes more than one."""
        while not self._idle.empty():
            talk = self._idle.get_nowait()
            if await self._still_works(talk):
                return talk
        clock = asyncio.get_running_loop().time
        if self._busy and clock() < self._fewer_until:
            return await self._handed_back()
        try:
            return await open_talk(self._server, self._context, self._waits)
        except DeliveryDelayed as refused:
            if not self._busy:
                raise
            log.info("smtp_takes_no_more_connections", used=len(self._busy), error=str(refused))
            self._fewer_until = clock() + self._room.fewer
            return await self._handed_back()

    async def _still_works(self, talk: SmtpTalk) -> bool:
        """Tell whether it does; servers close idle connections, which is no failure of this mail."""
        works = False
        self._busy.add(talk)
        try:
            works = await talk.is_alive()
        finally:
            if not works:
                self._busy.discard(talk)
                talk.drop()
        return works

    async def _handed_back(self) -> SmtpTalk:
        """Wait for a connection that another mail uses."""
        try:
            async with asyncio.timeout(self._room.turn):
                return await self._idle.get()
        except TimeoutError as error:
            raise self._others_first() from error

    def _others_first(self) -> DeliveryWaits:
        return DeliveryWaits(WAITS_ITS_TURN, self._room.turn)


def _stopped() -> DeliveryWaits:
    return DeliveryWaits("The desk was stopped before the mail server had the whole mail.", 0.0)
