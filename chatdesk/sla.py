"""When the desk owes its next step: response and resolution targets turned into due times [R40, R41]."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from chatdesk.business_hours import Calendar
from chatdesk.config import Config, SlaTarget
from chatdesk.conversation import ConversationId
from chatdesk.duration import Duration
from chatdesk.ticket import PAUSED, Ticket, TicketNumber

Pauses = Sequence[tuple[datetime, datetime]]
"""Spans (from, until) in which a ticket's clocks stood still [R44]."""


class Counted(Struct, frozen=True):
    """How a ticket's time counts: from its opening or its last re-opening on, but not during its pauses."""

    begun_at: datetime
    pauses: tuple[tuple[datetime, datetime], ...] = ()


class Promise(Struct, frozen=True):
    """What one of a ticket's people was told: a technician contacts them by ``by`` (UTC) [R25, R27].

    ``person`` is the ticket they opened, None for the one at hand [R20]; ``conversation`` is where it was
    told, at ``made_at``. The next human public message to them, at ``kept_at``, keeps it; None: not yet.
    """

    person: TicketNumber | None
    conversation: ConversationId
    by: datetime
    made_at: datetime
    kept_at: datetime | None = None


def target_of(config: Config, ticket: Ticket) -> SlaTarget | None:
    """Return the targets that the ticket has, by its type or its priority [R41]."""
    return config.target(ticket.priority, ticket.type)


def respond_by(
    config: Config, channel: str, target: SlaTarget | None, at: datetime, pauses: Pauses = ()
) -> datetime | None:
    """Return when a person has to have answered a contact that came at ``at``; aware, UTC.

    The channel's ``first_contact`` and the ``respond`` of the ticket's ``target`` both bind: the earlier one
    counts. None when neither is configured.
    """
    settings = config.channels.get(channel)
    by_channel = by_target = None
    if settings is not None and settings.first_contact is not None:
        by_channel = settings.calendar.add_with_pauses(at, settings.first_contact, pauses)
    if target is not None and target.respond is not None:
        by_target = _add(config, target.clock, at, target.respond, pauses)
    return earliest(by_channel, by_target)


def resolve_by(
    config: Config, target: SlaTarget | None, at: datetime, pauses: Pauses = ()
) -> datetime | None:
    """Return when work that came at ``at`` has to be done; aware, UTC; None when there is no target."""
    if target is None or target.resolve is None:
        return None
    return _add(config, target.clock, at, target.resolve, pauses)


def due_by(
    config: Config, channel: str, target: SlaTarget | None, at: datetime, pauses: Pauses = ()
) -> datetime | None:
    """Return when a ticket is due that came at ``at`` and nobody has answered yet; aware, UTC.

    By its answer; where no target says when that is owed, as for planned work, by its end. None without any.
    """
    due = respond_by(config, channel, target, at, pauses)
    return due if due is not None else resolve_by(config, target, at, pauses)


def earliest(*dues: datetime | None) -> datetime | None:
    """Return the one that counts where several bind, as a promise and a target; None without any."""
    return min((due for due in dues if due is not None), default=None)


def next_business_day(config: Config, calendar: Calendar, at: datetime) -> datetime | None:
    """Return when a technician will reach out to a contact made at ``at``, outside the hours [R27].

    The opening of the channel's own calendar; where that never opens, the next business day of the
    desk's other hours. Aware, UTC; None when no calendar of the desk ever opens.
    """
    opening = calendar.next_opening(at)
    if opening is not None:
        return opening
    others = (other for other in config.calendars.values() if not other.always_open)
    return next((day for other in others if (day := other.next_business_day(at)) is not None), None)


def due_after_pause(config: Config, ticket: Ticket, at: datetime) -> datetime | None:
    """Return the ticket's due time if its pause, should it be in one, ended at ``at``; aware, UTC [R44].

    The open time since ``changed_at`` is added to it: whoever changes a paused ticket moves the due time
    along, so that ``changed_at`` is where the pause has been counted up to. A ticket that was due before
    its pause stays due.
    """
    due = ticket.due_at
    if ticket.status not in PAUSED or due is None or not ticket.changed_at < min(due, at):
        return due
    clock = _clock(config, ticket)
    held = clock.business_time_between(ticket.changed_at, at)
    return clock.add(due, held) if held else due


def due_for(config: Config, ticket: Ticket, counted: Counted, *, responded: bool) -> datetime | None:
    """Return when the ticket is due as it is now, before or after its first response; aware, UTC.

    Counted on the clock of its present priority and type alone, whatever they have been. None when there
    is no target.
    """
    target, begun_at, pauses = target_of(config, ticket), counted.begun_at, counted.pauses
    if responded:
        return resolve_by(config, target, begun_at, pauses)
    return due_by(config, ticket.channel, target, begun_at, pauses)


def open_promises(promises: Iterable[Promise], but: Collection[TicketNumber | None] = ()) -> list[datetime]:
    """Return by when the people still wait for what they were promised, without those in ``but`` [R25]."""
    return [each.by for each in promises if each.kept_at is None and each.person not in but]


def due_after_response(config: Config, ticket: Ticket) -> datetime | None:
    """Return when the ticket is due once its first response was given; aware, UTC; None without a target.

    It needs no history: what pauses and re-opening have added to the time before it is added to the time
    to resolve, which the same clock counts.
    """
    target = target_of(config, ticket)
    due = resolve_by(config, target, ticket.opened_at)
    was_due = due_by(config, ticket.channel, target, ticket.opened_at)
    if due is None or was_due is None or ticket.due_at is None or ticket.due_at <= was_due:
        return due
    clock = _clock(config, ticket)
    held = clock.business_time_between(was_due, ticket.due_at)
    return clock.add(due, held) if held else due


def _add(config: Config, clock: str, at: datetime, duration: Duration, pauses: Pauses) -> datetime:
    return _calendar(config, clock).add_with_pauses(at, duration, pauses)


def _clock(config: Config, ticket: Ticket) -> Calendar:
    target = target_of(config, ticket)
    return _calendar(config, target.clock if target else "elapsed")


def _calendar(config: Config, clock: str) -> Calendar:
    return config.calendars["always" if clock == "elapsed" else clock]
