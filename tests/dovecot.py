"""A real IMAP and LMTP server for tests: Debian's dovecot on loopback, with a folder and users of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chatdesk.settings.mail_servers import Encryption, MailServer

PASSWORD = "swordfish"
CONFIG = """
base_dir = {base}/run
log_path = {base}/dovecot.log
ssl = no
disable_plaintext_auth = no
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 0
mail_uid = {uid}
mail_gid = {gid}
mail_location = maildir:{base}/mail/%u
mail_home = {base}/mail/%u
auth_mechanisms = plain login
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/mail/%u allow_all_users=yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  user = {user}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service anvil {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  mailbox Done {{
    auto = create
  }}
  mailbox Junk {{
    auto = create
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running server. Every address is a mailbox; ``log`` says what it did."""

    imap_port: int
    lmtp_port: int
    folder: Path
    program: list[str] = field(default_factory=list)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self) -> None:
        """Start the server, on the same ports and with the same mail as before."""
        process = await asyncio.create_subprocess_exec(
            self.program[0],
            "-F",
            "-c",
            str(self.folder / "dovecot.conf"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self.processes.append(process)
        await _until_listening(self, process)

    async def stop(self) -> None:
        """End the server; its connections are cut."""
        while self.processes:
            process = self.processes.pop()
            if process.returncode is None:
                process.terminate()
            _ = await process.wait()

    def mailbox(self, user: str) -> MailServer:
        """Return how to sign in to a mailbox."""
        return MailServer("127.0.0.1", self.imap_port, Encryption.NONE, user, PASSWORD)

    async def deliver(self, source: bytes, recipient: str, sender: str = "somebody@example.com") -> None:
        """Put a mail into a mailbox, as its mail server would."""
        async with lmtp_client(self.lmtp_port) as client:
            await client.deliver(source, sender, recipient)

    def log(self) -> str:
        """Return what the server logged."""
        path = self.folder / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""


class Lmtp:
    """The few lines of LMTP that a test needs (RFC 2033)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, line: str, expected: str) -> str:
        """Send a line and return the answer, which has to begin as expected."""
        if line:
            self._writer.write(line.encode() + b"\r\n")
        while True:
            answer = (await self._reader.readline()).decode()
            assert answer.startswith(expected), f"{line}: {answer!r}"
            if answer[3:4] != "-":
                return answer

    async def deliver(self, source: bytes, sender: str, recipient: str) -> None:
        """Hand a mail over."""
        await self.begin(source, sender, recipient)
        _ = await self.say("", "250")

    async def begin(self, source: bytes, sender: str, *recipients: str) -> None:
        """Send a mail up to its last line, and do not wait for the answer."""
        _ = await self.say(f"MAIL FROM:<{sender}>", "250")
        for recipient in recipients:
            _ = await self.say(f"RCPT TO:<{recipient}>", "250")
        _ = await self.say("DATA", "354")
        lines = source.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
        self._writer.write(lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n")

    async def raw(self, content: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(content)
        await self._writer.drain()


@asynccontextmanager
async def lmtp_client(port: int) -> AsyncIterator[Lmtp]:
    """Connect to an LMTP server on this machine and greet it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        client = Lmtp(reader, writer)
        _ = await client.say("", "220")
        _ = await client.say("LHLO test.example", "250")
        yield client
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def free_port() -> int:
    """Return a port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def dovecot() -> AsyncIterator[Dovecot]:
    """Run a server until the block ends; the test is skipped where there is none."""
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if program is None:
        pytest.skip("no dovecot; install dovecot-imapd and dovecot-lmtpd (scripts/ensure_dovecot.sh)")
    # Not under pytest's own folder: its names are too long for the server's sockets.
    base = Path(tempfile.mkdtemp(prefix="dc", dir="/tmp"))
    served = Dovecot(free_port(), free_port(), base)
    _write_config(served)
    served.program.append(program)
    try:
        await served.start()
        yield served
    finally:
        await served.stop()
        shutil.rmtree(base, ignore_errors=True)


def _write_config(served: Dovecot) -> None:
    base = served.folder
    base.chmod(0o755)
    (base / "mail").mkdir()
    user = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        # The server keeps mail under root's id for nobody: it gets a user of its own.
        user = "dovenull" if _exists("dovenull") else "nobody"
    entry = pwd.getpwnam(user)
    os.chown(base / "mail", entry.pw_uid, entry.pw_gid)
    group = _group(entry.pw_gid)
    text = CONFIG.format(
        base=base,
        user=user,
        group=group,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        password=PASSWORD,
        imap=served.imap_port,
        lmtp=served.lmtp_port,
    )
    (base / "dovecot.conf").write_text(text)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _group(gid: int) -> str:
    import grp

    return grp.getgrgid(gid).gr_name


async def _until_listening(served: Dovecot, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20):
        for port in (served.imap_port, served.lmtp_port):
            while True:
                assert process.returncode is None, served.log()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                break
