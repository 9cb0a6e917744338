"""One signed-in IMAP connection: the few commands that the desk needs, and honest errors (RFC 3501, 9051)."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

import aioimaplib

from chatdesk.errors import ChatdeskError
from chatdesk.plain_text import clean_line
from chatdesk.settings.mail_servers import Encryption, MailServer

TIMEOUT = 60.0
"""Seconds for a command; a mail of 60 MB has to come through in it."""
IDLE_TIME = 5 * 60.0
"""Seconds after which a quiet folder is looked into all the same: news of a mail can get lost."""
_Answer = TypeVar("_Answer")
_UIDVALIDITY = re.compile(rb"UIDVALIDITY (\d+)")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class ImapFailed(ChatdeskError):
    """The server refused a command, or the connection is gone; the text says what happened."""


class ImapRefused(ImapFailed):
    """The server refused one command; the connection is good for others."""


class ImapSession:
    """A signed-in connection."""

    def __init__(self, client: aioimaplib.IMAP4, lost: asyncio.Event) -> None:
        self._client = client
        self._lost = lost

    async def sign_in(self, user: str, password: str) -> None:
        """Sign in; what the server can do is asked again, since some say it to those they know only."""
        _ = await self._do("let the desk sign in", self._client.login(user, password))
        try:
            await self._client.protocol.capability()
        except (aioimaplib.AioImapException, TimeoutError, OSError) as error:
            raise ImapFailed(f"The server did not say what it can do: {clean_line(str(error))}") from error

    async def select(self, folder: str) -> int:
        """Open the folder and return its UIDVALIDITY."""
        lines = await self._do("open the folder", self._client.select(quoted(folder)))
        found = _UIDVALIDITY.search(b"\n".join(lines))
        return int(found[1]) if found else 0

    async def search(self, *criteria: str) -> list[int]:
        """Return the UIDs of the mails that meet the criteria, rising."""
        lines = await self._do("search", self._client.uid_search(*criteria, charset=None))
        return sorted(int(word) for word in (lines[0].split() if lines else ()) if word.isdigit())

    async def size(self, uid: int) -> int | None:
        """Return the mail's bytes, None when it is gone."""
        lines = await self._do("fetch", self._client.uid("fetch", str(uid), "(UID RFC822.SIZE)"))
        found = _SIZE.search(b"\n".join(lines))
        return int(found[1]) if found else None

    async def fetch(self, uid: int, part: str = "") -> bytes | None:
        """Return the mail, or ``part`` of it, without marking it as read; None when it is gone."""
        lines = await self._do("fetch", self._client.uid("fetch", str(uid), f"(UID BODY.PEEK[{part}])"))
        return next((bytes(line) for line in lines if isinstance(line, bytearray)), None)

    async def mark_read(self, uid: int) -> None:
        """Mark the mail as read."""
        _ = await self._do("mark", self._client.uid("store", str(uid), "+FLAGS.SILENT", r"(\Seen)"))

    async def move(self, uid: int, folder: str) -> None:
        """Move the mail; on an old server it is copied and removed (RFC 6851)."""
        if self._client.has_capability("MOVE"):
            _ = await self._do("move", self._client.uid("move", str(uid), quoted(folder)))
            return
        _ = await self._do("copy", self._client.uid("copy", str(uid), quoted(folder)))
        _ = await self._do("mark", self._client.uid("store", str(uid), "+FLAGS.SILENT", r"(\Deleted)"))
        _ = await self._do("expunge", self._client.expunge())

    async def wait(self, seconds: float = IDLE_TIME) -> None:
        """Wait until something happens in the folder, or for that long; without IDLE a minute at most.

        Raises ImapFailed when the connection is lost meanwhile.
        """
        if not self._client.has_capability("IDLE"):
            await asyncio.sleep(min(seconds, 60.0))
            _ = await self._do("answer", self._client.noop())
            return
        try:
            idle = await self._client.idle_start(timeout=seconds)
            _ = await self._unless_lost(self._client.wait_server_push(timeout=seconds + TIMEOUT))
            self._client.idle_done()
            _ = await self._unless_lost(asyncio.wait_for(idle, TIMEOUT))
        except (aioimaplib.AioImapException, TimeoutError, OSError) as error:
            raise ImapFailed(f"The connection was lost: {clean_line(str(error))}") from error

    async def _unless_lost(self, answer: Awaitable[_Answer]) -> _Answer:
        """Return the answer. Raises ImapFailed when the connection is lost before it came.

        The library would go on waiting for it.
        """
        waiting = asyncio.ensure_future(answer)
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            _ = await asyncio.wait({waiting, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise ImapFailed("The server has closed the connection.")
            return waiting.result()
        finally:
            for task in (waiting, lost):
                _ = task.cancel()
            _ = await asyncio.gather(waiting, lost, return_exceptions=True)

    async def _do(self, what: str, command: Awaitable[aioimaplib.Response]) -> list[bytes | bytearray]:
        try:
            answer = await self._unless_lost(command)
        except (aioimaplib.AioImapException, TimeoutError, OSError) as error:
            raise ImapFailed(f"The server did not {what}: {clean_line(str(error))}") from error
        lines: list[bytes | bytearray] = list(answer.lines)
        if answer.result != "OK":
            said = b" ".join(bytes(line) for line in lines).decode("utf-8", "replace")
            raise ImapRefused(f"The server did not {what}: {clean_line(said)[:300]}")
        return lines


def quoted(folder: str) -> str:
    """Return the folder's name as it is written in a command; it holds no quotes and no backslashes."""
    return f'"{folder}"'


@asynccontextmanager
async def imap_session(
    server: MailServer, context: ssl.SSLContext | None = None
) -> AsyncIterator[ImapSession]:
    """Connect and sign in. Raises ImapFailed."""
    lost = asyncio.Event()
    client = _client(server, context, lost)
    session = ImapSession(client, lost)
    try:
        try:
            # Not wait_for, which before Python 3.12 forgets that it was cancelled when the answer comes then.
            async with asyncio.timeout(TIMEOUT):
                await client.wait_hello_from_server()
        except (aioimaplib.AioImapException, TimeoutError, OSError) as error:
            said = clean_line(str(error)) or "no answer"
            raise ImapFailed(f"{server.host}:{server.port} cannot be reached: {said}") from error
        await session.sign_in(server.user, server.password)
        yield session
    finally:
        await _part(client)


def _client(server: MailServer, context: ssl.SSLContext | None, lost: asyncio.Event) -> aioimaplib.IMAP4:
    def on_loss(_: Exception | None) -> None:
        lost.set()

    if server.encryption is Encryption.NONE:
        return aioimaplib.IMAP4(server.host, server.port, timeout=TIMEOUT, conn_lost_cb=on_loss)
    safe = context or ssl.create_default_context()
    return aioimaplib.IMAP4_SSL(
        server.host, server.port, timeout=TIMEOUT, conn_lost_cb=on_loss, ssl_context=safe
    )


async def _part(client: aioimaplib.IMAP4) -> None:
    transport = client.protocol.transport if client.protocol else None
    if transport is not None and not transport.is_closing():
        transport.close()
    task = client._client_task
    if not task.done():
        _ = task.cancel()
    # Its failure has been told already, or does not matter any more.
    _ = await asyncio.gather(task, return_exceptions=True)
