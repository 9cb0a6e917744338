"""Slack as a Channel: the contract that every channel keeps, against the fake Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import pytest
from msgspec.structs import replace

from chatdesk.ids import new_id
from chatdesk.outbox import Delivery, DeliveryKind
from chatdesk.ports import Channel
from tests.channel_contract import CHECKS, FarSide
from tests.core_builders import delivery
from tests.fake_slack.server import FakeSlack
from tests.slack_desk import TRIAGE, SlackDesk, chat, shown, slack_desk


class SlackFarSide:
    """The fake Slack with one live chat; its messages are delivered by hand."""

    def __init__(self, desk: SlackDesk, given: list[Delivery]) -> None:
        self._fake: FakeSlack = desk.slack
        self._desk = desk
        self._given = iter(given)
        self._before = self._posts()
        self.channel: Channel = desk.served.running.relay._channels["slack"]

    def delivery(self) -> Delivery:
        return next(self._given)

    def arrived(self) -> int:
        return self._posts() - self._before

    def be_busy(self, retry_after: float | None) -> None:
        self._fake.fail("chat.postMessage", "busy", seconds=retry_after or 1)

    def refuse(self) -> None:
        self._desk.workspace.channels[TRIAGE].members.discard("U0BOT")

    def cut(self, *, after_arrival: bool) -> None:
        self._fake.fail("chat.postMessage", "cut after" if after_arrival else "cut before")

    def can_look(self) -> bool:
        return True

    def _posts(self) -> int:
        return sum("by hand" in shown(m) for m in self._desk.workspace.channels[TRIAGE].messages.values())


@pytest.fixture
async def far() -> AsyncIterator[FarSide]:
    async with slack_desk() as desk, chat(desk) as (line, card):
        await desk.reply(card, "You are number 1")
        desk.served.running.relay.stop()
        await desk.served.running.loops.finish("relay", 5)
        for n in range(3):
            await line.send(t="message", id=str(n), text=f"by hand {n}")
            await line.next("ack")
        file = await desk.ticket(1001)
        chosen = [m for m in file.messages if m.text.startswith("by hand")]
        number = count()
        given = [
            replace(
                delivery(f"{new_id()}-{next(number)}", target="slack"),
                kind=DeliveryKind.MESSAGE,
                conversation=message.conversation,
                seq=message.seq,
                ticket=file.ticket.number,
                created_at=message.at,
                attempts=1,
                payload={"to": "staff"},
            )
            for message in chosen
        ]
        yield SlackFarSide(desk, given)


@pytest.mark.parametrize("check", CHECKS)
async def test_slack_keeps_the_contract_of_channels(
    check: Callable[[FarSide], Awaitable[None]], far: FarSide
) -> None:
    await check(far)
