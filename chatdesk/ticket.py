"""The ticket: its states, the table of its transitions, and the one function that changes a state."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.errors import TransitionRefused

TicketNumber = NewType("TicketNumber", int)


class TicketStatus(StrEnum):
    """Where a ticket stands."""

    NEW = "new"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in progress"
    WAITING_ON_CUSTOMER = "waiting on customer"
    WAITING_ON_VENDOR = "waiting on vendor"
    SCHEDULED = "scheduled"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"
    CANCELLED = "cancelled"


class TicketType(StrEnum):
    """What kind of work a ticket is [R39]."""

    INCIDENT = "incident"
    SERVICE_REQUEST = "service request"
    PROJECT = "project"
    QUESTION = "question"


class Priority(StrEnum):
    """How soon a ticket is worked on, most urgent first [R40]."""

    CRITICAL = "critical"
    HIGH = "high"
    STANDARD = "standard"
    LOW = "low"
    SCHEDULED = "scheduled"

    @property
    def rank(self) -> int:
        """0 for the most urgent, counting up."""
        return _PRIORITY_RANK[self]


_PRIORITY_RANK = {priority: rank for rank, priority in enumerate(Priority)}


class Trigger(StrEnum):
    """A step that can change a ticket's state; the value completes "cannot be ..."."""

    ASSIGN = "assigned"
    ESCALATE = "escalated to a tier"
    ANSWER = "answered"
    ASK_CUSTOMER = "set to wait for the customer"
    CUSTOMER_MESSAGE = "moved on by a customer's message"
    WAIT_FOR_VENDOR = "set to wait for a vendor"
    SCHEDULE = "scheduled"
    DATE_REACHED = "moved on by its date"
    RESUME = "resumed"
    RESOLVE = "resolved"
    CUSTOMER_SOLVED = "marked as solved by the customer"
    AUTO_CLOSE = "closed"
    REOPEN = "re-opened"
    REOPEN_UNASSIGNED = "re-opened for nobody"
    MERGE = "merged"
    CANCEL = "cancelled"


ACTIVE = frozenset(
    {
        TicketStatus.NEW,
        TicketStatus.ASSIGNED,
        TicketStatus.IN_PROGRESS,
        TicketStatus.WAITING_ON_CUSTOMER,
        TicketStatus.WAITING_ON_VENDOR,
        TicketStatus.SCHEDULED,
    }
)
"""States in which somebody still has to do something."""

DONE = frozenset({TicketStatus.RESOLVED, TicketStatus.CLOSED})
"""States from which the customer's message re-opens the ticket [R17]."""

PAUSED = frozenset({TicketStatus.WAITING_ON_CUSTOMER, TicketStatus.WAITING_ON_VENDOR, TicketStatus.SCHEDULED})
"""States in which the ticket's clocks stop [R44]."""


def _table() -> dict[tuple[TicketStatus, Trigger], TicketStatus]:
    status, trigger = TicketStatus, Trigger
    working = (status.ASSIGNED, status.IN_PROGRESS)
    table = {
        (status.ASSIGNED, trigger.ANSWER): status.IN_PROGRESS,
        (status.WAITING_ON_CUSTOMER, trigger.CUSTOMER_MESSAGE): status.IN_PROGRESS,
        (status.WAITING_ON_VENDOR, trigger.DATE_REACHED): status.IN_PROGRESS,
        (status.SCHEDULED, trigger.DATE_REACHED): status.IN_PROGRESS,
        (status.RESOLVED, trigger.AUTO_CLOSE): status.CLOSED,
        (status.NEW, trigger.CANCEL): status.CANCELLED,
    }
    for active in ACTIVE:
        table[active, trigger.RESOLVE] = status.RESOLVED
        table[active, trigger.CUSTOMER_SOLVED] = status.RESOLVED
        table[active, trigger.MERGE] = status.MERGED
        # A ticket that somebody works on keeps its state when it is handed over.
        table[active, trigger.ASSIGN] = status.ASSIGNED if active is status.NEW else active
        # So does one that a tier gets: nobody of it has taken the ticket yet [R37].
        table[active, trigger.ESCALATE] = active
    for at_work in working:
        table[at_work, trigger.ASK_CUSTOMER] = status.WAITING_ON_CUSTOMER
        table[at_work, trigger.WAIT_FOR_VENDOR] = status.WAITING_ON_VENDOR
        table[at_work, trigger.SCHEDULE] = status.SCHEDULED
    for paused in PAUSED:
        table[paused, trigger.RESUME] = status.IN_PROGRESS
    for done in DONE:
        table[done, trigger.REOPEN] = status.ASSIGNED
        # A ticket that was done before anybody took it has no technician to go back to.
        table[done, trigger.REOPEN_UNASSIGNED] = status.NEW
    return table


