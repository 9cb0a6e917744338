"""What tests of the desk's core share: a clock, changes to write, a desk on a store."""

from __future__ import annotations

from asyncio import create_task
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from chatdesk.changes import Changes
from chatdesk.config import Config
from chatdesk.conversation import ConversationId
from chatdesk.desk import Desk, Flows
from chatdesk.events import CustomerMessaged, Outcome, SurveySubmitted
from chatdesk.hub import Hub
from chatdesk.ids import new_id
from chatdesk.outbox import Delivery, DeliveryKind
from chatdesk.ports import Store
from chatdesk.ticket import TicketNumber
from flows import live_chat, ticket_work
from tests import postgres_server, sqlite_template
from tests.desk_builders import NORTHWIND, TUESDAY, answers, external_id

FLOWS = Flows(live_chat.step, ticket_work.step)


@dataclass
class FakeClock:
    """A clock that stands still until it is moved."""

    now: datetime = TUESDAY

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def url(folder: Path, kind: str = "") -> str:
    """Return the address of the database that belongs to ``folder``; ``kind`` asks for one by name."""
    if kind == "postgres" or (not kind and postgres_server.wanted_everywhere()):
        return postgres_server.database_for(folder)
    return sqlite_template.url_of(folder / "desk.sqlite3")


def new_desk(store: Store, hub: Hub | None = None, flows: Flows = FLOWS, config: Config = NORTHWIND) -> Desk:
    """Return a desk on ``store`` with the product's own dialogues."""
    return Desk(config, store, hub or Hub(), flows, FakeClock(), new_id)


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[Desk]:
    """Run the desk; what was submitted in the block is committed at its end."""
    task = create_task(desk.run())
    try:
        yield desk
    finally:
        desk.stop()
        await task


def survey(chat: str = "chat", visitor: str = "dana", key: str = "", live: bool = True) -> SurveySubmitted:
    """A browser sent the survey for a conversation."""
    return SurveySubmitted(
        at=TUESDAY,
        channel="web",
        external_id=key or external_id(),
        conversation=ConversationId(chat),
        visitor=visitor,
        widget="desk",
        answers=answers(),
        live=live,
    )


def message(
    text: str = "Hello?", chat: str = "chat", visitor: str = "dana", key: str = ""
) -> CustomerMessaged:
    """A customer wrote in a conversation."""
    return CustomerMessaged(
        at=TUESDAY,
        channel="web",
        external_id=key or external_id(),
        conversation=ConversationId(chat),
        visitor=visitor,
        text=text,
    )


def delivery(identity: str, lane: str = "1024", target: str = "slack", due: datetime = TUESDAY) -> Delivery:
    """Return a delivery to be queued."""
    return Delivery(
        id=identity, target=target, kind=DeliveryKind.MESSAGE, lane=lane, due_at=due, created_at=TUESDAY
    )


async def queue_up(store: Store, *deliveries: Delivery) -> None:
    """Write deliveries into the store's outbox."""
    async with store.batch() as batch:
        outcome = Outcome(None, 0, None)
        await batch.write(Changes(deliveries=list(deliveries), received=[(external_id(), outcome)]))


async def tickets(store: Store, *numbers: int) -> list[int]:
    """Return which of these tickets exist."""
    async with store.batch() as batch:
        return sorted(await batch.tickets([TicketNumber(number) for number in numbers]))
