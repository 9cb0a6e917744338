"""What the desk promises and how it says so: computed dates in the customer's words [R25, R27, R28]."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatdesk.sender import is_vouched
from chatdesk.situation import Situation
from chatdesk.sla import respond_by, target_of
from chatdesk.ticket import Ticket
from chatdesk.wording import describe_hours, say_date, say_moment, say_time, say_when


def after_hours_text(situation: Situation, ticket: Ticket, at: datetime) -> str:
    """Say once: the hours, the number, the date of the next business day, whom to call [R27-R29]."""
    calendar, zone = situation.calendar, situation.config.desk.timezone
    hours = "closed now" if calendar.never_open else f"open {describe_hours(calendar, at)}"
    whose = "chat" if situation.conversation.channel == "web" else "help desk"
    parts = [
        f"Our {whose} is {hours}.",
        f"Your request is ticket {situation.ticket_name}; we have e-mailed you a copy.",
    ]
    promised = ticket.promised_at
    if promised is None:
        parts.append("A technician will contact you as soon as possible.")
    else:
        moment = f"{say_date(promised, at, zone)}, from {say_time(promised, zone)}"
        # Where the hours have named this time zone, it is not said again.
        named = not calendar.never_open and calendar.timezone == zone
        moment = moment if named else say_moment(promised, at, zone)
        parts.append(f"A technician will contact you on {moment}.")
    return _with_phone(situation, ticket, parts)


def added_after_hours_text(
    situation: Situation, ticket: Ticket, promised: datetime | None, at: datetime
) -> str:
    """Say that a message came outside the hours, at ``at``, and when somebody will answer it [R19, R28]."""
    zone = situation.config.desk.timezone
    when = f"on {say_moment(promised, at, zone)}" if promised else "as soon as possible"
    parts = [added_words(situation, ticket), f"A technician will contact you {when}."]
    return _with_phone(situation, ticket, parts)


def call_back_text(
    situation: Situation, ticket: Ticket, at: datetime, opening: str, *, mailed: bool = False
) -> str:
    """Say when a technician will call back: ``opening`` tells why there is no chat now [R25].

    ``mailed``, it names no number to an address that was only typed: anybody typed both [threat 37].
    """
    named = is_vouched(ticket) or not mailed
    where = (ticket.requester_phone or ticket.requester_email) if named else ""
    contact = f"contact you at {where}" if where else "contact you"
    when = _say_call_back(situation, ticket.promised_at, at) if ticket.promised_at else "as soon as we can"
    return _with_phone(situation, ticket, [f"{opening} we will {contact} {when}."])


def call_back_by(situation: Situation, ticket: Ticket, at: datetime) -> datetime | None:
    """Return by when a customer whom nobody answered will be contacted; aware, UTC.

    A promise to them that is still to be kept stands. Where targets count elapsed time, one that would fall
    outside the hours is made for the next opening instead: nobody is there before.
    """
    own = situation.own_promise
    if own is not None and own.by > at:
        return own.by
    target = target_of(situation.config, ticket)
    due = respond_by(situation.config, situation.conversation.channel, target, at)
    if due is None or target is None or target.clock != "elapsed":
        return due
    return situation.calendar.next_opening(due) or due


def is_opening(situation: Situation, promised: datetime | None) -> bool:
    """Tell whether the desk opens at ``promised``: contact comes from then on, not before."""
    calendar = situation.calendar
    if promised is None or not calendar.is_open(promised):
        return False
    return not calendar.is_open(promised - timedelta(microseconds=1))


def work_has_stopped(situation: Situation, ticket: Ticket) -> bool:
    """Tell whether the customer said that work has stopped: the survey's strongest urgency [R29]."""
    matrix = situation.config.priority
    field = situation.config.survey.field(matrix.urgency_field)
    answer = dict(ticket.answers).get(matrix.urgency_field)
    return field is not None and bool(field.options) and answer == field.options[-1]


def added_words(situation: Situation, ticket: Ticket) -> str:
    """Say what became of a message that came when nobody was in the chat [R17, R19]."""
    name = situation.ticket_name
    return f"{name} is open again." if ticket.is_done else f"Your message was added to {name}."


def closing_words(situation: Situation) -> str:
    """Say that the ticket is done and how it re-opens [R17]."""
    done = "resolved" if situation.config.tickets.auto_close else "closed"
    return f"{situation.ticket_name} is {done}. Not solved? Reply here or to our e-mail and it re-opens."


def cancelled_words(situation: Situation) -> str:
    """Say that the ticket was cancelled, which cannot be undone, and what to do instead [R10]."""
    phone = situation.config.desk.phone
    instead = f"start a new chat or call {phone}" if phone else "start a new chat"
    return f"{situation.ticket_name} was cancelled. If you still need help, please {instead}."


def _say_call_back(situation: Situation, promised: datetime, at: datetime) -> str:
    zone = situation.config.desk.timezone
    if is_opening(situation, promised):
        return f"on {say_moment(promised, at, zone)}"
    when = say_when(promised, at, zone)
    return when if when.startswith(("today", "tomorrow")) else f"on {when}"


def _with_phone(situation: Situation, ticket: Ticket, parts: list[str]) -> str:
    phone = situation.config.desk.phone
    if not phone:
        return " ".join(parts)
    if work_has_stopped(situation, ticket):
        return " ".join([f"Call {phone} now, since your work has stopped.", *parts])
    return " ".join([*parts, f"If work has stopped completely, call {phone} now."])
