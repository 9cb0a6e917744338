"""The dispatcher's console: the queue narrowed, who has how many tickets, several at once [R20, R36]."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.console_client import ConsoleClient, console, waiting_chat
from tests.running_desk import ANSWERS, ServedDesk, serving


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


@pytest.fixture
async def marcus(desk: ServedDesk) -> AsyncIterator[ConsoleClient]:
    async with console(desk) as client:
        yield client


@pytest.fixture
async def priya(desk: ServedDesk) -> AsyncIterator[ConsoleClient]:
    async with console(desk, "Priya Nair") as client:
        yield client


async def log_call(client: ConsoleClient, **answers: str) -> str:
    """Log a call and return the ticket's number."""
    done = await client.does("/tickets", way="phone", answers={**ANSWERS, **answers})
    return str(done["ticket"])


async def listed(client: ConsoleClient, query: str, view: str = "queue") -> list[str]:
    """Return the numbers in a list, those whose customers wait first."""
    found = (await client.get(f"/tickets?view={view}&{query}")).body
    return [line["number"] for line in (*found["waiting"], *found["lines"])]


async def test_the_queue_is_narrowed_to_a_company_a_priority_and_who_has_it(
    desk: ServedDesk, marcus: ConsoleClient, priya: ConsoleClient
) -> None:
    one = await log_call(marcus)
    two = await log_call(marcus, company="Fabrikam", impact="Everyone", urgency="No")
    await marcus.does(f"/tickets/{two}/assign", agent=priya.agent)
    async with waiting_chat(desk) as (_, waits, _):
        assert await listed(marcus, "company=Fabrikam") == [two]
        assert await listed(marcus, "priority=critical") == [two]
        assert await listed(marcus, f"assignee={priya.agent}") == [two]
        assert sorted({*await listed(marcus, "assignee=nobody")}) == sorted([one, waits])
        assert waits not in await listed(marcus, "company=Fabrikam")
        assert await listed(marcus, "overdue=1") == []
    refused = await marcus.get("/tickets?view=queue&priority=urgent")
    assert (refused.status, refused.body["field"]) == (422, "priority")
    assert refused.body["message"] == "Choose one of critical, high, standard, low, scheduled."


async def test_what_is_over_and_what_is_found_is_narrowed_as_the_queue_is(
    marcus: ConsoleClient, priya: ConsoleClient
) -> None:
    one = await log_call(marcus)
    two = await log_call(marcus, company="Fabrikam", impact="Everyone", urgency="No")
    for number, client in ((one, marcus), (two, priya)):
        await client.does(f"/tickets/{number}/take")
    await priya.does(f"/tickets/{two}/resolve", resolution="Done.")
    for query in (
        "company=Fabrikam",
        "priority=critical",
        f"assignee={priya.agent}",
        "text=slow&company=Fabrikam",
    ):
        assert await listed(marcus, query, "all") == [two], query
    assert await listed(marcus, "assignee=nobody", "all") == []
    assert await listed(marcus, "overdue=1", "all") == []
    assert await listed(marcus, "company=Contoso", "mine") == [one]
    assert await listed(marcus, "company=Fabrikam", "mine") == []
    assert await listed(marcus, f"assignee={priya.agent}", "mine") == [one]


async def test_who_has_the_fewest_open_tickets_is_named_first(
    marcus: ConsoleClient, priya: ConsoleClient
) -> None:
    number = await log_call(marcus)
    await marcus.does(f"/tickets/{number}/assign", agent=marcus.agent)
    found = (await marcus.get("/open")).body
    assert [(each["name"], each["open"], each["overdue"]) for each in found["staff"]] == [
        ("Priya Nair", 0, 0),
        ("Marcus Bell", 1, 0),
    ]
    assert found["companies"] == ["Contoso"]
