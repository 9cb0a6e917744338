"""What the desk's mail is built from: part of the composition, like chatdesk.bootstrap."""

from __future__ import annotations

import secrets

import structlog

from adapters.email.outbound import Caps, DemonstrationMail, MailChannel
from adapters.email.source import MailSource
from chatdesk.config import Config
from chatdesk.mail_tokens import MailTokens
from chatdesk.ports import Clock
from chatdesk.settings.mail_servers import MailServers
from storage.database import Database
from storage.mail_updates import TortoiseMailUpdates
from storage.mailbox import TortoiseMailbox

log = structlog.get_logger(__name__)


def mail_tokens(secret: str) -> MailTokens:
    """Return the desk's tokens; without a secret they hold until this process ends."""
    return MailTokens(secret or secrets.token_hex(32))


def mail_channel(
    config: Config,
    database: Database,
    source: MailSource,
    tokens: MailTokens,
    servers: MailServers,
    now: Clock,
) -> MailChannel:
    """Return the way out by mail: over SMTP where a server is configured, else what is sent is only kept."""
    mailbox, updates = TortoiseMailbox(database), TortoiseMailUpdates(database)
    if servers.smtp is None:
        log.info("mail_is_kept_not_sent")
        return DemonstrationMail(source, mailbox, config, now, Caps(), tokens, updates)
    # Its libraries are needed by a desk that sends mail only.
    from adapters.email.smtp import SmtpTransport

    copies = (config.desk.email,) if config.mail.copies and config.desk.email else ()
    transport = SmtpTransport(servers.smtp, copies)
    return MailChannel(source, mailbox, transport, config, now, Caps(), tokens, updates)
