"""A signed-in technician's page without a browser: reads and changes through the console's API."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from tests.running_desk import ANSWERS, Line, ServedDesk, customer


@dataclass(frozen=True, slots=True)
class Answer:
    """What the desk answered."""

    status: int
    body: dict[str, Any]


class ConsoleClient:
    """One technician's session. A change carries the session's token unless told otherwise."""

    def __init__(self, base: str, session: aiohttp.ClientSession, csrf: str, agent: str) -> None:
        self.base = base
        self.session = session
        self.csrf = csrf
        self.agent = agent

    async def get(self, path: str) -> Answer:
        async with self.session.get(f"{self.base}/console/api{path}") as answer:
            return Answer(answer.status, await answer.json())

    async def post(
        self,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        identity: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {"id": identity or secrets.token_hex(8), **(body or {})}
        given = {"X-CSRF-Token": self.csrf, "Origin": self.base} if headers is None else headers
        address = f"{self.base}/console/api{path}"
        async with self.session.post(address, json=sent, headers=given) as answer:
            return Answer(answer.status, await answer.json())

    async def ticket(self, number: str) -> dict[str, Any]:
        """Return a ticket that is there."""
        found = await self.get(f"/tickets/{number}")
        assert found.status == HTTPStatus.OK, found
        return found.body

    async def does(self, path: str, **body: object) -> dict[str, Any]:
        """Make a change that succeeds."""
        done = await self.post(path, body)
        assert done.status == HTTPStatus.OK, done
        return done.body


@asynccontextmanager
async def console(desk: ServedDesk, name: str = "Marcus Bell") -> AsyncIterator[ConsoleClient]:
    """Sign a technician in."""
    async with console_of(desk.base, await desk.sign_in(name)) as signed_in:
        yield signed_in


@asynccontextmanager
async def console_of(base: str, cookies: Mapping[str, str]) -> AsyncIterator[ConsoleClient]:
    """Open the console with the cookies of a session."""
    async with aiohttp.ClientSession(cookies=dict(cookies)) as session:
        async with session.get(f"{base}/console/api/me") as answer:
            me = await answer.json()
        yield ConsoleClient(base, session, me["csrf"], me["agent"]["id"])


@asynccontextmanager
async def waiting_chat(desk: ServedDesk, **answers: str) -> AsyncIterator[tuple[Line, str, str]]:
    """A customer who waits: their line, the ticket's number and the conversation's id."""
    async with customer(desk.base) as line:
        await line.next("ready")
        await line.send(t="start", id="start", answers={**ANSWERS, **answers})
        shown = await line.next("ready")
        yield line, str(shown["state"]["ticket"]), str(shown["conversation"])
