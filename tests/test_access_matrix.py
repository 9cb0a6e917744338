"""Every route of the application against everybody who must not get in: own, foreign and unknown ids.

A new route fails here until it is said who may use it.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from chatdesk.bootstrap import now
from tests.running_desk import ServedDesk, serving
from tests.web_people import Technician, Visitor, signed_in, visitor

UNKNOWN = "0" * 32

EVERYBODY = {
    "/",
    "/chat",
    "/error.css",
    "/form",
    "/form/form.css",
    "/form/theme.css",
    "/healthz",
    "/readyz",
    "/metrics",
    "/widget.js",
    "/widget/chat/{digest}.js",
    "/widget/config",
    "/console/theme.css",
    "/console/static/{name}",
    "/console/sign-in",
    "/console/sign-in/{secret}",
    "/console/sign-out",
}
"""Shows nothing of anybody, and changes nothing but the sender's own session."""
DEMONSTRATION = re.compile(r"/demo(/.*)?")
"""There only while the desk is a demonstration, which holds nobody's data."""
OWN = {
    "/widget/socket",
    "/widget/session",
    "/widget/send",
    "/widget/stream",
    "/widget/form",
    "/widget/files",
    "/widget/files/{id}",
    "/widget/transcript",
}
"""For a visitor, by their secret, and only for what is their own."""
BY_MAIL = {"/mail/stop/{address}/{token}"}
"""For whoever got the mail, by the token in it [tests/test_mail_room.py]."""
STAFF = re.compile(r"/console(/.*)?")
"""For technicians, by their session."""


@dataclass(frozen=True, slots=True)
class Ids:
    """What a request names: a ticket, a conversation and a file of it."""

    number: str
    conversation: str
    file: str

    def fill(self, pattern: str) -> str:
        """Return the path with these ids in it; any other parameter is unknown to everybody."""
        known = {"number": self.number, "conversation": self.conversation, "id": self.file}
        return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], UNKNOWN), pattern)


