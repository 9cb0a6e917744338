"""The way out over SMTP: one connection, reused, and an honest word on what became of each mail.

What the server says decides: 4xx is delayed, 5xx is refused. Until the whole message is on its way nothing
can have arrived, so a cut is a delay; after that nobody knows (RFC 5321, 4.5.3.2.6), and the mail is not
sent again blindly.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

import structlog
from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from chatdesk.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from chatdesk.plain_text import clean_line
from chatdesk.settings.mail_servers import Encryption, MailServer

COMMAND_TIMEOUT = 15.0
DATA_TIMEOUT = 25.0
"""Seconds to wait for an answer. The relay cuts a call off after 40 s, so that its lease never runs out."""
MAX_ANSWER = 300
START_INPUT, COMPLETED = 354, 250
SIGN_IN = frozenset({530, 534, 538})
"""Answers that ask for another sign-in (RFC 4954): no mail is at fault."""
SIGN_IN_WAIT = 300.0

log = structlog.get_logger(__name__)


class SmtpTransport:
    """Hands mail to a server [adapters.email.outbound.Transport]; each goes to ``copies`` as well."""

    def __init__(
        self, server: MailServer, copies: Sequence[str] = (), context: ssl.SSLContext | None = None
    ) -> None:
        self._server = server
        self._copies = tuple(copies)
        self._context = context
        self._client: SMTP | None = None
        self._turn = asyncio.Lock()

    async def deliver(self, message: bytes, sender: str, recipient: str, message_id: str) -> None:
        """Send one mail [adapters.email.outbound.Transport.deliver]; mails take turns."""
        async with self._turn:
            try:
                await self._deliver(message, sender, recipient, message_id)
            except BaseException:
                # Where the talk stands is not known after a cut or a cancellation; the next begins afresh.
                self._drop()
                raise

    async def has(self, message_id: str) -> bool | None:
        """Return None: a server does not say what it has taken [adapters.email.outbound.Transport.has]."""
        del message_id
        return None

    async def close(self) -> None:
        """End the connection politely, if there is one."""
        async with self._turn:
            if self._client is not None and self._client.is_connected:
                try:
                    _ = await self._client.quit(timeout=2)
                except (SMTPException, OSError):
                    log.debug("smtp_quit_unanswered")
            self._drop()

    async def check(self) -> None:
        """Connect and sign in. Raises DeliveryDelayed with what the server said."""
        async with self._turn:
            try:
                _ = await self._connected()
            except DeliveryDelayed:
                self._drop()
                raise

    async def _deliver(self, message: bytes, sender: str, recipient: str, message_id: str) -> None:
        client = await self._connected()
        try:
            _ = await client.mail(sender)
            _ = await client.rcpt(recipient)
            await self._copy(client, recipient)
            answer = await client.execute_command(b"DATA")
            if answer.code != START_INPUT:
                raise SMTPResponseException(answer.code, answer.message)
        except (SMTPException, OSError) as error:
            raise _said(error) from error
        await self._send_body(client, message, message_id)

    async def _copy(self, client: SMTP, recipient: str) -> None:
        """Name the desk's own mailbox too; a server that refuses it keeps no mail from the customer."""
        for address in self._copies:
            if address != recipient:
                try:
                    _ = await client.rcpt(address)
                except SMTPResponseException as error:
                    log.warning("smtp_copy_refused", code=error.code)

    async def _send_body(self, client: SMTP, message: bytes, message_id: str) -> None:
        protocol = client.protocol
        if protocol is None:
            raise DeliveryDelayed("The mail server hung up before the message was sent.")
        try:
            protocol.write(transparent(message))
            answer = await protocol.read_response(timeout=DATA_TIMEOUT)
        except (SMTPException, OSError) as error:
            raise DeliveryUnknown(
                f"The connection was cut while {message_id} was handed over; whether it was taken is unknown."
            ) from error
        if answer.code != COMPLETED:
            raise _answered(answer.code, answer.message)

    async def _connected(self) -> SMTP:
        """Return the signed-in connection, tried before it is used again."""
        client = self._client
        if client is not None and client.is_connected:
            try:
                _ = await client.rset(timeout=COMMAND_TIMEOUT)
                return client
            except (SMTPException, OSError):
                # Servers close idle connections; that is no failure of this mail.
                self._drop()
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.encryption is Encryption.TLS,
            start_tls=server.encryption is Encryption.STARTTLS,
            tls_context=self._context or ssl.create_default_context(),
            timeout=COMMAND_TIMEOUT,
            local_hostname="localhost" if server.host in ("127.0.0.1", "localhost") else None,
        )
        self._client = client
        try:
            _ = await client.connect()
            if server.user:
                _ = await client.login(server.user, server.password)
        except (SMTPException, OSError) as error:
            # No mail is at fault, so none fails for it: a person has to mend the settings or the server.
            raise DeliveryDelayed(f"The mail server cannot be used: {_words(error)}") from error
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def transparent(message: bytes) -> bytes:
    """Return the message as it is sent after DATA: lines end in CR LF, dots are doubled, a dot at the end."""
    lines = message
    # Plain searches: over a mail with files, a pattern would hold the event loop for a tenth of a second.
    if not lines.count(b"\r") == lines.count(b"\n") == lines.count(b"\r\n"):
        lines = lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    first = b"." if lines.startswith(b".") else b""
    return first + lines.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _said(error: SMTPException | OSError) -> DeliveryDelayed | DeliveryRefused:
    """Return what a failure before the message was sent means."""
    if isinstance(error, SMTPResponseException):
        return _answered(error.code, error.message)
    return DeliveryDelayed(f"The mail server hung up: {_words(error)}")


def _answered(code: int, message: str) -> DeliveryDelayed | DeliveryRefused:
    text = f"The mail server said: {code} {clean_line(message)[:MAX_ANSWER]}"
    if code in SIGN_IN:
        return DeliveryDelayed(text, retry_after=SIGN_IN_WAIT)
    return DeliveryRefused(text) if 500 <= code < 600 else DeliveryDelayed(text)


def _words(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {clean_line(error.message)[:MAX_ANSWER]}"
    return clean_line(str(error))[:MAX_ANSWER] or type(error).__name__
