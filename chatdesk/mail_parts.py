"""What the desk's mail is built from: part of the composition, like chatdesk.bootstrap."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from adapters.web.services import Services
from chatdesk.errors import StorageError
from chatdesk.health import Loops
from chatdesk.leases import Alone
from chatdesk.mail_tokens import MailTokens
from chatdesk.outbox import MAIL_TARGET, Delivery
from chatdesk.settings.mail_servers import MailServers
from storage.adapter_notes import TortoiseAdapterNotes
from storage.database import Database
from storage.inbox import TortoiseDeliveries, TortoiseInbox
from storage.leases import Fence, TortoiseLeases
from storage.mail_updates import TortoiseMailUpdates

if TYPE_CHECKING:
    from adapters.email.intake import Intake
    from adapters.email.outbound import MailChannel
    from adapters.email.room import DeskMailRoom
    from adapters.email.source import MailSource
    from chatdesk.mail_works import MailWorks

INTAKE_LOOP, IMAP_LOOP = "mail", "mailbox"
PATIENCE = 3.0
"""Seconds that the mail at hand has when the desk stops; what is not filed then is at the next start."""
LOOK_AGAIN = 60.0
"""Seconds after which it is looked whether another node that died has left mail."""
LET_FIRST = 0.1
"""Seconds from the first mail until what writes it is loaded: after a restart people come before mail."""
log = structlog.get_logger(__name__)


def mail_tokens(secret: str) -> MailTokens:
    """Return the desk's tokens; without a secret they hold until this process ends."""
    return MailTokens(secret or secrets.token_hex(32))


def load_works() -> None:
    """Import what writes and reads mail, in any thread."""
    from adapters.email import render

    _ = import_module("chatdesk.mail_works")
    render.load()


class DeskMail:
    """The desk's mail, in and out. What writes and reads it is loaded when there is some."""

    def __init__(
        self,
        services: Services,
        database: Database,
        source: MailSource,
        tokens: MailTokens,
        servers: MailServers,
        queued: Callable[[], None],
    ) -> None:
        self.tokens = tokens
        self._services = services
        self._database = database
        self._source = source
        self._servers = servers
        self._queued = queued
        self._woken = asyncio.Event()
        self._stopping = False

    @property
    def loaded(self) -> bool:
        """Whether ``works`` was used already."""
        return "works" in vars(self)

    @cached_property
    def works(self) -> MailWorks:
        """What writes and reads mail; the first use loads it."""
        from chatdesk.mail_works import mail_works

        self._woken.set()
        return mail_works(
            self._services, self._database, self._source, self.tokens, self._servers, self._queued
        )

    async def ready(self) -> MailWorks:
        """Return ``works``; what they need is imported in a thread, and nobody waits for it meanwhile."""
        if not self.loaded:
            await asyncio.to_thread(load_works)
        return self.works

    @property
    def channel(self) -> MailChannel:
        """The way out."""
        return self.works.channel

    @property
    def intake(self) -> Intake:
        """The way in."""
        return self.works.intake

    @property
    def room(self) -> DeskMailRoom:
        """What staff do with held mail."""
        return self.works.room

    def add_routes(self, application: web.Application) -> None:
        """Add the pages of held mail, and the one that ends updates."""
        # Imported when they are first asked for [adapters.web.late_routes].
        from adapters.web import mail_room_routes, mail_stop_routes

        deliveries = TortoiseDeliveries(self._database)
        mail_room_routes.add_routes(application, self.room, deliveries)
        mail_stop_routes.add_routes(application, self.tokens, TortoiseMailUpdates(self._database))

    @asynccontextmanager
    async def receiving(self, loops: Loops) -> AsyncIterator[None]:
        """Take mail in until the block ends; the desk has to be running."""
        loops.start(INTAKE_LOOP, self._take_in())
        async with AsyncExitStack() as stack:
            # Ended last: nothing is brought any more when the intake stops.
            stack.push_async_callback(self._finish, loops)
            if self._servers.imap is not None:
                _ = await stack.enter_async_context(self._reading(loops))
            if self._servers.listen is not None:
                from adapters.email.listener import listening

                port = await stack.enter_async_context(
                    listening(self._servers.listen, self.intake.accept, own_addresses(self._services))
                )
                log.info("mail_listening", port=port, protocol=self._servers.listen.protocol)
            yield

    async def _take_in(self) -> None:
        inbox = TortoiseInbox(self._database, self._services.new_id)
        while not self._stopping and not self._woken.is_set():
            # Whatever is wrong with the database, the intake waits for it.
            with suppress(StorageError):
                if not await inbox.unfinished(1):
                    await self._pause()
                    continue
            break
        if not self._stopping:
            await (await self.ready()).intake.run()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN):
                _ = await self._woken.wait()

    async def _finish(self, loops: Loops) -> None:
        self._stopping = True
        if self._woken.is_set():
            self.intake.stop()
        self._woken.set()
        await loops.finish(INTAKE_LOOP, PATIENCE)

    @asynccontextmanager
    async def _reading(self, loops: Loops) -> AsyncIterator[None]:
        # Its libraries are needed by a desk that reads a mailbox only.
        from adapters.email.imap import ImapAccount, ImapReader

        if self._servers.imap is None:
            yield
            return
        account, clock = ImapAccount(self._servers.imap, self._services.config.mail), self._services.clock

        async def read(token: int) -> None:
            # How far a folder was read is noted by the lease's holder only. A mail that an earlier holder
            # still brings is kept once, by its place.
            notes = TortoiseAdapterNotes(self._database, Fence(IMAP_LOOP, token))
            await ImapReader(account, self.intake.accept, notes, clock, random.random).run()

        # Of several nodes one reads the mailbox.
        alone = Alone(TortoiseLeases(self._database), self._services.new_id(), clock)
        loops.start(IMAP_LOOP, alone.run(IMAP_LOOP, read))
        try:
            yield
        finally:
            await loops.cancel(IMAP_LOOP)


def own_addresses(services: Services) -> frozenset[str]:
    """Return the addresses at which the desk gets mail."""
    config = services.config
    return frozenset(filter(None, (config.desk.email, *config.mail.aliases)))


class MailWay:
    """The way out by mail as the relay knows it, before there was any."""

    name = MAIL_TARGET
    patience = timedelta(minutes=40)
    """How long one mail may take: the waits that RFC 5321, 4.5.3.2, asks for are minutes each."""

    def __init__(self, mail: DeskMail) -> None:
        self._mail = mail

    async def send(self, delivery: Delivery) -> str:
        """Send it [MailChannel.send]."""
        return await (await self._channel()).send(delivery)

    async def find(self, delivery: Delivery) -> str | None:
        """Look whether it arrived [MailChannel.find]."""
        return await (await self._channel()).find(delivery)

    def break_off(self) -> None:
        """Break off what cannot have arrived [MailChannel.break_off]."""
        if self._mail.loaded:
            self._mail.channel.break_off()

    async def _channel(self) -> MailChannel:
        if not self._mail.loaded:
            await asyncio.sleep(LET_FIRST)
        return (await self._mail.ready()).channel


def desk_mail(
    services: Services,
    database: Database,
    source: MailSource,
    tokens: MailTokens,
    servers: MailServers,
    queued: Callable[[], None],
) -> DeskMail:
    """Return the desk's mail; ``queued`` is called when something waits to be sent."""
    if servers.smtp is None:
        log.info("mail_is_kept_not_sent")
    return DeskMail(services, database, source, tokens, servers, queued)