NOTHING = Ids("HD-9999", UNKNOWN, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Scene:
    """A desk with Dana's chat, its ticket and a file in it, and Eve, who has a chat of her own."""

    desk: ServedDesk
    dana: Visitor
    eve: Visitor
    marcus: Technician
    ids: Ids

    async def ask(
        self, method: str, path: str, http: aiohttp.ClientSession, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Return what comes of a request: its status, and its body without the request's own number."""
        url = self.desk.base + path
        body = json.dumps({"id": secrets.token_hex(4)}) if method == "POST" else None
        async with http.request(method, url, headers=headers, data=body, allow_redirects=False) as answer:
            text = await answer.read()
        return answer.status, re.sub(rb'"request": ?"\w+"', b"", text)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with (
        serving() as desk,
        visitor(desk) as dana,
        visitor(desk, email="eve@fabrikam.example", company="Fabrikam") as eve,
        signed_in(desk) as marcus,
    ):
        kept = await (await dana.upload()).json()
        await dana.say("the secret of Dana", kept["id"])
        yield Scene(desk, dana, eve, marcus, Ids("HD-1001", dana.conversation, kept["id"]))


def routes(application: web.Application) -> list[tuple[str, str]]:
    found = {
        (route.method, route.resource.canonical)
        for route in application.router.routes()
        if route.resource is not None and route.method != "OPTIONS"
    }
    return sorted(found)


def staff_only(application: web.Application) -> list[tuple[str, str]]:
    return [
        (method, path)
        for method, path in routes(application)
        if STAFF.fullmatch(path) and path not in EVERYBODY
    ]


async def test_it_is_said_of_every_route_who_may_use_it(scene: Scene) -> None:
    for _, path in routes(scene.desk.running.application):
        said = (
            path in EVERYBODY,
            path in OWN,
            path in BY_MAIL,
            bool(DEMONSTRATION.fullmatch(path)),
            bool(STAFF.fullmatch(path)),
        )
        assert any(said), f"{path}: say in this file who may use it"


async def test_a_desk_that_is_no_demonstration_has_no_demonstration_pages() -> None:
    async with serving(demo=False) as desk:
        assert not [path for _, path in routes(desk.running.application) if DEMONSTRATION.fullmatch(path)]


@asynccontextmanager
async def strangers(scene: Scene) -> AsyncIterator[dict[str, tuple[aiohttp.ClientSession, dict[str, str]]]]:
    """Yield everybody who is no technician, each with what they would send."""
    async with signed_in(scene.desk, "Priya Shah") as priya, aiohttp.ClientSession() as http:
        _ = await scene.desk.running.staff.disable("priya@northwind.example", now())
        forged = {"chatdesk_session": secrets.token_urlsafe(32)}
        async with aiohttp.ClientSession(cookies=forged) as forger:
            yield {
                "nobody": (http, {}),
                "a visitor": (http, scene.eve.headers),
                "the visitor whose ticket it is": (http, scene.dana.headers),
                "a disabled technician": (priya.http, priya.headers),
                "a forged session": (forger, scene.marcus.headers),
            }


async def test_no_stranger_gets_anything_from_the_consoles_routes(scene: Scene) -> None:
    async with strangers(scene) as people:
        for method, pattern in staff_only(scene.desk.running.application):
            for who, (http, headers) in people.items():
                real = await scene.ask(method, scene.ids.fill(pattern), http, headers)
                unknown = await scene.ask(method, NOTHING.fill(pattern), http, headers)

                assert real[0] in (303, 401, 403), (who, method, pattern, real)
                assert b"secret of Dana" not in real[1]
                if method != "HEAD" and "/console/tickets/" not in pattern:
                    assert real == unknown, (who, method, pattern)


async def test_a_technicians_cookie_alone_changes_nothing(scene: Scene) -> None:
    before = await scene.marcus.get("/console/api/tickets/HD-1001")
    ticket = (await before.json())["ticket"]
    for method, pattern in staff_only(scene.desk.running.application):
        if method in ("GET", "HEAD"):
            continue
        for headers in (
            {},
            {"Origin": scene.desk.base},
            {**scene.marcus.headers, "Origin": "https://evil.example"},
        ):
            status, _ = await scene.ask(method, scene.ids.fill(pattern), scene.marcus.http, headers)
            assert status == 403, (method, pattern, headers)
    after = await scene.marcus.get("/console/api/tickets/HD-1001")
    assert (await after.json())["ticket"] == ticket


async def test_a_foreign_id_answers_a_visitor_exactly_as_an_unknown_one(scene: Scene) -> None:
    own_paths = [route for route in routes(scene.desk.running.application) if route[1] in OWN]
    for method, pattern in own_paths:
        answers = []
        for ids in (scene.ids, NOTHING):
            path = f"{ids.fill(pattern)}?key=desk&conversation={ids.conversation}&token={ids.file}&name=a"
            answers.append(await scene.ask(method, path, scene.eve.http, scene.eve.headers))

        assert answers[0] == answers[1], (method, pattern)
        assert answers[0][0] >= 400, (method, pattern, answers)


async def test_nobody_gets_a_visitors_things_without_a_secret(scene: Scene) -> None:
    async with aiohttp.ClientSession() as http:
        for pattern in ("/widget/files/{id}", "/widget/transcript"):
            answers = [
                await scene.ask(
                    "GET",
                    f"{ids.fill(pattern)}?key=desk&conversation={ids.conversation}",
                    http,
                    {"Origin": scene.desk.base},
                )
                for ids in (scene.ids, NOTHING)
            ]
            assert answers[0] == answers[1]
            assert answers[0][0] == 404


async def test_a_technician_is_told_that_what_does_not_exist_does_not_exist(scene: Scene) -> None:
    reads = [
        pattern
        for method, pattern in staff_only(scene.desk.running.application)
        if method == "GET" and ("/api/" in pattern or "/files/" in pattern) and "{" in pattern
    ]
    assert len(reads) >= 3
    for pattern in reads:
        assert (await scene.ask("GET", scene.ids.fill(pattern), scene.marcus.http, {}))[0] == 200
        assert (await scene.ask("GET", NOTHING.fill(pattern), scene.marcus.http, {}))[0] == 404


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_walking_ten_thousand_ticket_numbers_finds_nothing(scene: Scene) -> None:
    """A number opens nothing by itself: each is told like any other [threat 31]."""
    seen: set[tuple[str, int, bytes]] = set()
    hands = asyncio.Semaphore(20)

    async def look(number: int) -> None:
        path = (
            f"/widget/transcript?key=desk&conversation=HD-{number}"
            if number % 2
            else f"/console/api/tickets/HD-{number}"
        )
        async with hands:
            answer = await scene.ask("GET", path, scene.eve.http, scene.eve.headers)
        seen.add((path[:8], *answer))

    await asyncio.gather(*(look(number) for number in range(10_000)))
    assert {(where, status) for where, status, _ in seen} == {("/widget/", 404), ("/console", 401)}
    assert len(seen) == 2
