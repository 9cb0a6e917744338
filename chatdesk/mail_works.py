"""What writes and reads the desk's mail: part of the composition, loaded with the first mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.email.attaching import Attaching
from adapters.email.filing import Desktop, Filing
from adapters.email.intake import Intake
from adapters.email.outbound import Caps, DemonstrationMail, MailChannel
from adapters.email.parser_process import ParserProcess
from adapters.email.room import DeskMailRoom
from adapters.email.source import MailSource
from adapters.email.staff_mail import StaffMail
from adapters.email.threading import Threading
from adapters.web.services import Services
from chatdesk.mail_tokens import MailTokens
from chatdesk.settings.mail_servers import MailServers
from storage.database import Database
from storage.inbox import TortoiseDeliveries, TortoiseInbox
from storage.mail_updates import TortoiseMailUpdates
from storage.mailbox import TortoiseMailbox


@dataclass(frozen=True, slots=True)
class MailWorks:
    """The way out, the way in, and what staff do with held mail."""

    channel: MailChannel
    intake: Intake
    room: DeskMailRoom


def mail_works(
    services: Services,
    database: Database,
    source: MailSource,
    tokens: MailTokens,
    servers: MailServers,
    queued: Callable[[], None],
) -> MailWorks:
    """Build all of it; ``queued`` is called when something waits to be sent."""
    inbox = TortoiseInbox(database, services.new_id)
    reads, clock = services.staff_reads, services.clock
    attaching = Attaching(services.files, reads, clock)
    staff_mail = StaffMail(services.desk, reads, services.staff, attaching, clock)
    desktop = Desktop(
        config=services.config,
        desk=services.desk,
        inbox=inbox,
        deliveries=TortoiseDeliveries(database),
        staff_mail=staff_mail,
        threading=Threading(services.config, inbox, reads, tokens),
        attaching=attaching,
        clock=clock,
        queued=queued,
    )
    parser = ParserProcess()
    intake = Intake(inbox, Filing(desktop), parser, clock)
    room = DeskMailRoom(inbox, services.desk, staff_mail, attaching, parser, reads, clock)
    return MailWorks(mail_channel(services, database, source, tokens, servers), intake, room)


def mail_channel(
    services: Services, database: Database, source: MailSource, tokens: MailTokens, servers: MailServers
) -> MailChannel:
    """Return the way out by mail: over SMTP where a server is configured, else what is sent is only kept."""
    config, clock = services.config, services.clock
    mailbox, updates = TortoiseMailbox(database), TortoiseMailUpdates(database)
    if servers.smtp is None:
        return DemonstrationMail(source, mailbox, config, clock, Caps(), tokens, updates, services.files)
    # Its libraries are needed by a desk that sends mail only.
    from adapters.email.smtp import SmtpTransport

    copies = (config.desk.email,) if config.mail.copies and config.desk.email else ()
    transport = SmtpTransport(servers.smtp, copies)
    return MailChannel(source, mailbox, transport, config, clock, Caps(), tokens, updates, services.files)
