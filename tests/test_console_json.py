"""What the console is told of a ticket."""

from __future__ import annotations

from adapters.web.console_json import ticket_json
from chatdesk.reading import TicketFile
from chatdesk.ticket import Priority, Ticket
from tests.desk_builders import MARCUS, NORTHWIND, at, conversation, ticket


def told(made: Ticket) -> dict[str, object]:
    file = TicketFile(made, (conversation(),), (), (), (), ())
    return {**ticket_json(file, NORTHWIND, {MARCUS.id: MARCUS.name}, MARCUS.id)}


def test_a_mail_of_low_priority_is_due_by_its_channels_six_hours() -> None:
    made = ticket(channel="email", priority=Priority.LOW, due_at=at("09-15 16:12"))
    assert told(made)["due_because"] == "A first answer within 6 hours (E-mail, desk hours)."
