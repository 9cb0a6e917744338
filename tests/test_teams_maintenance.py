"""Maintenance in Teams: said to customers above the questions, to technicians above their lists [R47]."""

from __future__ import annotations

from functools import partial

import pytest

from chatdesk.config import parse_config
from tests.fake_connector.running import DANA, MARCUS, TEAMS_DESK, teams_desk
from tests.maintenance_toml import going_on
from tests.test_teams_desk import card_of, shows

NOW = "Maintenance now: Windows patching, until"
MAINTAINED = parse_config(TEAMS_DESK.replace("America/New_York", "UTC") + going_on(), "chatdesk.toml")


async def test_a_customer_reads_of_it_above_the_questions() -> None:
    async with teams_desk(MAINTAINED) as desk:
        await desk.say(DANA, "Our server is away")
        await desk.connector.until(partial(shows, desk, DANA, NOW))
        assert NOW in card_of(await desk.press(DANA, "customer_new"))


@pytest.mark.parametrize("command", ["queue", "mine", "phone"])
async def test_a_technician_reads_of_it_above_lists_and_while_somebody_calls(command: str) -> None:
    async with teams_desk(MAINTAINED) as desk:
        await desk.hire(MARCUS)
        await desk.say(MARCUS, command)
        await desk.connector.until(partial(shows, desk, MARCUS, NOW))
