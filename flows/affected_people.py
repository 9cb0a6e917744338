"""Whom a ticket affects besides its requester: staff name them, and take them off again [R33]."""

from __future__ import annotations

from msgspec.structs import replace

from chatdesk.affected import MOST_AFFECTED, AffectedPerson
from chatdesk.changes import AFFECTED_NO_LONGER, NOW_AFFECTED
from chatdesk.effects import Affect, Record, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.events import TicketAffects
from chatdesk.mail_address import compared
from chatdesk.sender import LONGEST_ADDRESS
from chatdesk.situation import Situation
from chatdesk.ticket import Ticket
from flows.message_text import clean
from flows.pre_chat_survey import is_email

MAX_NAME = 100


def change_affected(ticket: Ticket, event: TicketAffects, situation: Situation) -> TicketDecision:
    """Name somebody whom the ticket affects, or take them off; what is so already changes nothing.

    Raises EventRefused for a ticket that is merged or cancelled, for what is no address, for a requester,
    and for one person too many.
    """
    if not (ticket.is_active or ticket.is_done):
        text = f"{situation.ticket_name} is {ticket.status.value}; it cannot be changed."
        raise EventRefused(text, code="ticket_over")
    named = next((p for p in situation.affected if p.mailbox == compared(event.address)), None)
    if event.affected == (named is not None):
        return TicketDecision(ticket)
    if named is not None:
        people = tuple(person for person in situation.affected if person is not named)
        return _changed(ticket, event, people, AFFECTED_NO_LONGER, named)
    person = _named(ticket, event, situation)
    return _changed(ticket, event, (*situation.affected, person), NOW_AFFECTED, person)


def _named(ticket: Ticket, event: TicketAffects, situation: Situation) -> AffectedPerson:
    address, name = event.address.strip(), " ".join(clean(event.name).split())
    if not is_email(address):
        text = "Enter an e-mail address such as dana@example.com."
        raise EventRefused(text, code="address", field="address")
    if len(address) > LONGEST_ADDRESS:
        text = f"An e-mail address has at most {LONGEST_ADDRESS} characters here."
        raise EventRefused(text, code="address", field="address")
    if len(name) > MAX_NAME:
        raise EventRefused(f"A name has at most {MAX_NAME} characters.", code="name", field="name")
    if compared(address) in situation.requesters:
        text = f"{address} opened this ticket and sees it already."
        raise EventRefused(text, code="requester", field="address")
    if len(situation.affected) >= MOST_AFFECTED:
        text = f"A ticket can affect at most {MOST_AFFECTED} people. Take somebody off first."
        raise EventRefused(text, code="too_many", field="address")
    return AffectedPerson(ticket.number, address, name or address)


def _changed(
    ticket: Ticket, event: TicketAffects, people: tuple[AffectedPerson, ...], what: str, whom: AffectedPerson
) -> TicketDecision:
    record = Record(what, event.agent.author, whom.words)
    return TicketDecision(replace(ticket, changed_at=event.at), (Affect(people), record))
