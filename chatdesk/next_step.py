"""What happens next and by when, in the customer's words [R28]."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatdesk.config import Config
from chatdesk.ticket import Ticket, TicketStatus, format_number
from chatdesk.wording import say_date, say_moment, say_time, say_zone

_INSTANT = timedelta(microseconds=1)


def next_step(
    config: Config, ticket: Ticket, at: datetime, answer: str, *, whom: str = "you", waits_for: str = "your"
) -> str:
    """Return what the requester may expect, as seen at ``at`` (aware); "" when there is nothing to say.

    Days are named by date, since it may be read on another day than it was written. ``answer`` says how they
    can answer where they read it, "Write here", and is "" for whoever cannot open the ticket again. ``whom``
    will be contacted, and ``waits_for`` says whose answer the work waits for.
    """
    prefix, zone = config.desk.ticket_prefix, config.desk.timezone
    number = format_number(prefix, ticket.number)
    match ticket.status:
        case TicketStatus.NEW | TicketStatus.ASSIGNED:
            return _first_contact(config, ticket, at, whom)
        case TicketStatus.IN_PROGRESS if _is_owed(ticket, at):
            return _first_contact(config, ticket, at, whom)
        case TicketStatus.IN_PROGRESS:
            return "A technician is working on it."
        case TicketStatus.WAITING_ON_CUSTOMER:
            return f"We need {waits_for} answer to go on."
        case TicketStatus.WAITING_ON_VENDOR:
            day = ticket.waiting_until and say_date(ticket.waiting_until, at, zone)
            until = f" on {day} at the latest" if day else ""
            return f"We are waiting for a supplier and will come back to {whom}{until}."
        case TicketStatus.SCHEDULED if ticket.waiting_until:
            return f"The work is planned for {say_moment(ticket.waiting_until, at, zone)}."
        case TicketStatus.RESOLVED | TicketStatus.CLOSED if answer and takes_more(config, ticket, at):
            return f"Not solved? {answer} and {number} re-opens."
        case TicketStatus.MERGED if ticket.merged_into:
            return f"Your request goes on as {format_number(prefix, ticket.merged_into)}."
    return ""


def next_step_beside(config: Config, ticket: Ticket, at: datetime) -> str:
    """Return the same as somebody reads it whom the ticket only affects: others are contacted [R33]."""
    return next_step(config, ticket, at, "", whom="the requester", waits_for="the requester's")


def takes_more(config: Config, ticket: Ticket, at: datetime) -> bool:
    """Tell whether the requester can still add to the ticket at ``at``; one that is done re-opens [R17]."""
    window = config.tickets.reopen_window
    if not ticket.is_done or window is None or ticket.resolved_at is None:
        return ticket.is_active or ticket.is_done
    return at <= ticket.resolved_at + window


def _is_owed(ticket: Ticket, at: datetime) -> bool:
    """Tell whether the customer was promised contact after ``at`` and still waits for it."""
    return ticket.due_as_promised and ticket.promised_at is not None and ticket.promised_at > at


def _first_contact(config: Config, ticket: Ticket, at: datetime, whom: str) -> str:
    promised = ticket.promised_at or ticket.due_at
    contact = f"A technician will contact {whom}"
    if promised is None or (ticket.first_response_at is not None and not _is_owed(ticket, at)):
        return f"{contact}."
    if promised <= at:
        return f"{contact} as soon as possible."
    if _is_opening(config, promised):
        return f"{contact} on {say_moment(promised, at, config.desk.timezone)}."
    return f"{contact} {_before(promised, at, config)}."


def _before(moment: datetime, at: datetime, config: Config) -> str:
    zone = config.desk.timezone
    return f"on {say_date(moment, at, zone)}, before {say_time(moment, zone)} {say_zone(moment, zone)}"


def _is_opening(config: Config, moment: datetime) -> bool:
    """Tell whether the desk opens at that moment: then it was promised as the earliest, not the latest."""
    calendars = [*config.calendars.values(), *(channel.calendar for channel in config.channels.values())]
    calendars += [widget.calendar for widget in config.widgets]
    return any(
        not calendar.always_open and calendar.next_opening(moment - _INSTANT) == moment
        for calendar in calendars
    )
