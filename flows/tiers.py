"""A technician passes a ticket on to a tier of the desk's: nobody's until somebody takes it [R37].

A ticket that comes near its target escalates by itself, to all staff: that is flows.escalation [R43].
"""

from __future__ import annotations

from msgspec.structs import replace

from chatdesk.conversation import Visibility
from chatdesk.effects import Post, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.events import TicketEscalated
from chatdesk.situation import Situation
from chatdesk.ticket import Ticket, Trigger
from chatdesk.tiers import waits_for
from flows.ticket_moves import moved, tell


def pass_to_tier(ticket: Ticket, event: TicketEscalated, situation: Situation) -> TicketDecision:
    """Give the ticket to the tier and take it from its technician; its state and clocks go on as they were.

    The customer reads where it is, never why [R38]. Who is in their chat stays in it [flows.live_chat].
    Raises EventRefused for a tier that the desk does not have, without a reason, and for a ticket that waits
    for that tier already; TransitionRefused for one that is over.
    """
    tier = situation.config.tier(event.tier)
    if tier is None:
        raise EventRefused("Choose a tier of the desk's.", code="tier", field="tier")
    if not event.reason.strip():
        raise EventRefused("Say why it is escalated; technicians read it.", code="empty", field="reason")
    if waits_for(ticket, tier):
        text = f"{situation.ticket_name} waits for {tier.name} already."
        raise EventRefused(text, code="tier", field="tier")
    by, why = event.agent.author, f"{tier.name}: {event.reason.strip()}"
    decision = moved(ticket, Trigger.ESCALATE, event.at, by, situation, why)
    # The threads of Slack and Teams show no history: there the tier reads the reason as a note.
    note = Post(by, f"Escalated to {why}", Visibility.INTERNAL)
    after = replace(decision.ticket, assignee=None, tier=tier.id)
    passed = TicketDecision(after, (*decision.effects, note))
    return tell(passed, situation, f"{situation.ticket_name} has been passed to our {tier.name}.")