TRANSITIONS = _table()
"""(state, trigger) -> state; a pair that is not here is refused."""


class Ticket(Struct, frozen=True):
    """The only record of a piece of work [R21]; immutable, changed by making a new one.

    All datetimes are aware and in UTC. ``assignee`` is an agent's id, ``tier`` that of the tier
    it was escalated to last [R37], which the desk may not have any more; ``answers`` are the survey's, by
    field id. ``due_at`` of a paused ticket counts the pause up to ``changed_at``; its clocks stand
    still [R44]. ``promised_at`` is when the customer was told to expect somebody [R25, R27].
    ``version`` counts the writes and settles conflicts between writers.
    """

    number: TicketNumber
    status: TicketStatus
    type: TicketType
    priority: Priority
    subject: str
    channel: str
    opened_at: datetime
    changed_at: datetime
    requester_name: str
    requester_email: str
    requester_phone: str
    company: str
    answers: tuple[tuple[str, str], ...] = ()
    assignee: str | None = None
    tier: str | None = None
    promised_at: datetime | None = None
    due_at: datetime | None = None
    waiting_until: datetime | None = None
    needed_by: datetime | None = None
    first_response_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution: str = ""
    workaround: str = ""
    merged_into: TicketNumber | None = None
    linked_to: TicketNumber | None = None
    priority_confirmed: bool = False
    version: int = 0

    @property
    def is_active(self) -> bool:
        """Whether somebody still has to do something."""
        return self.status in ACTIVE

    @property
    def is_paused(self) -> bool:
        """Whether it waits for somebody or a date, so that its clocks stand still [R44]."""
        return self.status in PAUSED

    @property
    def running_due_at(self) -> datetime | None:
        """When it is due, while its clock runs; None for a paused ticket and for one that is over."""
        return self.due_at if self.is_active and not self.is_paused else None

    @property
    def due_as_promised(self) -> bool:
        """Whether it is due by what the customer was promised, before its own targets or by chance [R25]."""
        return self.promised_at is not None and self.due_at == self.promised_at

    @property
    def is_done(self) -> bool:
        """Whether it is resolved or closed, so that its customer's message re-opens it [R17]."""
        return self.status in DONE


def can(status: TicketStatus, trigger: Trigger) -> bool:
    """Tell whether a ticket in ``status`` may take the step ``trigger``."""
    return (status, trigger) in TRANSITIONS


def transition(ticket: Ticket, trigger: Trigger, at: datetime) -> Ticket:
    """Return the ticket after the step ``trigger`` at ``at`` (aware, UTC).

    Raises TransitionRefused, naming the state and the step, for a pair that is not in TRANSITIONS.
    """
    try:
        status = TRANSITIONS[ticket.status, trigger]
    except KeyError:
        raise TransitionRefused(ticket.status.value, trigger.value) from None
    waiting_until = ticket.waiting_until if status in PAUSED else None
    resolved_at = ticket.resolved_at if status in DONE else None
    return replace(ticket, status=status, changed_at=at, waiting_until=waiting_until, resolved_at=resolved_at)


def format_number(prefix: str, number: int) -> str:
    """Write a ticket's number as people see it: HD-1001 [R13]."""
    return f"{prefix}-{number}"


def typed_number(prefix: str, text: str) -> TicketNumber | None:
    """Read a number as people type it, HD-1001 or 1001; None when it is not one of this desk's."""
    return parse_number(prefix, text if "-" in text else f"{prefix}-{text.strip()}")


def typed_priority(text: str) -> Priority | None:
    """Read a priority as people type it; None when it is none."""
    return next((priority for priority in Priority if priority == text.casefold()), None)


def parse_number(prefix: str, text: str) -> TicketNumber | None:
    """Read HD-1001 (any case, spaces around it allowed); None when it is not one of this desk's."""
    head, dash, digits = text.strip().partition("-")
    if not dash or head.casefold() != prefix.casefold() or not digits.isascii() or not digits.isdigit():
        return None
    return TicketNumber(int(digits)) if len(digits) < 16 else None
