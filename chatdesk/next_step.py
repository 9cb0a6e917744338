"""What happens next and by when, in the customer's words [R28]."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatdesk.config import Config
from chatdesk.ticket import Ticket, TicketStatus, format_number
from chatdesk.wording import say_date, say_moment, say_time, say_zone

_INSTANT = timedelta(microseconds=1)


def next_step(config: Config, ticket: Ticket, at: datetime, answer: str) -> str:
    """Return what the requester may expect, as seen at ``at`` (aware); "" when there is nothing to say.

    Days are named by date, since it may be read on another day than it was written. ``answer`` says how they
    can answer where they read it: "Write here".
    """
    prefix, zone = config.desk.ticket_prefix, config.desk.timezone
    number = format_number(prefix, ticket.number)
    match ticket.status:
        case TicketStatus.NEW | TicketStatus.ASSIGNED:
            return _first_contact(config, ticket, at)
        case TicketStatus.IN_PROGRESS:
            return "A technician is working on it."
        case TicketStatus.WAITING_ON_CUSTOMER:
            return "We need your answer to go on."
        case TicketStatus.WAITING_ON_VENDOR:
            day = ticket.waiting_until and say_date(ticket.waiting_until, at, zone)
            until = f" on {day} at the latest" if day else ""
            return f"We are waiting for a supplier and will come back to you{until}."
        case TicketStatus.SCHEDULED if ticket.waiting_until:
            return f"The work is planned for {say_moment(ticket.waiting_until, at, zone)}."
        case TicketStatus.RESOLVED | TicketStatus.CLOSED:
            return f"Not solved? {answer} and {number} re-opens."
        case TicketStatus.MERGED if ticket.merged_into:
            return f"Your request goes on as {format_number(prefix, ticket.merged_into)}."
    return ""


def _first_contact(config: Config, ticket: Ticket, at: datetime) -> str:
    promised = ticket.promised_at or ticket.due_at
    if ticket.first_response_at is not None or promised is None:
        return "A technician will contact you."
    if promised <= at:
        return "A technician will contact you as soon as possible."
    if _is_opening(config, promised):
        return f"A technician will contact you on {say_moment(promised, at, config.desk.timezone)}."
    return f"A technician will contact you {_before(promised, at, config)}."


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
