"""One connection to a mail server: what is said on it, and an honest word on what became of each mail.

What the server says decides: 4xx is delayed, 5xx is refused. Until the end of the message is on its way
nothing can have arrived, so a cut is a delay; after that nobody knows (RFC 5321, 4.5.3.2.6), and the mail is
not sent again blindly.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import structlog
from aiosmtplib import SMTP, SMTPException, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

from chatdesk.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from chatdesk.plain_text import clean_line
from chatdesk.settings.mail_servers import Encryption, MailServer

BLOCK = 65_536
"""Bytes of a message that are handed to the system at a time."""
MAX_ANSWER = 300
START_INPUT, COMPLETED, REFUSED = 354, 250, 400
SIGN_IN = frozenset({530, 534, 538})
"""Answers that ask for another sign-in (RFC 4954): no mail is at fault."""
SIGN_IN_WAIT = 300.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Waits:
    """For how many seconds a mail server is waited for (RFC 5321, 4.5.3.2)."""

    connect: float = 60.0
    """Until it is connected and signed in."""
    reuse: float = 15.0
    """For a sign of life on a connection that was used before."""
    begin: float = 300.0
    """From MAIL until it asks for the message: RFC 5321 asks for five minutes a command, and two for DATA."""
    block: float = 180.0
    """Until it takes another block of the message."""
    message: float = 1_200.0
    """Until it has taken the last block but one."""
    answer: float = 600.0
    """From there until it says whether it took the message."""


WAITS = Waits()


class Handover:
    """One mail that is handed over, which can be broken off until its end is written.

    ``limit`` is the time limit of the call that hands it over.
    """

    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit = limit
        self._ended = False
        self.broken_off = False

    def break_off(self) -> None:
        """End it at once where the server cannot have taken it; otherwise its answer is still waited for."""
        if not self._ended and not self.broken_off:
            self.broken_off = True
            self._limit.reschedule(asyncio.get_running_loop().time())

    def may_end(self) -> bool:
        """Tell whether the end may be written, after which it is not broken off any more."""
        self._ended = not self.broken_off
        return self._ended


class SmtpTalk:
    """A connection that is open and signed in."""

    def __init__(self, client: SMTP, protocol: SMTPProtocol, waits: Waits) -> None:
        self._client = client
        self._protocol = protocol
        self._waits = waits
        # Its ``drain`` tells when the system has taken what was written, also below TLS.
        transport = cast(asyncio.WriteTransport, protocol.transport)
        self._writer = asyncio.StreamWriter(transport, protocol, None, asyncio.get_running_loop())

    async def is_alive(self) -> bool:
        """Tell whether the server still listens: servers close connections that nobody uses."""
        if not self._client.is_connected:
            return False
        try:
            _ = await self._client.rset(timeout=self._waits.reuse)
        except (SMTPException, OSError):
            return False
        return True

    async def send(
        self,
        message: bytes,
        sender: str,
        recipient: str,
        copies: Sequence[str],
        message_id: str,
        handover: Handover,
    ) -> None:
        """Send one mail. Raises DeliveryDelayed, DeliveryRefused or DeliveryUnknown."""
        try:
            async with asyncio.timeout(self._waits.begin):
                await self._begin(sender, recipient, copies)
        except TimeoutError as error:
            raise DeliveryDelayed("The mail server took too long to take the addresses.") from error
        await self._hand_over(transparent(message), message_id, handover)

    async def quit(self) -> None:
        """End it politely."""
        if self._client.is_connected:
            try:
                _ = await self._client.quit(timeout=2)
            except (SMTPException, OSError):
                log.debug("smtp_quit_unanswered")
        self.drop()

    def drop(self) -> None:
        """End it at once: what was not sent yet is not sent any more."""
        self._writer.transport.abort()
        self._client.close()

    async def _begin(self, sender: str, recipient: str, copies: Sequence[str]) -> None:
        client = self._client
        try:
            _ = await client.mail(sender)
            _ = await client.rcpt(recipient)
            for address in copies:
                if address != recipient:
                    await self._copy(address)
            answer = await client.execute_command(b"DATA")
            if answer.code != START_INPUT:
                raise SMTPResponseException(answer.code, answer.message)
        except (SMTPException, OSError) as error:
            raise _said(error) from error

    async def _copy(self, address: str) -> None:
        """Name the desk's own mailbox too; a server that refuses it keeps no mail from the customer."""
        try:
            _ = await self._client.rcpt(address)
        except SMTPResponseException as error:
            log.warning("smtp_copy_refused", code=error.code)

    async def _hand_over(self, lines: bytes, message_id: str, handover: Handover) -> None:
        # Listened to from the start: a server may refuse what it has read only a part of.
        answer = asyncio.ensure_future(self._protocol.read_response())
        try:
            # It listens from its first step on; what is said before that is not heard.
            await asyncio.sleep(0)
            if await self._written(lines, answer, handover):
                said = await self._answer(answer, message_id)
            else:
                said = _early(answer, message_id)
        finally:
            _ = answer.cancel()
        if said.code != COMPLETED:
            raise _answered(said.code, said.message)

    async def _written(self, lines: bytes, answer: asyncio.Future[SMTPResponse], handover: Handover) -> bool:
        """Write the message; tell whether its end was written, before which it cannot have been taken."""
        try:
            async with asyncio.timeout(self._waits.message):
                for start in range(0, len(lines), BLOCK):
                    if start and not await self._drained(answer):
                        return False
                    if start + BLOCK >= len(lines) and not handover.may_end():
                        return False
                    self._protocol.write(lines[start : start + BLOCK])
        except (SMTPException, OSError) as error:
            log.info("smtp_message_broken_off", error=_words(error))
            return False
        return True

    async def _drained(self, answer: asyncio.Future[SMTPResponse]) -> bool:
        """Wait until a block was taken; False when it does not, or the server answers before the end."""
        drained: asyncio.Future[None] = asyncio.ensure_future(self._writer.drain())
        either: set[asyncio.Future[None] | asyncio.Future[SMTPResponse]] = {drained, answer}
        try:
            await asyncio.wait(either, timeout=self._waits.block, return_when=asyncio.FIRST_COMPLETED)
            if answer.done() or not drained.done():
                return False
            await drained
            return True
        finally:
            _ = drained.cancel()

    async def _answer(self, answer: asyncio.Future[SMTPResponse], message_id: str) -> SMTPResponse:
        try:
            async with asyncio.timeout(self._waits.answer):
                return await answer
        except (SMTPException, OSError) as error:
            raise _unknown(message_id) from error


