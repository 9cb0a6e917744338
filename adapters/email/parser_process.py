"""Has mails taken apart in a process of their own, so that none can hang or exhaust the desk [threat 38]."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from adapters.email.parsed import ParsedMail, Unreadable, parsed_adapter

PATIENCE = 20.0
PATIENCE_PER_MB = 1.0
"""Seconds for one mail, whatever it holds, and for each of its megabytes."""
MAILS_A_PROCESS = 500
MAX_ANSWER = 256 * 1024 * 1024
ROOT = Path(__file__).parent.parent.parent
log = structlog.get_logger(__name__)


class ParserProcess:
    """One process, one mail at a time; it is ended and begun afresh when a mail was too much for it."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._process: asyncio.subprocess.Process | None = None
        self._done = 0
        self._turn = asyncio.Lock()

    async def parse(self, source: bytes) -> tuple[ParsedMail, Sequence[bytes]]:
        """Return what is in the mail and its attachments' contents. Raises Unreadable."""
        patience = self._patience + PATIENCE_PER_MB * len(source) / 1024 / 1024
        async with self._turn:
            try:
                async with asyncio.timeout(patience):
                    answer = await self._ask(source)
            except TimeoutError:
                await self._end()
                raise Unreadable(f"Reading it took longer than {patience:.0f} seconds.") from None
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                await self._end()
                raise Unreadable("The process that reads mail ended over it.") from error
            except BaseException:
                # Cut off in the middle, the process would answer the next question with this answer.
                await self._end()
                raise
        return answer

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._end()

    async def _ask(self, source: bytes) -> tuple[ParsedMail, Sequence[bytes]]:
        process = await self._running()
        given, answers = process.stdin, process.stdout
        if given is None or answers is None:
            raise ConnectionError("no pipes")
        given.write(len(source).to_bytes(8, "big"))
        given.write(source)
        await given.drain()
        size = int.from_bytes(await answers.readexactly(8), "big")
        if size > MAX_ANSWER:
            raise ConnectionError("an answer that is too long")
        answer = json.loads(await answers.readexactly(size))
        self._done += 1
        if "unreadable" in answer:
            raise Unreadable(str(answer["unreadable"]))
        mail = parsed_adapter().validate_python(answer["mail"])
        if sum(part.size for part in mail.attachments) > MAX_ANSWER:
            raise ConnectionError("attachments that are too large")
        return mail, [await answers.readexactly(part.size) for part in mail.attachments]

    async def _running(self) -> asyncio.subprocess.Process:
        process = self._process
        if process is not None and process.returncode is None and self._done < MAILS_A_PROCESS:
            return process
        await self._end()
        self._done = 0
        # Nothing of the desk's secrets goes along.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHATDESK_")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "adapters.email.parser_worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            env=environment,
        )
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            _ = await process.wait()
