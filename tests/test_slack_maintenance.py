"""Maintenance in Slack: said in customers' channels before they ask, and in technicians' Home tabs [R47]."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fake_slack.person import Person
from tests.maintenance_toml import coming, going_on
from tests.slack_desk import DESK, MARCUS, OUTSIDER, SHARED, TRIAGE, SlackDesk, shown, slack_desk
from tests.test_slack_shared_channels import in_thread

IN_UTC = DESK.replace("America/New_York", "UTC")
NOW = "Maintenance now: Windows patching, until"


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk(IN_UTC + going_on()) as running:
        yield running


async def test_a_customer_reads_of_it_in_the_offer_and_above_the_questions(desk: SlackDesk) -> None:
    dana = Person(desk.wire, OUTSIDER)
    ts = await dana.say(SHARED, "Our server is away")
    offer = in_thread(desk, ts)[0]
    assert NOW in shown(offer)
    await dana.press(SHARED, offer["ts"], "shared_open")
    assert NOW in shown(dana.dialog())


async def test_a_technician_reads_of_it_in_the_home_tab_and_while_somebody_calls(desk: SlackDesk) -> None:
    await desk.marcus.open_home()
    assert NOW in shown(desk.workspace.homes[MARCUS])
    await desk.marcus.command("phone", TRIAGE)
    assert NOW in shown(desk.marcus.dialog())
    await Person(desk.wire, OUTSIDER).open_home()
    assert NOW not in shown(desk.workspace.homes[OUTSIDER])


async def test_it_is_announced_before_and_nothing_is_said_without_any() -> None:
    async with slack_desk(IN_UTC + coming()) as desk:
        await desk.marcus.open_home()
        assert "Maintenance: Windows patching" in shown(desk.workspace.homes[MARCUS])
    async with slack_desk(IN_UTC) as desk:
        await desk.marcus.open_home()
        assert "aintenance" not in shown(desk.workspace.homes[MARCUS])
