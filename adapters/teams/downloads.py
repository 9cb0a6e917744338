"""Files that people send in Teams, fetched from Microsoft and from nowhere else [threat 42]."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp

from adapters.teams.bot_token import BotToken
from adapters.teams.incoming import IncomingFile
from chatdesk.errors import DeliveryError, EventRefused
from chatdesk.settings.teams_access import TeamsAccess

FILE_HOSTS = (".sharepoint.com", ".sharepoint.us", ".sharepoint-mil.us", ".1drv.com", ".onedrive.com")
"""Ends of the names of hosts on which Teams keeps files; their addresses carry a right of their own."""
PIECE = 64 * 1024


class Downloads:
    """Fetches files from Microsoft's hosts and allowed connectors only; no redirect is followed."""

    def __init__(self, access: TeamsAccess, session: aiohttp.ClientSession, token: BotToken) -> None:
        self._access = access
        self._session = session
        self._token = token

    async def read(self, file: IncomingFile) -> AsyncIterator[bytes]:
        """Yield the file's bytes. Raises EventRefused when it cannot be fetched."""
        headers = await self._headers(file)
        try:
            async with self._session.get(file.url, headers=headers, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise _refused(file, f"status {answer.status}")
                async for piece in answer.content.iter_chunked(PIECE):
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _refused(file, type(error).__name__) from error

    async def _headers(self, file: IncomingFile) -> dict[str, str]:
        if file.ours and self._access.allows(file.url):
            try:
                token = await self._token.get()
            except DeliveryError as error:
                raise _refused(file, str(error)) from error
            return {"Authorization": f"Bearer {token}"} if token else {}
        if not file.ours and (_is_file_host(file.url) or self._access.allows(file.url)):
            return {}
        raise _refused(file, "it lies on a host that is not Microsoft's")


def _is_file_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").casefold()
    return (
        parts.scheme == "https" and port in (None, 443) and not parts.username and host.endswith(FILE_HOSTS)
    )


def _refused(file: IncomingFile, why: str) -> EventRefused:
    return EventRefused(f"{file.name} could not be fetched ({why}); please send it again.", code="file")
