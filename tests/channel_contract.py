"""What every Channel must do, as checks that a channel's own tests call with a far side they control.

A channel joins with a ``FarSide``: the service as the test plays it. ``tests/test_channel_contract.py`` runs
the checks over every far side in its list.
"""

from __future__ import annotations

from typing import Protocol

import pytest

from chatdesk.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from chatdesk.outbox import Delivery
from chatdesk.ports import Channel


class FarSide(Protocol):
    """The other side of a channel, played by a test."""

    @property
    def channel(self) -> Channel:
        """The channel under test, connected to this far side."""

    def delivery(self) -> Delivery:
        """Return a delivery that the channel can carry; another one at each call."""

    def arrived(self) -> int:
        """Return how many deliveries have arrived, each repetition counted."""

    def be_busy(self, retry_after: float | None) -> None:
        """Refuse the next call for now, asking to wait so many seconds where the service can say so."""

    def refuse(self) -> None:
        """Refuse the next call for good."""

    def cut(self, *, after_arrival: bool) -> None:
        """Break the next call's connection before or after the delivery has arrived."""

    def can_look(self) -> bool:
        """Tell whether the service lets a channel look for what arrived."""


async def check_send_returns_the_far_sides_id(far: FarSide) -> None:
    first, second = await far.channel.send(far.delivery()), await far.channel.send(far.delivery())
    assert first
    assert second
    assert first != second
    assert far.arrived() == 2


async def check_a_delivery_names_the_channel_as_its_target(far: FarSide) -> None:
    assert far.delivery().target == far.channel.name


async def check_busy_is_delayed_and_did_not_happen(far: FarSide) -> None:
    delivery = far.delivery()
    far.be_busy(retry_after=7)
    with pytest.raises(DeliveryDelayed) as delayed:
        await far.channel.send(delivery)
    assert delayed.value.retry_after in (7, None)
    assert far.arrived() == 0
    assert await far.channel.send(delivery)
    assert far.arrived() == 1


async def check_refused_for_good_is_refused(far: FarSide) -> None:
    far.refuse()
    with pytest.raises(DeliveryRefused):
        await far.channel.send(far.delivery())
    assert far.arrived() == 0


async def check_what_arrived_before_the_cut_is_found_under_its_id(far: FarSide) -> None:
    delivery = far.delivery()
    far.cut(after_arrival=True)
    with pytest.raises(DeliveryUnknown):
        await far.channel.send(delivery)
    assert far.arrived() == 1
    if far.can_look():
        assert await far.channel.find(delivery)
    else:
        with pytest.raises(DeliveryUnknown):
            await far.channel.find(delivery)
    assert far.arrived() == 1


async def check_what_did_not_arrive_is_not_found(far: FarSide) -> None:
    delivery, other = far.delivery(), far.delivery()
    await far.channel.send(other)
    far.cut(after_arrival=False)
    with pytest.raises((DeliveryUnknown, DeliveryDelayed)):
        await far.channel.send(delivery)
    if far.can_look():
        assert await far.channel.find(delivery) is None
    else:
        with pytest.raises(DeliveryUnknown):
            await far.channel.find(delivery)
    assert far.arrived() == 1


CHECKS = (
    check_send_returns_the_far_sides_id,
    check_a_delivery_names_the_channel_as_its_target,
    check_busy_is_delayed_and_did_not_happen,
    check_refused_for_good_is_refused,
    check_what_arrived_before_the_cut_is_found_under_its_id,
    check_what_did_not_arrive_is_not_found,
)
