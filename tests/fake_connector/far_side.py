"""Teams as the far side of the channel contract [tests.channel_contract]."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from msgspec.structs import replace

from adapters.teams.assembly import TeamsFoundation, teams_adapter
from chatdesk.config import StaffChannel, StaffSettings
from chatdesk.conversation import ConversationId
from chatdesk.ids import new_id
from chatdesk.outbox import Delivery, DeliveryKind
from chatdesk.ports import Channel
from chatdesk.ticket import TicketNumber
from storage.adapter_notes import TortoiseAdapterNotes, TortoiseIdentities
from tests.core_builders import message, survey
from tests.desk_builders import NORTHWIND, TUESDAY
from tests.fake_connector.connector import CHANNEL, Connector, Failure
from tests.fake_connector.running import TeamsDesk, teams_desk

CHAT = ConversationId("chat")
NUMBER = TicketNumber(1001)
MESSAGES = 5


class TeamsFarSide:
    """A ticket in Teams whose messages are delivered."""

    def __init__(self, channel: Channel, connector: Connector) -> None:
        self._channel = channel
        self._connector = connector
        self._next = count(1)
        self._before = len(connector.entries)

    @property
    def channel(self) -> Channel:
        return self._channel

    def delivery(self) -> Delivery:
        return delivery(DeliveryKind.MESSAGE, next(self._next))

    def arrived(self) -> int:
        return len(self._connector.entries) - self._before

    def can_look(self) -> bool:
        return False

    def be_busy(self, retry_after: float | None) -> None:
        headers = {} if retry_after is None else {"Retry-After": str(int(retry_after))}
        self._connector.failures.append(Failure(429, headers))

    def refuse(self) -> None:
        self._connector.failures.append(Failure(403))

    def cut(self, *, after_arrival: bool) -> None:
        self._connector.failures.append(Failure(keep=after_arrival))


def delivery(kind: DeliveryKind, seq: int | None = None) -> Delivery:
    """Return a delivery of the ticket, or of one of its messages, to the technicians' channel."""
    return Delivery(
        id=new_id(),
        target="teams",
        kind=kind,
        lane=str(NUMBER),
        due_at=TUESDAY,
        created_at=TUESDAY,
        conversation=CHAT,
        seq=seq,
        ticket=NUMBER,
        payload={"to": "staff"},
    )


@asynccontextmanager
async def channel_of(desk: TeamsDesk) -> AsyncIterator[Channel]:
    """Return a channel of the test's own; the desk itself has no Teams, so that nothing else is sent."""
    services, database = desk.running.services, desk.running.database
    staff = StaffSettings(teams=StaffChannel(CHANNEL))
    foundation = TeamsFoundation(
        config=replace(NORTHWIND, staff=staff),
        desk=services.desk,
        staff_reads=services.staff_reads,
        visitor_reads=services.visitor_reads,
        staff=services.staff,
        identities=TortoiseIdentities(database),
        notes=TortoiseAdapterNotes(database),
        files=services.files,
        clock=services.clock,
        new_id=services.new_id,
    )
    async with teams_adapter(foundation, desk.microsoft.access(), 1.0) as (channel, _):
        yield channel


@asynccontextmanager
async def teams() -> AsyncIterator[TeamsFarSide]:
    """Open a ticket with messages, and its card in Teams."""
    async with teams_desk(NORTHWIND) as desk, channel_of(desk) as channel:
        await desk.running.desk.receive(survey())
        for number in range(MESSAGES):
            await desk.running.desk.receive(message(f"Message {number}"))
        assert await channel.send(delivery(DeliveryKind.TICKET))
        yield TeamsFarSide(channel, desk.connector)
