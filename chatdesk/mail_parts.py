"""What the desk's mail is built from: part of the composition, like chatdesk.bootstrap."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
from aiohttp import web

from adapters.email.attaching import Attaching
from adapters.email.filing import Desktop, Filing
from adapters.email.intake import Intake
from adapters.email.outbound import Caps, DemonstrationMail, MailChannel
from adapters.email.parser_process import ParserProcess
from adapters.email.room import DeskMailRoom
from adapters.email.source import MailSource
from adapters.email.threading import Threading
from adapters.web import mail_room_routes, mail_stop_routes
from adapters.web.services import Services
from chatdesk.health import Loops
from chatdesk.leases import Alone
from chatdesk.mail_tokens import MailTokens
from chatdesk.settings.mail_servers import MailServers
from storage.adapter_notes import TortoiseAdapterNotes
from storage.database import Database
from storage.inbox import TortoiseDeliveries, TortoiseInbox
from storage.leases import Fence, TortoiseLeases
from storage.mail_updates import TortoiseMailUpdates
from storage.mailbox import TortoiseMailbox

INTAKE_LOOP, IMAP_LOOP = "mail", "mailbox"
PATIENCE = 3.0
"""Seconds that the mail at hand has when the desk stops; what is not filed then is at the next start."""
log = structlog.get_logger(__name__)


def mail_tokens(secret: str) -> MailTokens:
    """Return the desk's tokens; without a secret they hold until this process ends."""
    return MailTokens(secret or secrets.token_hex(32))


@dataclass(frozen=True, slots=True)
class DeskMail:
    """The desk's mail, in and out. ``port`` is where mail is handed over, once ``receiving``."""

    channel: MailChannel
    intake: Intake
    room: DeskMailRoom
    tokens: MailTokens
    services: Services
    database: Database
    servers: MailServers

    def add_routes(self, application: web.Application) -> None:
        """Add the pages of held mail, and the one that ends updates."""
        deliveries = TortoiseDeliveries(self.database)
        mail_room_routes.add_routes(application, self.room, deliveries)
        mail_stop_routes.add_routes(application, self.tokens, TortoiseMailUpdates(self.database))

    @asynccontextmanager
    async def receiving(self, loops: Loops) -> AsyncIterator[None]:
        """Take mail in until the block ends; the desk has to be running."""
        loops.start(INTAKE_LOOP, self.intake.run())
        async with AsyncExitStack() as stack:
            # Ended last: nothing is brought any more when the intake stops.
            stack.push_async_callback(self._finish, loops)
            if self.servers.imap is not None:
                _ = await stack.enter_async_context(self._reading())
            if self.servers.listen is not None:
                from adapters.email.listener import listening

                port = await stack.enter_async_context(
                    listening(self.servers.listen, self.intake.accept, own_addresses(self.services))
                )
                log.info("mail_listening", port=port, protocol=self.servers.listen.protocol)
            yield

    async def _finish(self, loops: Loops) -> None:
        self.intake.stop()
        await loops.finish(INTAKE_LOOP, PATIENCE)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        # Its libraries are needed by a desk that reads a mailbox only.
        from adapters.email.imap import ImapAccount, ImapReader

        if self.servers.imap is None:
            yield
            return
        account, clock = ImapAccount(self.servers.imap, self.services.config.mail), self.services.clock

        async def read(token: int) -> None:
            # How far a folder was read is noted by the lease's holder only. A mail that an earlier holder
            # still brings is kept once, by its place.
            notes = TortoiseAdapterNotes(self.database, Fence(IMAP_LOOP, token))
            await ImapReader(account, self.intake.accept, notes, clock, random.random).run()

        # Of several nodes one reads the mailbox.
        alone = Alone(TortoiseLeases(self.database), self.services.new_id(), clock)
        task = asyncio.create_task(alone.run(IMAP_LOOP, read), name=IMAP_LOOP)
        try:
            yield
        finally:
            _ = task.cancel()
            _ = await asyncio.gather(task, return_exceptions=True)


def own_addresses(services: Services) -> frozenset[str]:
    """Return the addresses at which the desk gets mail."""
    config = services.config
    return frozenset(filter(None, (config.desk.email, *config.mail.aliases)))


def desk_mail(
    services: Services,
    database: Database,
    source: MailSource,
    tokens: MailTokens,
    servers: MailServers,
    queued: Callable[[], None],
) -> DeskMail:
    """Build the desk's mail; ``queued`` is called when something waits to be sent."""
    inbox = TortoiseInbox(database, services.new_id)
    reads, clock = services.staff_reads, services.clock
    attaching = Attaching(services.files, reads, clock)
    desktop = Desktop(
        config=services.config,
        desk=services.desk,
        inbox=inbox,
        deliveries=TortoiseDeliveries(database),
        reads=reads,
        staff=services.staff,
        threading=Threading(services.config, inbox, reads, tokens),
        attaching=attaching,
        clock=clock,
        queued=queued,
    )
    parser = ParserProcess()
    intake = Intake(inbox, Filing(desktop), parser, clock)
    room = DeskMailRoom(inbox, services.desk, attaching, parser, clock)
    channel = mail_channel(services, database, source, tokens, servers)
    return DeskMail(channel, intake, room, tokens, services, database, servers)


def mail_channel(
    services: Services, database: Database, source: MailSource, tokens: MailTokens, servers: MailServers
) -> MailChannel:
    """Return the way out by mail: over SMTP where a server is configured, else what is sent is only kept."""
    config, clock = services.config, services.clock
    mailbox, updates = TortoiseMailbox(database), TortoiseMailUpdates(database)
    if servers.smtp is None:
        log.info("mail_is_kept_not_sent")
        return DemonstrationMail(source, mailbox, config, clock, Caps(), tokens, updates)
    # Its libraries are needed by a desk that sends mail only.
    from adapters.email.smtp import SmtpTransport

    copies = (config.desk.email,) if config.mail.copies and config.desk.email else ()
    transport = SmtpTransport(servers.smtp, copies)
    return MailChannel(source, mailbox, transport, config, clock, Caps(), tokens, updates)
