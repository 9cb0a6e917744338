"""A scripted SMTP server on loopback: answers each phase as a test says, cuts the connection, or is slow."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CUT = "cut"
"""In place of an answer: the connection is cut without one."""
SILENT = "silent"
"""In place of an answer: nothing is said, and the connection stays."""

BLOCK, UNREAD = 65_536, 131_072
"""Bytes that are read of a message at a time, and that are taken before they are read."""

USUAL = {
    "GREETING": "220 peer ready",
    "EHLO": "250-peer\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 60000000",
    "AUTH": "235 welcome",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    "BODY": "250 taken",
    "RSET": "250 ok",
    "NOOP": "250 ok",
    "QUIT": "221 bye",
}


@dataclass
class Taken:
    """One message that the peer took."""

    sender: str
    recipients: list[str]
    body: bytes


@dataclass
class SmtpPeer:
    """What the peer says by phase, the next answer first, and everything it saw."""

    script: dict[str, list[str]] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    blocks: int = 0
    """How many blocks of messages were read."""
    pace: float = 0.0
    """Seconds from one block of a message to the next."""
    gates: list[asyncio.Event] = field(default_factory=list)

    def answer(self, phase: str, *answers: str) -> None:
        """Give these answers in that phase, one a time; afterwards the usual one."""
        self.script.setdefault(phase, []).extend(answers)

    def hold(self) -> asyncio.Event:
        """Stop after the first block of the next message, until the event that is returned is set."""
        self.gates.append(asyncio.Event())
        return self.gates[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until either side ends it."""
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._say("GREETING", writer):
            return
        mail = Taken("", [], b"")
        while line := (await reader.readline()).decode("latin-1").strip():
            self.commands.append(line)
            verb = line.split(" ", 1)[0].upper()
            if verb == "MAIL":
                mail = Taken(_address(line), [], b"")
            answer = self._next(verb)
            if verb == "RCPT" and answer.startswith("250"):
                mail.recipients.append(_address(line))
            if not await self._send(answer, writer) or verb == "QUIT":
                return
            if verb == "DATA" and answer.startswith("354"):
                if self.script.get("BODY", [])[:1] == ["cut-while-reading"]:
                    _ = self.script["BODY"].pop(0)
                    _ = await reader.read(1)
                    return
                if self.script.get("EARLY"):
                    _ = await reader.read(BLOCK)
                    _ = await self._send(self._next("EARLY"), writer)
                mail.body = (await self._body(reader))[:-3]
                answer = self._next("BODY")
                if answer.startswith("250") or answer == "taken-and-cut":
                    self.taken.append(mail)
                if not await self._send(answer.replace("taken-and-cut", CUT), writer):
                    return

    async def _body(self, reader: asyncio.StreamReader) -> bytes:
        gate, body = self.gates.pop(0) if self.gates else None, bytearray()
        while not body.endswith(b"\r\n.\r\n"):
            block = await reader.read(BLOCK)
            if not block:
                raise ConnectionError
            body += block
            self.blocks += 1
            if gate is not None:
                _ = await gate.wait()
            if self.pace:
                await asyncio.sleep(self.pace)
        return bytes(body)

    async def _say(self, phase: str, writer: asyncio.StreamWriter) -> bool:
        return await self._send(self._next(phase), writer)

    def _next(self, phase: str) -> str:
        scripted = self.script.get(phase)
        return scripted.pop(0) if scripted else USUAL.get(phase, "502 what?")

    async def _send(self, answer: str, writer: asyncio.StreamWriter) -> bool:
        if answer == CUT:
            return False
        if answer != SILENT:
            writer.write(answer.encode("latin-1") + b"\r\n")
            await writer.drain()
        return True


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


@asynccontextmanager
async def smtp_peer(context: ssl.SSLContext | None = None) -> AsyncIterator[SmtpPeer]:
    """Serve a peer on a free port, with TLS where there is a context for it."""
    peer = SmtpPeer()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD)
    server = await asyncio.start_server(peer.serve, sock=listener, limit=UNREAD, ssl=context)
    peer.port = listener.getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
