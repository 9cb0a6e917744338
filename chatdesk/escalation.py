"""Finds tickets that come near their target and has them escalate [R43].

Nothing is stored beside a ticket for it: open tickets are looked through along their due times once a minute.
What a ticket is told is known by its number and due time, so that it escalates once for each target,
whichever nodes look and however often the desk is started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from chatdesk.config import Config, SlaTarget
from chatdesk.conversation import AuthorKind, Message, Visibility
from chatdesk.desk import Desk
from chatdesk.errors import DeskStopped, EventRefused, StorageError
from chatdesk.events import TimerFired
from chatdesk.outbox import TIMER_TARGET
from chatdesk.pauses import happens_within
from chatdesk.ports import Clock
from chatdesk.ticket import Priority, Ticket, TicketNumber, TicketType

log = structlog.get_logger(__name__)

ESCALATE, ESCALATED = "escalate", "escalated"
"""Names the event that a ticket gets, and what its history calls that."""
PAUSE = 60.0
"""Seconds between two looks."""
LATE = timedelta(hours=1)
"""How long after its target a ticket still escalates when nobody could look in time."""
PAGE = 200

Targets = Callable[[Priority, TicketType], SlaTarget | None]
"""Returns what tickets of such a priority and type have to meet."""


class DueTickets(Protocol):
    """Reads open tickets by due time."""

    async def due_soon(
        self, after: datetime, number: TicketNumber, until: datetime, limit: int
    ) -> Sequence[Ticket]:
        """Return open tickets by due time: those due after ``after``, or then with a higher number.

        None is due later than ``until``.
        """


class Escalation:
    """Looks once a minute; ``run`` has to be running. ``clock`` tells the time (aware, UTC)."""

    def __init__(
        self, config: Config, tickets: DueTickets, desk: Desk, clock: Clock, pause: float = PAUSE
    ) -> None:
        self._targets = config.target
        self._longest = longest([*config.sla.values(), *config.sla_types.values()])
        self._tickets = tickets
        self._desk = desk
        self._clock = clock
        self._pause = pause
        self._told: set[tuple[TicketNumber, datetime]] = set()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let ``run`` end."""
        self._stopping.set()

    async def run(self) -> None:
        """Look again and again until ``stop``; a database that is away is looked at later."""
        while not await happens_within(self._stopping, self._pause):
            try:
                await self.look()
            except (StorageError, DeskStopped) as error:
                log.warning("escalation_waits", error=str(error))

    async def look(self) -> None:
        """Have every ticket escalate that is near its target now. Raises StorageError, DeskStopped."""
        now = self._clock()
        self._told = {key for key in self._told if key[1] > now - LATE}
        after, number, until = now - LATE, TicketNumber(0), now + self._longest
        while until > now:
            found = await self._tickets.due_soon(after, number, until, PAGE)
            for ticket, due in near(self._targets, found, now):
                await self._tell(ticket.number, due, now)
            if len(found) < PAGE or found[-1].due_at is None:
                return
            after, number = found[-1].due_at, found[-1].number

    async def _tell(self, number: TicketNumber, due: datetime, now: datetime) -> None:
        if (number, due) in self._told:
            return
        identity = f"{ESCALATE}:{number}:{due.isoformat()}"
        event = TimerFired(
            at=now, channel=TIMER_TARGET, external_id=identity, name=ESCALATE, due=due, ticket=number
        )
        with suppress(EventRefused):
            await self._desk.receive(event)
        self._told.add((number, due))


def tells_all_staff(message: Message, ticket_name: str) -> bool:
    """Tell whether it is the note by which the ticket of that name escalates [flows.escalation]."""
    of_desk = message.author.kind is AuthorKind.DESK and message.visibility is Visibility.INTERNAL
    return of_desk and message.text.startswith(f"{ticket_name} ")


def longest(targets: Iterable[SlaTarget]) -> timedelta:
    """Return the longest time before its target at which a ticket escalates; 0 where none does."""
    return max((target.escalate for target in targets), default=timedelta(0))


def near(targets: Targets, tickets: Sequence[Ticket], now: datetime) -> Iterator[tuple[Ticket, datetime]]:
    """Yield those whose clock runs and who are so near their due time that they escalate, with that time."""
    for ticket in tickets:
        due, target = ticket.running_due_at, targets(ticket.priority, ticket.type)
        if due is not None and target is not None and target.escalate and due - target.escalate <= now:
            yield ticket, due
