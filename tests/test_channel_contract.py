"""The channel contract, run over every channel in the list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from chatdesk.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from chatdesk.ids import new_id
from chatdesk.outbox import Delivery
from tests.channel_contract import CHECKS, FarSide
from tests.core_builders import delivery
from tests.fake_connector.far_side import teams
from tests.mail_far_side import NOBODY, mail_by_smtp, mail_kept_only


class LoopbackChannel:
    """A channel whose far side is in the same process, and is this class's own far side."""

    name = "loopback"

    def __init__(self, *, looks: bool) -> None:
        self._looks = looks
        self._there: list[str] = []
        self._next: Callable[[Delivery], str] | None = None

    @property
    def channel(self) -> LoopbackChannel:
        return self

    async def send(self, delivery: Delivery) -> str:
        answer, self._next = self._next or self._take, None
        return answer(delivery)

    async def find(self, delivery: Delivery) -> str | None:
        if not self._looks:
            raise DeliveryUnknown("There is no way to look.")
        return f"there-{delivery.id}" if delivery.id in self._there else None

    def delivery(self) -> Delivery:
        return delivery(new_id(), target=self.name)

    def arrived(self) -> int:
        return len(self._there)

    def can_look(self) -> bool:
        return self._looks

    def be_busy(self, retry_after: float | None) -> None:
        def busy(_: Delivery) -> str:
            raise DeliveryDelayed("Busy.", retry_after=retry_after)

        self._next = busy

    def refuse(self) -> None:
        def refused(_: Delivery) -> str:
            raise DeliveryRefused("No such place.")

        self._next = refused

    def cut(self, *, after_arrival: bool) -> None:
        def cut_off(delivery: Delivery) -> str:
            if after_arrival:
                self._take(delivery)
            raise DeliveryUnknown("Cut off.")

        self._next = cut_off

    def _take(self, delivery: Delivery) -> str:
        self._there.append(delivery.id)
        return f"there-{delivery.id}"


@asynccontextmanager
async def looking() -> AsyncIterator[FarSide]:
    yield LoopbackChannel(looks=True)


@asynccontextmanager
async def blind() -> AsyncIterator[FarSide]:
    yield LoopbackChannel(looks=False)


FAR_SIDES: dict[str, Callable[[], AbstractAsyncContextManager[FarSide]]] = {
    "loopback": looking,
    "loopback that cannot look": blind,
    "mail": mail_by_smtp,
    "teams": teams,
}
"""Every channel by name, with what opens its far side."""


@pytest.mark.parametrize("far_side", FAR_SIDES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_channel_keeps_its_contract(
    far_side: str, check: Callable[[FarSide], Awaitable[None]]
) -> None:
    async with FAR_SIDES[far_side]() as far:
        await check(far)


async def test_mail_that_is_kept_only_keeps_what_of_the_contract_needs_no_far_side() -> None:
    async with mail_kept_only() as (channel, about):
        sent, other = about.answer(), about.answer()
        assert sent.target == channel.name
        assert await channel.send(sent) == await channel.find(sent)
        assert await channel.find(other) is None
        with pytest.raises(DeliveryRefused):
            await channel.send(about.answer(NOBODY))
