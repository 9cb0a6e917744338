"""Visitors and technicians as HTTP clients of a served desk, for tests of its routes."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.running_desk import ANSWERS, Line, ServedDesk, customer, technician

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(64)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser that started a chat: its secret, its conversation and the socket it talks over."""

    base: str
    secret: str
    conversation: str
    line: Line
    http: aiohttp.ClientSession

    @property
    def headers(self) -> dict[str, str]:
        """What the widget sends along with each request."""
        return {"X-Chatdesk-Visitor": self.secret, "Origin": self.base}

    async def upload(
        self,
        content: Any = PNG,
        name: str = "shot.png",
        *,
        conversation: str | None = None,
        key: str = "desk",
        **headers: str,
    ) -> aiohttp.ClientResponse:
        """Send a file."""
        query = {"key": key, "conversation": conversation or self.conversation}
        sent = {**self.headers, "X-Chatdesk-Name": name, **headers}
        return await self.http.post(f"{self.base}/widget/files", params=query, data=content, headers=sent)

    async def get(self, path: str, **query: str) -> aiohttp.ClientResponse:
        """Ask for something of the widget's."""
        return await self.http.get(
            f"{self.base}{path}", params={"key": "desk", **query}, headers=self.headers
        )

    async def say(self, text: str, *files: str) -> None:
        """Send a message and wait until it is stored."""
        await self.line.send(t="message", id=secrets.token_hex(8), text=text, files=list(files))
        await self.line.next("ack")


@asynccontextmanager
async def visitor(desk: ServedDesk, **answers: str) -> AsyncIterator[Visitor]:
    """Start a chat as a fresh browser."""
    secret = secrets.token_urlsafe(32)
    async with customer(desk.base, secret) as line, aiohttp.ClientSession() as http:
        await line.next("ready")
        await line.send(t="start", id="start", answers={**ANSWERS, **answers})
        ready = await line.next("ready")
        yield Visitor(desk.base, secret, ready["conversation"], line, http)


@dataclass(frozen=True, slots=True)
class Technician:
    """A signed-in console: its requests carry the session, the token and the origin."""

    base: str
    line: Line
    http: aiohttp.ClientSession
    csrf: str

    @property
    def headers(self) -> dict[str, str]:
        """What the console's page sends along with a changing request."""
        return {"Origin": self.base, "X-CSRF-Token": self.csrf}

    async def upload(
        self, conversation: str, content: Any = PNG, name: str = "shot.png", **query: str
    ) -> aiohttp.ClientResponse:
        """Send a file; ``internal="1"`` for a note."""
        return await self.http.post(
            f"{self.base}/console/files",
            params={"conversation": conversation, **query},
            data=content,
            headers={**self.headers, "X-Chatdesk-Name": name},
        )

    async def get(self, path: str, **query: str) -> aiohttp.ClientResponse:
        """Ask for something of the console's."""
        return await self.http.get(f"{self.base}{path}", params=query)

    async def take(self, ticket: str) -> None:
        """Take a ticket, and its chat with it."""
        url = f"{self.base}/console/api/tickets/{ticket}/take"
        async with self.http.post(url, json={"id": secrets.token_hex(8)}, headers=self.headers) as answer:
            assert answer.status == 200, await answer.text()

    async def say(self, conversation: str, text: str, *files: str, internal: bool = False) -> None:
        """Send a message or a note and wait until it is stored."""
        identity = secrets.token_hex(8)
        await self.line.send(
            t="message",
            id=identity,
            conversation=conversation,
            text=text,
            files=list(files),
            internal=internal,
        )
        await self.line.next("ack")


@asynccontextmanager
async def signed_in(desk: ServedDesk, name: str = "Marcus Bell") -> AsyncIterator[Technician]:
    """Sign a technician in."""
    cookies = dict(await desk.sign_in(name))
    async with technician(desk.base, cookies) as line, aiohttp.ClientSession(cookies=cookies) as http:
        async with http.get(f"{desk.base}/console") as page:
            found = re.search(r'name="csrf" content="([^"]+)"', await page.text())
        assert found is not None
        yield Technician(desk.base, line, http, found[1])
