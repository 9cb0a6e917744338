"""Which tiers of technicians a ticket can be escalated to, and which one somebody means [R37]."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from chatdesk.changes import HistoryEntry
from chatdesk.config import Config, TierSettings
from chatdesk.errors import EventRefused
from chatdesk.settings.values import listed
from chatdesk.ticket import Ticket, Trigger, can

UNDER_TIER_CARD = "This is not passed on. Write in {number}'s own thread, to which its card here leads."
"""What a technician is told who writes under a ticket's card in the channel of a tier."""


class Escalation(Struct, frozen=True):
    """How a ticket came to wait for a tier, ``at`` (aware, UTC), in words for staff.

    ``key`` tells it from the ticket's other news.
    """

    tier: TierSettings
    words: str
    key: str
    at: datetime


def escalation_of(config: Config, ticket: Ticket, history: Sequence[HistoryEntry]) -> Escalation | None:
    """Return the escalation after which the ticket waits for a tier; None for one that waits for none.

    ``history`` is the ticket's, oldest entry first.
    """
    tier = config.tier(ticket.tier or "")
    passed = [entry for entry in history if entry.what == Trigger.ESCALATE.value]
    if tier is None or not passed or not waits_for(ticket, tier):
        return None
    last = passed[-1]
    return Escalation(tier, say_escalated(last), news_key(last), last.at)


def say_escalated(entry: HistoryEntry) -> str:
    """Return what staff read of an escalation to a tier."""
    return f"{entry.by.name} has escalated a ticket to {entry.why}"


def news_key(entry: HistoryEntry) -> str:
    """Return what tells this news of a ticket from its others."""
    return f"{entry.what} {entry.at.isoformat()}"


def waits_for(ticket: Ticket, tier: TierSettings) -> bool:
    """Tell whether the ticket was escalated to the tier and nobody has taken it since."""
    return ticket.is_active and ticket.assignee is None and ticket.tier == tier.id


def tiers_open_to(config: Config, ticket: Ticket) -> tuple[TierSettings, ...]:
    """Return the tiers that the ticket can be escalated to as it is now; none where it is over."""
    if not can(ticket.status, Trigger.ESCALATE):
        return ()
    return tuple(tier for tier in config.tiers if not waits_for(ticket, tier))


def tier_named(config: Config, words: str) -> TierSettings | None:
    """Return the tier whose id or name the words are, in any capitals, or None."""
    said = words.strip().casefold()
    return next((tier for tier in config.tiers if said in (tier.id, tier.name.casefold())), None)


def begun_by(config: Config, text: str) -> tuple[TierSettings, str]:
    """Return the tier whose id or name the text begins with, in any capitals, and what follows it.

    Raises EventRefused, with the tiers there are, for a text that begins with none.
    """
    told = text.strip()
    names = [(word, tier) for tier in config.tiers for word in (tier.id, tier.name)]
    for word, tier in sorted(names, key=lambda named: -len(named[0])):
        rest = told[len(word) :]
        if told[: len(word)].casefold() == word.casefold() and (not rest or not rest[0].isalnum()):
            return tier, rest.lstrip(" :,").rstrip()
    if not config.tiers:
        raise EventRefused("This desk has no tiers.", code="tier", field="tier")
    known = listed((tier.id for tier in config.tiers), "or")
    raise EventRefused(f"Name a tier after the ticket: {known}.", code="tier", field="tier")
