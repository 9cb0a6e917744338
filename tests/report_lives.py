"""Lives of tickets for reports, lived by the desk's own dialogues at the times a test names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from chatdesk.config import Config
from chatdesk.conversation import Agent, ConversationId
from chatdesk.desk import Desk
from chatdesk.events import (
    AgentMessaged,
    AnyEvent,
    CallLogged,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    CustomerRated,
    MailReceived,
    SurveySubmitted,
    TicketCancelled,
    TicketMerged,
    TicketPaused,
    TicketResolved,
    TicketTaken,
    TimerFired,
)
from chatdesk.ids import new_id
from chatdesk.outbox import TIMER_TARGET
from chatdesk.ticket import TicketNumber, Trigger
from flows.queueing import NO_ANSWER
from storage.database import Database
from storage.store import TortoiseStore
from tests.core_builders import new_desk, running
from tests.desk_builders import MARCUS, NORTHWIND, answers, external_id


class Lives:
    """Has tickets opened and worked on; a ticket is named by its number, a chat by its ticket's."""

    def __init__(self, desk: Desk, config: Config) -> None:
        self._desk = desk
        self._config = config
        self._chats: dict[TicketNumber, ConversationId] = {}

    async def opened(
        self, at: datetime, *, channel: str = "web", live: bool = True, widget: str = "desk", **given: str
    ) -> TicketNumber:
        """Have a customer send the survey."""
        chat = ConversationId(new_id())
        return await self._open(
            SurveySubmitted(
                at=at,
                channel=channel,
                external_id=external_id(),
                conversation=chat,
                visitor=f"visitor {chat}",
                widget=widget,
                answers=answers(**given),
                live=live,
            )
        )

    async def asked(self, at: datetime) -> TicketNumber:
        """Have a customer ask in the portal, where nobody waits for an answer."""
        return await self.opened(at, channel="portal", live=False)

    async def mailed(self, at: datetime, sender: str, company: str = "") -> TicketNumber:
        """Have a mail open a ticket."""
        return await self._open(
            MailReceived(
                at=at,
                channel="email",
                external_id=external_id(),
                conversation=ConversationId(new_id()),
                sender=sender,
                name="Lee Park",
                subject="A question",
                text="Please help.",
                company=company,
            )
        )

    async def called(self, at: datetime, agent: Agent = MARCUS) -> TicketNumber:
        """Have a technician write down a call."""
        return await self._open(
            CallLogged(
                at=at,
                channel="phone",
                external_id=external_id(),
                conversation=ConversationId(new_id()),
                agent=agent,
                answers=answers(),
            )
        )

    async def taken(self, number: TicketNumber, at: datetime, agent: Agent = MARCUS) -> None:
        """Have a technician take the ticket, and with it the chat that waits."""
        await self._do(
            TicketTaken(at=at, channel="web", external_id=external_id(), ticket=number, agent=agent)
        )

    async def answered(self, number: TicketNumber, at: datetime, agent: Agent = MARCUS) -> None:
        """Have a technician write to the customer."""
        await self._do(
            AgentMessaged(
                at=at,
                channel="web",
                external_id=external_id(),
                conversation=self._chats[number],
                agent=agent,
                text="Good morning.",
            )
        )

    async def waits_for_vendor(self, number: TicketNumber, at: datetime, until: datetime) -> None:
        """Have the ticket wait for a vendor until it goes on by itself."""
        await self._do(
            TicketPaused(
                at=at,
                channel="web",
                external_id=external_id(),
                ticket=number,
                agent=MARCUS,
                trigger=Trigger.WAIT_FOR_VENDOR,
                until=until,
            )
        )
        await self._do(
            TimerFired(
                at=until,
                channel=TIMER_TARGET,
                external_id=external_id(),
                name="date_reached",
                due=until,
                ticket=number,
            )
        )

    async def resolved(self, number: TicketNumber, at: datetime, agent: Agent = MARCUS) -> None:
        """Have a technician resolve the ticket."""
        await self._do(
            TicketResolved(
                at=at,
                channel="web",
                external_id=external_id(),
                ticket=number,
                agent=agent,
                resolution="It works again.",
            )
        )

    async def cancelled(self, number: TicketNumber, at: datetime) -> None:
        """Have a dispatcher cancel the ticket."""
        await self._do(
            TicketCancelled(
                at=at,
                channel="web",
                external_id=external_id(),
                ticket=number,
                agent=MARCUS,
                reason="A test.",
            )
        )

    async def merged(self, number: TicketNumber, into: TicketNumber, at: datetime) -> None:
        """Have a technician merge the ticket into another."""
        await self._do(
            TicketMerged(
                at=at, channel="web", external_id=external_id(), ticket=number, agent=MARCUS, into=into
            )
        )

    async def wrote(self, number: TicketNumber, at: datetime) -> None:
        """Have the customer write in the chat."""
        await self._do(CustomerMessaged(**self._as_customer(number, at), text="Any news?"))

    async def left(self, number: TicketNumber, at: datetime) -> None:
        """Have the customer leave the queue."""
        await self._do(CustomerLeft(**self._as_customer(number, at)))

    async def ended(self, number: TicketNumber, at: datetime, *, solved: bool = False) -> None:
        """Have the customer end the chat."""
        await self._do(CustomerEnded(**self._as_customer(number, at), solved=solved))

    async def rated(self, number: TicketNumber, at: datetime, score: int) -> None:
        """Have the customer rate the chat."""
        await self._do(CustomerRated(**self._as_customer(number, at), score=score))

    async def nobody_came(self, number: TicketNumber, queued_at: datetime) -> None:
        """Let the time run out within which somebody had to take the chat."""
        until = queued_at + self._config.queue.no_answer
        await self._do(
            TimerFired(
                at=until,
                channel=TIMER_TARGET,
                external_id=external_id(),
                name=NO_ANSWER,
                due=until,
                conversation=self._chats[number],
            )
        )

    def _as_customer(self, number: TicketNumber, at: datetime) -> dict[str, Any]:
        chat = self._chats[number]
        return {
            "at": at,
            "channel": "web",
            "external_id": external_id(),
            "conversation": chat,
            "visitor": f"visitor {chat}",
        }

    async def _open(self, event: SurveySubmitted | MailReceived | CallLogged) -> TicketNumber:
        outcome = await self._desk.receive(event)
        assert outcome.ticket is not None
        self._chats[outcome.ticket] = event.conversation
        return outcome.ticket

    async def _do(self, event: AnyEvent) -> None:
        _ = await self._desk.receive(event)


@asynccontextmanager
async def lives(database: Database, config: Config = NORTHWIND) -> AsyncIterator[Lives]:
    """Run a desk on the database for the block."""
    async with running(new_desk(TortoiseStore(database), config=config)) as desk:
        yield Lives(desk, config)
