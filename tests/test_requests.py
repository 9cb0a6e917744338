"""What every request passes: headers, errors as answers, proxies, host names [threat 26]."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler
from msgspec.structs import replace

from adapters.web import error_answers
from adapters.web.metrics import METER, Meter
from adapters.web.middlewares import every_request
from adapters.web.proxies import came_from_this_machine
from adapters.web.security_headers import HEADERS, add_security_headers
from adapters.web.services import SERVICES, Services
from chatdesk.config import load_config
from chatdesk.errors import (
    DeskStopped,
    EventRefused,
    NotFound,
    StorageError,
    TransitionRefused,
)
from chatdesk.ids import new_id
from tests.running_desk import ServedDesk, serving

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


async def fetch(desk: ServedDesk, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
    async with aiohttp.ClientSession() as session, session.get(desk.base + path, headers=headers) as answer:
        return answer, await answer.text()


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/console/sign-in", "/error.css", "/widget/config"])
async def test_every_answer_carries_the_security_headers(desk: ServedDesk, path: str) -> None:
    answer, _ = await fetch(desk, path)
    policy = answer.headers["Content-Security-Policy"]
    for directive in ("default-src", "base-uri 'none'", "frame-ancestors 'none'"):
        assert directive in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert "Cache-Control" in answer.headers
    assert answer.headers["Server"] == "chatdesk"
    assert len(answer.headers["X-Request-Id"]) == 24


async def test_a_person_gets_a_page_and_a_program_gets_json(desk: ServedDesk) -> None:
    page, text = await fetch(desk, "/nothing", Accept="text/html,*/*")
    assert (page.status, page.content_type) == (404, "text/html")
    assert "There is nothing here" in text
    assert page.headers["X-Request-Id"] in text
    assert "555-0100" in text
    answer, _ = await fetch(desk, "/nothing")
    assert (answer.status, answer.content_type) == (404, "application/json")
    assert (await answer.json())["code"] == "not_found"


async def test_the_demonstration_answers_to_no_other_name(desk: ServedDesk) -> None:
    foreign, _ = await fetch(desk, "/healthz", Host="desk.attacker.example")
    assert foreign.status == 421
    port = desk.base.rpartition(":")[2]
    for own in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
        assert (await fetch(desk, "/healthz", Host=own))[0].status == 200


def services(trusted: tuple[str, ...] = (), public_url: str = "") -> Services:
    """The few parts that a request passes before it reaches a handler."""
    config = load_config(None)
    parts = dict.fromkeys(Services.__struct_fields__)
    made = Services(**parts)  # type: ignore[arg-type]
    desk = replace(config.desk, public_url=public_url)
    networks = tuple(ip_network(network) for network in trusted)
    return replace(
        made, config=replace(config, desk=desk), demo=False, trusted_proxies=networks, new_id=new_id
    )


async def client(made: Services, handler: Handler) -> Client:
    application = web.Application(middlewares=[every_request], client_max_size=1000)
    application[SERVICES] = made
    application[METER] = Meter()
    add_security_headers(application)
    error_answers.add_routes(application)
    application.router.add_route("*", "/", handler)
    started: Client = TestClient(TestServer(application))
    await started.start_server()
    return started


async def who(request: web.Request) -> web.Response:
    here = came_from_this_machine(request)
    return web.json_response([request.remote, request.scheme, request.host, here])


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "desk.example.com",
}


@pytest.mark.parametrize(
    ("trusted", "headers", "expected"),
    [
        ((), FORWARDED, ["127.0.0.1", "http", None, False]),
        (("10.0.0.0/8",), FORWARDED, ["127.0.0.1", "http", None, False]),
        (("127.0.0.0/8",), FORWARDED, ["198.51.100.7", "https", "desk.example.com", False]),
        (("127.0.0.0/8", "198.51.100.0/24"), FORWARDED, ["203.0.113.9", "https", "desk.example.com", False]),
        (("127.0.0.0/8",), {}, ["127.0.0.1", "http", None, True]),
        (("127.0.0.0/8",), {"X-Forwarded-For": "<script>"}, ["127.0.0.1", "http", None, False]),
        (("127.0.0.0/8",), {"X-Forwarded-For": "203.0.113.9:4711"}, ["203.0.113.9", "http", None, False]),
        (("127.0.0.0/8",), {"X-Forwarded-For": "[2001:db8::1]:443"}, ["2001:db8::1", "http", None, False]),
        (("127.0.0.0/8",), {"X-Forwarded-For": "9.9.9.9, 127.0.0.2:80"}, ["9.9.9.9", "http", None, False]),
        (("127.0.0.0/8",), {"X-Forwarded-For": "2001:db8::1"}, ["2001:db8::1", "http", None, False]),
        (("127.0.0.0/8",), {"X-Forwarded-For": "[x]:[y]"}, ["127.0.0.1", "http", None, False]),
        (("127.0.0.0/8",), {"X-Forwarded-Proto": "javascript"}, ["127.0.0.1", "http", None, False]),
    ],
)
async def test_forwarded_headers_count_only_from_trusted_proxies(
    trusted: tuple[str, ...], headers: dict[str, str], expected: list[object]
) -> None:
    asked = await client(services(trusted), who)
    answer = await asked.get("/", headers=headers)
    remote, scheme, host, here = await answer.json()
    own = f"127.0.0.1:{asked.server.port}"
    assert [remote, scheme, None if host == own else host, here] == expected
    secure = "Strict-Transport-Security" in answer.headers
    assert secure is (scheme == "https")
    await asked.close()


async def test_a_desk_with_a_public_address_answers_to_it_and_to_this_machine_only() -> None:
    asked = await client(services(public_url="https://desk.example.com"), who)
    for host, status in (("desk.example.com", 200), ("127.0.0.1", 200), ("other.example.com", 421)):
        assert (await asked.get("/", headers={"Host": host})).status == status
    await asked.close()


@pytest.mark.parametrize(
    ("error", "status", "code", "words"),
    [
        (NotFound("HD-1001"), 404, "not_found", "HD-1001 was not found."),
        (TransitionRefused("closed", "assigned"), 409, "transition", "cannot be assigned"),
        (EventRefused("Write a text.", code="empty", field="text"), 422, "empty", "Write a text."),
        (StorageError("host=db password=x"), 503, "unavailable", "try again"),
        (DeskStopped("x"), 503, "unavailable", "try again"),
        (RuntimeError("password=x"), 500, "internal", "Something went wrong on our side"),
        (web.HTTPForbidden(text="Not from here."), 403, "forbidden", "Not from here."),
    ],
)
async def test_errors_become_answers_without_their_inner_words(
    error: Exception, status: int, code: str, words: str
) -> None:
    async def fails(request: web.Request) -> web.Response:
        raise error

    asked = await client(services(), fails)
    answer = await asked.get("/")
    body = await answer.json()
    assert (answer.status, body["code"]) == (status, code)
    assert words in body["message"]
    assert "password" not in await answer.text()
    assert body.get("field") == ("text" if code == "empty" else None)
    assert HEADERS["Content-Security-Policy"] == answer.headers["Content-Security-Policy"]
    page = await asked.get("/", headers={"Accept": "text/html"})
    assert (page.status, page.content_type) == (status, "text/html")
    assert words in await page.text()
    await asked.close()


async def test_an_answer_with_a_body_of_its_own_is_left_alone() -> None:
    async def fails(request: web.Request) -> web.Response:
        raise web.HTTPConflict(text='{"own": true}', content_type="application/json")

    asked = await client(services(), fails)
    assert await (await asked.get("/")).json() == {"own": True}
    await asked.close()


async def test_a_body_that_is_too_large_is_refused() -> None:
    async def reads(request: web.Request) -> web.Response:
        return web.Response(text=await request.text())

    asked = await client(services(), reads)
    answer = await asked.post("/", data="x" * 2000)
    assert (answer.status, (await answer.json())["code"]) == (413, "too_large")
    await asked.close()


async def test_hostile_words_in_an_error_are_text_on_its_page() -> None:
    async def fails(request: web.Request) -> web.Response:
        raise EventRefused("<script>alert(1)</script>{0}")

    asked = await client(services(), fails)
    page = await (await asked.get("/", headers={"Accept": "text/html"})).text()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{0}" in page
    await asked.close()
