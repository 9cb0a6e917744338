"""After hours: the answers become a ticket at once, with the number and a computed date [R27-R29]."""

from __future__ import annotations

from msgspec.structs import replace

from chatdesk.changes import OPENED, OUTSIDE_HOURS
from chatdesk.conversation import Ticketed
from chatdesk.effects import Announce, Decision, MailKind, MailRequester, OpenTicket, Post, Record
from chatdesk.events import SurveySubmitted
from chatdesk.situation import Situation
from chatdesk.sla import earliest, next_business_day
from chatdesk.ticket import Ticket, TicketStatus
from flows.promises import after_hours_text
from flows.queueing import say


def open_ticket(event: SurveySubmitted, situation: Situation, ticket: Ticket, first: Post) -> Decision:
    """Open the ticket and promise the date of the next business day, said once [R27, R28].

    ``first`` is the customer's own description, which begins the conversation.
    """
    promised = next_business_day(situation.config, situation.calendar, event.at)
    # The promise and the policy both bind: the earlier one counts, as around the clock for an outage.
    ticket = replace(ticket, promised_at=promised, due_at=earliest(promised, ticket.due_at))
    text = after_hours_text(situation, ticket, event.at)
    effects = (
        OpenTicket(ticket),
        Record(OPENED, first.author, why=OUTSIDE_HOURS, after=TicketStatus.NEW),
        first,
        say(situation, text),
        MailRequester(MailKind.OPENED, text),
        Announce("ticket after hours"),
    )
    return Decision(Ticketed(promised, earliest=promised is not None), effects)
