"""When the desk owes its next step: response and resolution targets turned into due times [R40, R41]."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatdesk.business_hours import Calendar
from chatdesk.config import Config
from chatdesk.duration import BusinessDays
from chatdesk.ticket import PAUSED, Priority, Ticket


def respond_by(config: Config, channel: str, priority: Priority, at: datetime) -> datetime | None:
    """Return when a person has to have answered a contact that came at ``at``; aware, UTC.

    The channel's ``first_contact`` and the priority's ``respond`` both bind: the earlier one counts.
    None when neither is configured.
    """
    settings = config.channels.get(channel)
    by_channel = by_priority = None
    if settings is not None and settings.first_contact is not None:
        by_channel = settings.calendar.add(at, settings.first_contact)
    target = config.sla.get(priority)
    if target is not None and target.respond is not None:
        by_priority = _add(config, target.clock, at, target.respond)
    return earliest(by_channel, by_priority)


def resolve_by(config: Config, priority: Priority, at: datetime) -> datetime | None:
    """Return when work that came at ``at`` has to be done; aware, UTC; None when there is no target."""
    target = config.sla.get(priority)
    if target is None or target.resolve is None:
        return None
    return _add(config, target.clock, at, target.resolve)


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
    clock = _clock(config, ticket.priority)
    held = clock.business_time_between(ticket.changed_at, at)
    return clock.add(due, held) if held else due


def due_for(config: Config, ticket: Ticket, priority: Priority, *, responded: bool) -> datetime | None:
    """Return when the ticket is due with that priority, before or after its first response; aware, UTC.

    Counted from the opening; what pauses and re-opening have added to the present due time is added to
    the new one too, in the open time of the new priority's clock. None when there is no target.
    """
    was_due = _target(config, ticket, ticket.priority, responded=ticket.first_response_at is not None)
    due = _target(config, ticket, priority, responded=responded)
    if due is None or was_due is None or ticket.due_at is None or ticket.due_at <= was_due:
        return due
    held = _clock(config, ticket.priority).business_time_between(was_due, ticket.due_at)
    return _clock(config, priority).add(due, held) if held else due


def _target(config: Config, ticket: Ticket, priority: Priority, *, responded: bool) -> datetime | None:
    if responded:
        return resolve_by(config, priority, ticket.opened_at)
    return respond_by(config, ticket.channel, priority, ticket.opened_at)


def _add(config: Config, clock: str, at: datetime, duration: timedelta | BusinessDays) -> datetime:
    if clock == "elapsed" and isinstance(duration, timedelta):
        return at + duration
    return config.calendars["always" if clock == "elapsed" else clock].add(at, duration)


def _clock(config: Config, priority: Priority) -> Calendar:
    target = config.sla.get(priority)
    name = target.clock if target else "elapsed"
    return config.calendars["always" if name == "elapsed" else name]
