"""`chatdesk doctor mail`: resolve, connect, sign in, folders, a mail to oneself that is seen to arrive."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

from adapters.email.imap_session import ImapFailed, ImapSession, imap_session
from adapters.email.message import checked_address
from adapters.email.smtp import SmtpTransport
from chatdesk.config import Config
from chatdesk.errors import DeliveryError
from chatdesk.finding import Finding
from chatdesk.settings.mail_servers import Encryption, MailServer, MailServers

CONNECT = 10.0
ARRIVAL = 60.0
"""Seconds in which the test mail has to arrive."""
LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for the test mail, in seconds, and how its servers' certificates are checked."""

    arrival: float = ARRIVAL
    look_every: float = LOOK_EVERY
    context: ssl.SSLContext | None = None


async def examine(
    config: Config, servers: MailServers, at: datetime, key: str, patience: Patience = Patience()
) -> AsyncIterator[Finding]:
    """Yield what was found, one check after the other; ``key`` names the test mail."""
    good = True
    for check in (_settings(config, servers), _smtp(servers, patience), _imap(config, servers, patience)):
        async for finding in check:
            good = good and finding.good
            yield finding
    if not good:
        return
    if servers.smtp is not None and servers.imap is not None:
        async for finding in _round_trip(config, servers, at, key, patience):
            yield finding


async def _settings(config: Config, servers: MailServers) -> AsyncIterator[Finding]:
    if config.desk.email:
        yield Finding(True, f"The desk's own address is {config.desk.email}.")
    else:
        fix = 'Add email = "help@example.com" below [desk].'
        yield Finding(False, "desk.email is not in the desk's file: replies would go nowhere.", fix)
    if servers.smtp is None:
        yield Finding(
            False, "CHATDESK_SMTP_URL is not set: mail is kept and not sent.", "Set it to your mail server."
        )
    if servers.imap is None and servers.listen is None:
        fix = "Set one of them, so that replies reach their tickets."
        yield Finding(False, "Neither CHATDESK_IMAP_URL nor CHATDESK_MAIL_LISTEN is set.", fix)
    if config.mail.authserv:
        yield Finding(True, f"Senders are believed when {config.mail.authserv} vouches for them.")
    else:
        text = "mail.authserv is not in the desk's file: every sender counts as not verified."
        yield Finding(True, text, "Name the server that writes Authentication-Results into your mail.")


async def _smtp(servers: MailServers, patience: Patience) -> AsyncIterator[Finding]:
    server = servers.smtp
    if server is None:
        return
    reached = await _reach(server, "SMTP")
    yield reached
    if not reached.good:
        return
    transport = SmtpTransport(server, context=patience.context)
    try:
        await transport.check()
    except DeliveryError as error:
        yield Finding(False, f"Signing in over SMTP failed. {error}", _fix(str(error), server, "SMTP"))
        return
    finally:
        await transport.close()
    who = f"signed in as {server.user}" if server.user else "no sign-in"
    yield Finding(True, f"SMTP works ({_protection(server)}, {who}).")


async def _imap(config: Config, servers: MailServers, patience: Patience) -> AsyncIterator[Finding]:
    server = servers.imap
    if server is None:
        return
    reached = await _reach(server, "IMAP")
    yield reached
    if not reached.good:
        return
    try:
        async with imap_session(server, patience.context) as session:
            yield Finding(True, f"IMAP works ({_protection(server)}, signed in as {server.user}).")
            for folder in filter(None, (*config.mail.folders, config.mail.move_to)):
                yield await _folder(session, folder, is_target=folder == config.mail.move_to)
    except ImapFailed as error:
        yield Finding(False, f"Signing in over IMAP failed. {error}", _fix(str(error), server, "IMAP"))