async def open_talk(server: MailServer, context: ssl.SSLContext | None, waits: Waits) -> SmtpTalk:
    """Connect and sign in. Raises DeliveryDelayed with what the server said."""
    client = SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.encryption is Encryption.TLS,
        start_tls=server.encryption is Encryption.STARTTLS,
        tls_context=context or ssl.create_default_context(),
        timeout=waits.begin,
        local_hostname="localhost" if server.host in ("127.0.0.1", "localhost") else None,
    )
    try:
        async with asyncio.timeout(waits.connect):
            _ = await client.connect()
            if server.user:
                _ = await client.login(server.user, server.password)
        if client.protocol is None:
            raise ConnectionError("the connection was lost")
        return SmtpTalk(client, client.protocol, waits)
    except (SMTPException, OSError) as error:
        # No mail is at fault, so none fails for it: a person has to mend the settings or the server.
        client.close()
        raise DeliveryDelayed(f"The mail server cannot be used: {_words(error)}") from error
    except BaseException:
        client.close()
        raise


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


def _early(answer: asyncio.Future[SMTPResponse], message_id: str) -> SMTPResponse:
    """Return what the server said before the end of the message was sent; without a word it is a delay."""
    if not answer.done() or answer.exception() is not None:
        raise DeliveryDelayed("The mail server broke off in the middle of the message.")
    said = answer.result()
    if said.code < REFUSED:
        raise _unknown(message_id)
    return said


def _unknown(message_id: str) -> DeliveryUnknown:
    return DeliveryUnknown(
        f"The connection was cut while {message_id} was handed over; whether it was taken is unknown."
    )


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
    if isinstance(error, TimeoutError) and not str(error):
        return "it did not answer in time"
    return clean_line(str(error))[:MAX_ANSWER] or type(error).__name__
