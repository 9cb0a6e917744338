"""Mail handed over by a mail server on this machine, over LMTP (RFC 2033) or SMTP.

A mail is answered with OK only once it is kept. Line ends are taken strictly, so that nothing can be
smuggled in behind a mail's end [threat 39].
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from adapters.email.parsed import MAX_SIZE
from chatdesk.errors import ConfigurationError
from chatdesk.settings.mail_servers import ListenAddress

MAX_RECIPIENTS = 50
MAX_LINE = 100_000
"""Bytes of a line; the standard's 1,000 are not kept by every program."""
KEPT = "250 2.0.0 Kept"
TRY_AGAIN = "451 4.3.0 This cannot be kept now; try again later"
NOT_HERE = "550 5.1.1 There is no such mailbox here"
BARE_LINE_END = "554 5.6.0 A line does not end in CR LF"
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
log = structlog.get_logger(__name__)


class _StrictSmtp(SMTP):
    line_length_limit = MAX_LINE


class _StrictLmtp(LMTP):
    line_length_limit = MAX_LINE


Accept = Callable[[bytes, str], Awaitable[str]]
"""Keeps a mail's bytes under the place where it lies; raises StorageError when it cannot."""


class Handover:
    """Answers a mail server; ``own`` are the desk's addresses, without tags."""

    def __init__(self, accept: Accept, own: frozenset[str], protocol: str) -> None:
        self._accept = accept
        self._own = own
        self._protocol = protocol

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take mail for the desk's own addresses only, with or without a tag."""
        del server, session, options
        local, _, domain = address.lower().rpartition("@")
        if (
            self._own
            and f"{local.partition('+')[0]}@{domain}" not in self._own
            and address.lower() not in self._own
        ):
            return NOT_HERE
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail and say so; LMTP wants an answer for each recipient."""
        del server, session
        content = envelope.original_content or b""
        answer = BARE_LINE_END if _BARE.search(content) else await self._keep(content, envelope.rcpt_tos)
        return "\r\n".join([answer] * len(envelope.rcpt_tos)) if self._protocol == "lmtp" else answer

    async def _keep(self, content: bytes, recipients: list[str]) -> str:
        place = f"{self._protocol}:{hashlib.sha256(content).hexdigest()}"
        named = b"".join(
            b"X-Original-To: " + address.encode("ascii", "replace") + b"\r\n" for address in recipients
        )
        try:
            _ = await self._accept(named + content, place)
        except Exception:
            # Whatever went wrong, the server keeps the mail and brings it again.
            log.exception("mail_not_kept")
            return TRY_AGAIN
        return KEPT


@asynccontextmanager
async def listening(address: ListenAddress, accept: Accept, own: frozenset[str]) -> AsyncIterator[int]:
    """Listen, and yield the port. Raises ConfigurationError when the port cannot be used."""
    kind = _StrictLmtp if address.protocol == "lmtp" else _StrictSmtp
    handler = Handover(accept, own, address.protocol)

    def protocol() -> SMTP:
        return kind(
            handler, data_size_limit=MAX_SIZE, hostname="localhost", ident="chatdesk", enable_SMTPUTF8=True
        )

    try:
        server = await asyncio.get_running_loop().create_server(protocol, address.host, address.port)
    except OSError as error:
        raise ConfigurationError(
            f"CHATDESK_MAIL_LISTEN: {address.host}:{address.port} cannot be used: {error.strerror}."
        ) from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
