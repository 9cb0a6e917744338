"""Opening chats: sockets in pairs on the floor; surveys, technicians who take them and watch, on the desk."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import asyncpg
from pydantic_core import to_json

from adapters.web.sign_in import COOKIE, CSRF_HEADER
from bench.websocket import Socket

_AT_ONCE = 50
_CONVERSATION = re.compile(rb'"conversation":"([^"]+)"')
_TICKET = re.compile(rb'"ticket":"([^"]+)"')


Kind = Literal["floor", "ticket floor", "desk"]


@dataclass(frozen=True)
class Target:
    """A server under test: ``cookies`` are sessions of technicians, for the desk only."""

    kind: Kind
    url: str
    database: str
    cookies: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80


@dataclass(frozen=True)
class Chat:
    """A customer and a technician, connected."""

    conversation: str
    customer: Socket
    technician: Socket


async def open_chats(target: Target, count: int, staff: Target | None = None) -> list[Chat]:
    """Open chats, some at once; technicians connect to ``staff`` when it is another node.

    Raises ConnectionError when the server does not play along.
    """
    room = asyncio.Semaphore(_AT_ONCE)
    cookies = itertools.cycle(target.cookies or ("",))
    async with aiohttp.ClientSession() as http:

        async def one(number: int, cookie: str) -> Chat:
            async with room:
                if target.kind == "floor":
                    return await _on_floor(target, number)
                return await _on_desk(target, staff or target, number, cookie, http)

        chats = list(await asyncio.gather(*(one(number, next(cookies)) for number in range(count))))
    while target.kind == "desk" and await mails_to_send(target.database):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return chats


async def _on_floor(target: Target, number: int) -> Chat:
    sockets = [
        await Socket.connect(target.host, target.port, f"/socket?chat={number}&side={side}", {})
        for side in ("customer", "technician")
    ]
    return Chat(str(number), *sockets)


async def _on_desk(
    target: Target, staff: Target, number: int, cookie: str, http: aiohttp.ClientSession
) -> Chat:
    origin = {"Origin": target.url}
    customer = await Socket.connect(target.host, target.port, "/widget/socket?key=desk", origin)
    customer.send(to_json({"t": "hello", "v": 1, "visitor": secrets.token_urlsafe(32)}))
    await customer.text_with(b'"ready"')
    customer.send(to_json({"t": "start", "id": "survey", "answers": survey_answers(number)}))
    shown = await customer.text_with(b'"phase":"waiting"', b'"t":"error"')
    found, ticket = _CONVERSATION.search(shown), _TICKET.search(shown)
    if found is None or ticket is None:
        raise ConnectionError(f"the survey was answered with {shown!r}")
    conversation = found.group(1).decode()
    await _take(staff, ticket.group(1).decode(), cookie, http)
    await customer.text_with(b'"phase":"live"')
    signed_in = {"Origin": staff.url, "Cookie": f"{COOKIE}={cookie}"}
    technician = await Socket.connect(staff.host, staff.port, "/console/socket", signed_in)
    technician.send(to_json({"t": "watch", "conversation": conversation}))
    await technician.text_with(b'"ready"')
    return Chat(conversation, customer, technician)


async def _take(target: Target, ticket: str, cookie: str, http: aiohttp.ClientSession) -> None:
    url = f"{target.url}/console/api"
    headers = {"Origin": target.url, "Cookie": f"{COOKIE}={cookie}"}
    async with http.get(f"{url}/me", headers=headers) as answer:
        headers[CSRF_HEADER] = (await answer.json())["csrf"]
    body = {"id": secrets.token_hex(8)}
    async with http.post(f"{url}/tickets/{ticket}/take", headers=headers, json=body) as answer:
        if answer.status >= 300:
            raise ConnectionError(f"{ticket} could not be taken: {answer.status} {await answer.text()}")


async def mails_to_send(database: str) -> int:
    """Return how many of the mails that opening the chats caused are still to be sent."""
    query = "SELECT count(*) FROM delivery WHERE kind = 'mail' AND status IN ('pending', 'leased')"
    if database.startswith("postgres"):
        connection = await asyncpg.connect(database)
        try:
            return int(await connection.fetchval(query))
        finally:
            await connection.close()
    with closing(sqlite3.connect(database)) as opened:
        counted: int = opened.execute(query).fetchone()[0]
    return counted


def survey_answers(number: int) -> dict[str, str]:
    """Return answers to the demonstration desk's survey."""
    return {
        "name": f"Dana Reyes {number}",
        "company": "Contoso",
        "email": f"dana.{number}@contoso.example",
        "phone": "555-0134",
        "impact": "Only me",
        "urgency": "Yes",
        "category": "Computer",
        "issue": "It is slow since this morning.",
    }
