"""Handing over from a card in Teams to any technician: a search where a card has not room for all [R37]."""

from __future__ import annotations

from typing import Any

import pytest

from chatdesk.config import parse_config
from tests.desk_builders import TIERS
from tests.fake_connector.connector import Json
from tests.fake_connector.running import DANA, MARCUS, PRIYA, TEAMS_DESK, Person, TeamsDesk, teams_desk
from tests.test_teams_desk import assignee, card_of, chat_on_the_web, moment

OFFERED = "hand_over:1001"
TIERED = parse_config(TEAMS_DESK + TIERS, "chatdesk.toml")


async def found(desk: TeamsDesk, person: Person, typed: str, dataset: str = OFFERED, **more: Any) -> Json:
    """Let the person type into the field of a card; return who is offered, title by value."""
    value = {"queryText": typed, "queryOptions": {"skip": 0, "top": 15, **more}, "dataset": dataset}
    status, body = await desk.call(
        desk.activity(person, type="invoke", name="application/search", value=value)
    )
    assert status == 200
    assert body["type"] == "application/vnd.microsoft.search.searchResponse"
    return {one["value"]: one["title"] for one in body["value"]["results"]}


def field(answer: Json) -> Json:
    """Return the field in which the card asks to whom it is handed over."""
    box = next(one for one in answer["value"]["actions"] if one["title"].startswith("Hand over"))
    asked: Json = box["card"]["body"][0]
    return asked


async def test_a_technician_whom_the_card_has_no_room_for_is_found_by_typing_and_gets_the_ticket() -> None:
    async with teams_desk(TIERED) as desk:
        await desk.hire(MARCUS)
        staff = desk.running.staff
        for number in range(101):
            await staff.add(f"Alex {number:03}", f"alex{number}@northwind.example", None, moment())
        zoe = await staff.add("Zoe Zander", "zoe@northwind.example", None, moment())
        await chat_on_the_web(desk)
        answer = await desk.press(MARCUS, "take", ticket=1001)
        asked = field(answer)
        assert len(asked["choices"]) == 50
        assert asked["choices"][0]["title"] == "Second line (tier)"
        assert (asked["style"], asked["choices.data"]) == (
            "filtered",
            {"type": "Data.Query", "dataset": "hand_over:1001"},
        )
        assert zoe.id not in card_of(answer)
        assert await found(desk, MARCUS, "zand ZO") == {zoe.id: "Zoe Zander"}
        assert await found(desk, MARCUS, "network") == {"tier:network": "Network team (tier)"}
        assert len(await found(desk, MARCUS, "alex")) == 15
        assert len(await found(desk, MARCUS, "alex", skip=90)) == 11
        # The ticket is theirs already.
        assert await found(desk, MARCUS, "marcus") == {}
        card_of(await desk.press(MARCUS, "hand_over", ticket=1001, to=zoe.id))
        assert await assignee(desk) == "Zoe Zander"


async def test_a_card_with_room_for_all_asks_nobody_and_tells_namesakes_apart() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS, PRIYA)
        await desk.running.staff.add("Priya Shah", "shah@northwind.example", None, moment())
        await chat_on_the_web(desk)
        asked = field(await desk.press(MARCUS, "take", ticket=1001))
        assert "choices.data" not in asked
        assert [choice["title"] for choice in asked["choices"]] == [
            "Priya Shah (priya@northwind.example)",
            "Priya Shah (shah@northwind.example)",
        ]


@pytest.mark.parametrize(
    "dataset", [OFFERED, "hand_over:9", "hand_over:x", f"hand_over:{'9' * 30}", "", "1001"]
)
async def test_nobody_else_learns_who_the_technicians_are(dataset: str) -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        await chat_on_the_web(desk)
        assert await found(desk, DANA, "", dataset) == {}
        expected = 1 if dataset == OFFERED else 0
        assert len(await found(desk, MARCUS, "", dataset)) == expected
