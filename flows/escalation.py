"""A ticket that comes near its target escalates: all staff are told in time [R43]."""

from __future__ import annotations

from datetime import datetime

from chatdesk.conversation import Visibility
from chatdesk.effects import Announce, Post, Record, TicketDecision
from chatdesk.escalation import ESCALATED
from chatdesk.situation import Situation
from chatdesk.ticket import Ticket
from chatdesk.wording import say_when


def escalate(ticket: Ticket, due: datetime, at: datetime, situation: Situation) -> TicketDecision:
    """Write a note for all staff onto a ticket that is due at ``due``, unless that has changed since."""
    if ticket.running_due_at != due:
        return TicketDecision(ticket)
    author, zone = situation.config.desk.author, situation.config.desk.timezone
    when = "is overdue" if due <= at else f"is due {say_when(due, at, zone)}"
    missing = "not answered" if ticket.first_response_at is None else "not resolved"
    nobody = "" if ticket.assignee else " Nobody has taken it."
    text = f"{situation.ticket_name} {when} and {missing} yet.{nobody}"
    note = Post(author, text, Visibility.INTERNAL)
    return TicketDecision(ticket, (Record(ESCALATED, author, when), note, Announce(ESCALATED)))
