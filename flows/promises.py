"""What the desk promises and how it says so: computed dates in the customer's words [R25, R27, R28]."""

from __future__ import annotations

from datetime import datetime

from chatdesk.business_hours import Calendar
from chatdesk.config import Config
from chatdesk.situation import Situation
from chatdesk.sla import respond_by
from chatdesk.ticket import Ticket
from chatdesk.wording import describe_hours, say_date, say_time, say_when


def next_business_day(config: Config, calendar: Calendar, at: datetime) -> datetime | None:
    """Return when a technician will reach out to a contact made at ``at``, outside the hours [R27].

    The opening of the channel's own calendar; where that never opens, the next opening of the desk's
    other hours. Aware, UTC; None when no calendar of the desk ever opens.
    """
    opening = calendar.next_opening(at)
    if opening is not None:
        return opening
    always = {"always", "never"}
    for name, other in config.calendars.items():
        if name in always:
            continue
        closing = other.next_closing(at) if other.is_open(at) else at
        opening = other.next_opening(closing) if closing is not None else None
        if opening is not None:
            return opening
    return None


def after_hours_text(situation: Situation, ticket: Ticket, at: datetime) -> str:
    """Say once: the hours, the number, the date of the next business day, whom to call [R27-R29]."""
    desk = situation.config.desk
    calendar, name = situation.calendar, situation.ticket_name
    parts = [
        "Our chat is closed now."
        if calendar.never_open
        else f"Our chat is open {describe_hours(calendar, at)}.",
        f"Your request is ticket {name}; we have e-mailed you a copy.",
    ]
    if ticket.promised_at is not None:
        day = say_date(ticket.promised_at, desk.timezone)
        parts.append(
            f"A technician will contact you on {day}, from {say_time(ticket.promised_at, desk.timezone)}."
        )
    return _with_phone(situation, parts)


def call_back_text(situation: Situation, ticket: Ticket, at: datetime, opening: str) -> str:
    """Say when a technician will call back: ``opening`` tells why there is no chat now [R25]."""
    zone = situation.config.desk.timezone
    where = ticket.requester_phone or ticket.requester_email
    when = f" {say_when(ticket.promised_at, at, zone)}" if ticket.promised_at else " as soon as we can"
    return _with_phone(situation, [f"{opening} we will contact you at {where}{when}."])


def call_back_by(situation: Situation, ticket: Ticket, at: datetime) -> datetime | None:
    """Return by when a customer whom nobody answered will be contacted; aware, UTC."""
    return respond_by(situation.config, situation.conversation.channel, ticket.priority, at)


def work_has_stopped(situation: Situation, ticket: Ticket) -> bool:
    """Tell whether the customer said that work has stopped: the survey's strongest urgency [R29]."""
    matrix = situation.config.priority
    field = situation.config.survey.field(matrix.urgency_field)
    answer = dict(ticket.answers).get(matrix.urgency_field)
    return field is not None and bool(field.options) and answer == field.options[-1]


def _with_phone(situation: Situation, parts: list[str]) -> str:
    phone = situation.config.desk.phone
    if not phone:
        return " ".join(parts)
    if situation.ticket is not None and work_has_stopped(situation, situation.ticket):
        return " ".join([f"Call {phone} now, since your work has stopped.", *parts])
    return " ".join([*parts, f"If work has stopped completely, call {phone} now."])
