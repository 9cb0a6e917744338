"""Tickets and one another: a duplicate is merged, an unrelated matter is split off [R20]."""

from __future__ import annotations

from msgspec.structs import replace

from chatdesk.effects import MoveConversations, Post, Record, SplitOff, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.events import TicketMerged, TicketSplit
from chatdesk.mail_address import compared
from chatdesk.sender import STANDING, Standing, commenter, correspondent
from chatdesk.situation import Situation
from chatdesk.sla import due_by, earliest, open_promises, target_of
from chatdesk.ticket import Ticket, TicketNumber, TicketStatus, Trigger, format_number
from flows.ticket_edits import check_subject
from flows.ticket_moves import moved, tell


def merge(ticket: Ticket, event: TicketMerged, situation: Situation) -> TicketDecision:
    """Make the ticket part of another, which gets its conversations and owes what is promised in them.

    That it may be merged with that one was checked before [chatdesk.merging].
    """
    into = format_number(situation.config.desk.ticket_prefix, event.into)
    decision = moved(ticket, Trigger.MERGE, event.at, event.agent.author, situation, f"into {into}")
    merged = replace(decision.ticket, merged_into=event.into)
    decision = tell(replace(decision, ticket=merged), situation, f"Your request is now part of {into}.")
    # Last, so that everything before it still speaks of this ticket and to its own requester.
    promised = earliest(*open_promises(situation.promises))
    move = MoveConversations(event.into, event.agent.author, promised)
    return replace(decision, effects=(*decision.effects, move))


def split(ticket: Ticket, event: TicketSplit, situation: Situation) -> TicketDecision:
    """Open a new ticket from some of the conversation's messages and tell the customer its number.

    It is said here, and mailed as the first mail of the new ticket [R14].
    Raises EventRefused without messages or without a subject.
    """
    if situation.next_number is None or not event.messages:
        text = "Choose the messages that belong to the new ticket."
        raise EventRefused(text, code="empty", field="messages")
    asked = _as_asked(situation.ticket or ticket, situation)
    new = _split_off(asked, event, situation, situation.next_number)
    name = format_number(situation.config.desk.ticket_prefix, new.number)
    news = f"Part of your request is now ticket {name}: {new.subject}"
    split_off = SplitOff(new, situation.conversation, event.messages, news)
    record = Record("split", event.agent.author, f"into {name}: {new.subject}")
    return TicketDecision(ticket, (record, split_off, Post(situation.config.desk.author, news)))


def _as_asked(ticket: Ticket, situation: Situation) -> Ticket:
    """Return the ticket as whoever said it asks for it: of a merged one the requester of that part.

    Who only takes part by mail, or comments because it affects them, asks for it themselves, and the
    requester is not told of it [R20, R38]. What our mail server said of their mails is not kept: their
    address counts as typed.
    """
    conversation = situation.conversation
    address = correspondent(conversation.visitor) or commenter(conversation.visitor)
    if compared(address) in ("", compared(ticket.requester_email)):
        return ticket
    company = situation.config.company_of(address)
    name, company_name = conversation.customer_name or address, company.name if company else ""
    answers = {"name": name, "company": company_name, "email": address, STANDING: Standing.UNVERIFIED.value}
    return replace(
        ticket,
        channel=conversation.channel,
        requester_name=name,
        requester_email=address,
        requester_phone="",
        company=company_name,
        answers=tuple(answers.items()),
    )


def _split_off(ticket: Ticket, event: TicketSplit, situation: Situation, number: TicketNumber) -> Ticket:
    return replace(
        ticket,
        number=number,
        status=TicketStatus.NEW,
        subject=check_subject(event.subject),
        opened_at=event.at,
        changed_at=event.at,
        assignee=None,
        tier=None,
        promised_at=None,
        due_at=due_by(situation.config, ticket.channel, target_of(situation.config, ticket), event.at),
        waiting_until=None,
        needed_by=None,
        first_response_at=None,
        resolved_at=None,
        resolution="",
        workaround="",
        linked_to=ticket.number,
        version=0,
    )