async def _reach(server: MailServer, kind: str) -> Finding:
    """Resolve the name and open a connection."""
    name = f"{server.host}:{server.port}"
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except OSError:
        fix = f"Check the name in CHATDESK_{kind}_URL."
        return Finding(False, f"The name {server.host} is not known.", fix)
    try:
        async with asyncio.timeout(CONNECT):
            _, writer = await asyncio.open_connection(server.host, server.port)
    except (OSError, TimeoutError):
        usual = "465 or 587" if kind == "SMTP" else "993"
        fix = f"Check the port in CHATDESK_{kind}_URL (usually {usual}) and the firewall."
        return Finding(False, f"Nothing answers at {name}.", fix)
    writer.close()
    return Finding(True, f"{name} is {found[0][4][0]} and answers.")


async def _folder(session: ImapSession, folder: str, *, is_target: bool) -> Finding:
    try:
        _ = await session.select(folder)
        count = len(await session.search("ALL"))
    except ImapFailed as error:
        key = "mail.move_to" if is_target else "mail.folders"
        return Finding(False, f"The folder {folder} cannot be opened. {error}", f"Make it, or change {key}.")
    return Finding(True, f"The folder {folder} has {count} mails.")


async def _round_trip(
    config: Config, servers: MailServers, at: datetime, key: str, patience: Patience
) -> AsyncIterator[Finding]:
    """Send a mail to the desk's own address and look for it in its mailbox."""
    if servers.smtp is None or servers.imap is None:
        return
    own = checked_address(config.desk.email)
    identity = f"<doctor-{key}@{own.partition('@')[2]}>"
    transport = SmtpTransport(servers.smtp, context=patience.context)
    try:
        await transport.deliver(_test_mail(own, identity, at), own, own, identity)
    except DeliveryError as error:
        fix = f"Let the account send as {own}."
        yield Finding(False, f"The test mail to {own} was not taken. {error}", fix)
        return
    finally:
        await transport.close()
    yield Finding(True, f"The server took a test mail to {own}.")
    try:
        folder = await _arrival(config, servers.imap, identity, patience)
    except ImapFailed as error:
        yield Finding(False, f"The mailbox could not be searched. {error}")
        return
    if folder:
        yield Finding(True, f"It arrived in {folder}.")
    else:
        fix = f"Look whether mail to {own} reaches this mailbox, and into its spam folder."
        yield Finding(False, f"It did not arrive within {patience.arrival:.0f} seconds.", fix)


async def _arrival(config: Config, server: MailServer, identity: str, patience: Patience) -> str:
    """Return the folder in which the mail arrived, "" when it did not."""
    folders = [folder for folder in (*config.mail.folders, config.mail.move_to) if folder]
    clock = asyncio.get_running_loop().time
    end = clock() + patience.arrival
    async with imap_session(server, patience.context) as session:
        while clock() < end:
            for folder in folders:
                _ = await session.select(folder)
                found = await session.search("HEADER", "Message-ID", f'"{identity}"')
                if found:
                    await session.mark_read(found[-1])
                    return folder
            await asyncio.sleep(patience.look_every)
    return ""


def _test_mail(own: str, identity: str, at: datetime) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Message-ID"], message["Date"] = identity, at
    message["From"] = message["To"] = own
    message["Subject"] = "chatdesk doctor: a test mail"
    # A desk that runs meanwhile leaves automatic mail alone.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("This mail shows that the desk's mailbox works. It can be deleted.\n")
    return bytes(message)


def _protection(server: MailServer) -> str:
    return "not encrypted" if server.encryption is Encryption.NONE else server.encryption.value


def _fix(said: str, server: MailServer, kind: str) -> str:
    low = said.lower()
    if "certificate" in low:
        return f"The certificate is not valid for {server.host}; use the name it was made for."
    if any(word in low for word in ("ssl", "tls", "wrong version")):
        return (
            f"Try another port or scheme in CHATDESK_{kind}_URL: {'smtp' if kind == 'SMTP' else 'imap'}s://."
        )
    return f"Check the user in CHATDESK_{kind}_URL and CHATDESK_{kind}_PASSWORD."
