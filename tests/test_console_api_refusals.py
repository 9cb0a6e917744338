"""The console's API: who may ask, and what is refused before anything is done [threats 28, 30-32]."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.console_client import ConsoleClient, console
from tests.running_desk import ANSWERS, ServedDesk, serving

STEPS: list[tuple[str, dict[str, object]]] = [
    ("take", {}),
    ("assign", {"agent": "nobody"}),
    ("wait", {"on": "customer", "text": "Which printer?"}),
    ("resume", {}),
    ("resolve", {"resolution": "Done."}),
    ("reopen", {}),
    ("cancel", {"reason": "A test."}),
    ("merge", {"into": "HD-1001"}),
    ("split", {"conversation": "x", "messages": [1], "subject": "Other"}),
    ("edit", {"priority": "high"}),
    ("affected", {"address": "pat@contoso.example"}),
    ("escalate", {"tier": "second", "reason": "Hard."}),
]
CHANGES = [
    *[(f"/tickets/HD-1001/{step}", body) for step, body in STEPS],
    ("/conversations/x/join", {}),
    ("/conversations/x/end", {}),
    ("/deliveries/x/retry", {}),
    ("/tickets", {"way": "phone", "answers": ANSWERS}),
]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def marcus(desk: ServedDesk) -> AsyncIterator[ConsoleClient]:
    async with console(desk) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def priya(desk: ServedDesk) -> AsyncIterator[ConsoleClient]:
    async with console(desk, "Priya Nair") as client:
        yield client


def api_routes(desk: ServedDesk) -> set[tuple[str, str]]:
    routes = desk.running.application.router.routes()
    return {
        (route.method, route.resource.canonical)
        for route in routes
        if route.resource is not None and route.resource.canonical.startswith("/console/api")
    }


async def test_every_route_of_the_api_refuses_who_is_not_signed_in(desk: ServedDesk) -> None:
    routes = api_routes(desk)
    assert len(routes) > 15
    async with aiohttp.ClientSession() as nobody:
        for method, path in routes:
            address = desk.base + re.sub(r"\{\w+\}", "x", path)
            async with nobody.request(method, address) as answer:
                assert answer.status == 401, (method, path)


async def test_a_made_up_session_is_no_session(desk: ServedDesk) -> None:
    address, cookies = f"{desk.base}/console/api/me", {"chatdesk_session": "a" * 43}
    async with aiohttp.ClientSession(cookies=cookies) as forger, forger.get(address) as answer:
        assert answer.status == 401


async def test_the_tests_know_every_route(desk: ServedDesk) -> None:
    tested = {path.replace("HD-1001", "x") for path, _ in CHANGES}
    changing = {
        re.sub(r"\{\w+\}", "x", path.removeprefix("/console/api"))
        for method, path in api_routes(desk)
        if method == "POST"
    }
    assert changing == tested


@pytest.mark.parametrize(("path", "body"), CHANGES)
async def test_a_change_without_the_sessions_token_is_refused(
    marcus: ConsoleClient, path: str, body: dict[str, object]
) -> None:
    for headers in (
        {"Origin": marcus.base},
        {"Origin": marcus.base, "X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": marcus.csrf},
        {"X-CSRF-Token": marcus.csrf, "Origin": "https://evil.example"},
        {"X-CSRF-Token": marcus.csrf, "Origin": "null"},
    ):
        answer = await marcus.post(path, body, headers=headers)
        assert answer.status == 403, headers
        assert answer.body["message"]


async def test_the_token_of_another_session_is_refused(marcus: ConsoleClient, priya: ConsoleClient) -> None:
    assert marcus.csrf != priya.csrf
    answer = await marcus.post(
        "/tickets/HD-1001/take", headers={"X-CSRF-Token": priya.csrf, "Origin": marcus.base}
    )
    assert answer.status == 403


@pytest.mark.parametrize(("path", "body"), CHANGES)
async def test_an_extra_field_is_refused_and_named(
    marcus: ConsoleClient, path: str, body: dict[str, object]
) -> None:
    answer = await marcus.post(path, {**body, "number": 1})
    assert answer.status == 422
    assert answer.body["field"] == "number"


@pytest.mark.parametrize(("path", "body"), CHANGES)
@pytest.mark.parametrize("identity", ["", "a b", "x" * 65, "../../x"])
async def test_an_id_of_another_form_is_refused(
    marcus: ConsoleClient, path: str, body: dict[str, object], identity: str
) -> None:
    headers = {"X-CSRF-Token": marcus.csrf, "Origin": marcus.base}
    address = f"{marcus.base}/console/api{path}"
    async with marcus.session.post(address, json={**body, "id": identity}, headers=headers) as answer:
        assert answer.status == 422
        assert (await answer.json())["field"] == "id"


@pytest.mark.parametrize(
    "sent", ["", "[]", "null", "{", '{"id": 1}', "\x00", '{"id": "a", "id2": ' + "[" * 5000]
)
async def test_a_body_that_is_no_such_object_is_refused(marcus: ConsoleClient, sent: str) -> None:
    headers = {"X-CSRF-Token": marcus.csrf, "Origin": marcus.base}
    address = f"{marcus.base}/console/api/tickets/HD-1001/take"
    async with marcus.session.post(address, data=sent, headers=headers) as answer:
        assert answer.status == 422


@pytest.mark.parametrize(("step", "body"), STEPS)
@pytest.mark.parametrize("number", ["HD-9999", "XX-1001", "1001", "HD-", "HD-1e3", "HD-99999999999999999"])
async def test_an_unknown_ticket_is_not_found(
    marcus: ConsoleClient, step: str, body: dict[str, object], number: str
) -> None:
    answer = await marcus.post(f"/tickets/{number}/{step}", body)
    if step == "assign" and number == "HD-9999":
        # The technician is looked at first; neither answer says whether the ticket exists.
        assert answer.status == 422
        return
    if step == "merge" and number == "HD-9999":
        assert answer.status == 422
        return
    assert answer.status == 404, answer
    assert answer.body["code"] == "not_found"


async def test_an_unknown_ticket_and_an_unknown_conversation_are_not_found(marcus: ConsoleClient) -> None:
    assert (await marcus.get("/tickets/HD-1001")).status == 404
    for step in ("join", "end"):
        assert (await marcus.post(f"/conversations/{'0' * 32}/{step}")).status == 404


@pytest.mark.parametrize(
    "page",
    [
        *("x", "|", "1|x", "9" * 300, "1|2026-99-99", "-1|", "1|'; DROP TABLE ticket; --"),
        "1|0001-01-01T00:00:00+14:00",
    ],
)
async def test_a_page_that_was_tampered_with_is_refused(marcus: ConsoleClient, page: str) -> None:
    await marcus.does("/tickets", way="phone", answers=ANSWERS)
    for view in ("queue", "all"):
        async with marcus.session.get(
            f"{marcus.base}/console/api/tickets", params={"view": view, "page": page}
        ) as answer:
            assert (answer.status, (await answer.json())["field"]) == (422, "page")


@pytest.mark.parametrize("text", ["zzz", "%25", "_", "' OR 1=1 --", '") OR ("1"="1', "a%00b", "\\"])
async def test_a_search_takes_text_as_text(marcus: ConsoleClient, text: str) -> None:
    await marcus.does("/tickets", way="phone", answers=ANSWERS)
    found = await marcus.get(f"/tickets?view=all&text={text}")
    assert (found.status, found.body["lines"]) == (200, [])


async def test_an_unknown_view_is_refused(marcus: ConsoleClient) -> None:
    answer = await marcus.get("/tickets?view=everything")
    assert (answer.status, answer.body["field"]) == (422, "view")


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-01-01T00:00Z"]
)
async def test_a_day_that_no_calendar_of_the_desk_has_is_refused(marcus: ConsoleClient, moment: str) -> None:
    ticket = (await marcus.does("/tickets", way="phone", answers=ANSWERS))["ticket"]
    for step, body in (("edit", {"needed_by": moment}), ("wait", {"on": "date", "until": moment})):
        answer = await marcus.post(f"/tickets/{ticket}/{step}", body)
        assert (answer.status, answer.body["field"]) == (422, next(reversed(body)))
    assert (
        await marcus.post(f"/tickets/{ticket}/edit", {"needed_by": "2026-09-21T12:00:00-04:00"})
    ).status == 200
