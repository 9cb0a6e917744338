"""Files that somebody puts into a thread, fetched from Slack and kept with the conversation."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from datetime import datetime

import aiohttp

from adapters.slack.api import SlackApi
from adapters.slack.payload import Payload, number, part, parts, text
from chatdesk.conversation import ConversationId, FileRef
from chatdesk.errors import EventRefused
from chatdesk.files import FileLimits, Files

MAX_FILES = 10


class ThreadFiles:
    """Fetches files."""

    def __init__(self, api: SlackApi, files: Files, limits: FileLimits) -> None:
        self._api = api
        self._files = files
        self._limits = limits

    async def fetch(
        self, event: Payload, conversation: ConversationId, owner: str, at: datetime, *, internal: bool
    ) -> tuple[FileRef, ...]:
        """Return the event's files as kept. Raises EventRefused for one that cannot be taken."""
        given = parts(event, "files")[:MAX_FILES]
        kept = [await self._fetch(file, conversation, owner, at, internal=internal) for file in given]
        if not kept:
            return ()
        ids = [file.id for file in kept]
        return await self._files.attach(conversation, owner, ids, internal=internal)

    async def _fetch(
        self, file: Payload, conversation: ConversationId, owner: str, at: datetime, *, internal: bool
    ) -> FileRef:
        if text(file, "file_access") == "check_file_info":
            # Of a file of another company's workspace, the message tells the id only.
            file = part(await self._api.read("files.info", file=text(file, "id")), "file")
        self._limits.check_size(number(file, "size"))
        address = text(file, "url_private_download") or text(file, "url_private")
        if not address:
            raise EventRefused("This file cannot be fetched from Slack.", code="file", field="file")
        name = text(file, "name") or text(file, "title") or "file"
        async with contextlib.aclosing(self._content(address)) as content:
            return await self._files.keep(conversation, owner, name, content, at, internal=internal)

    async def _content(self, address: str) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in self._api.download(address):
                yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EventRefused(
                f"Slack did not hand out the file: {error}", code="file", field="file"
            ) from error
