"""The card of an escalated ticket in the channel of its tier: announced once, then brought up to date [R37].

The ticket's thread stays where it is: this card leads there, and what is written under it is passed on to
nobody. Teams cannot be asked whether a card arrived. One whose fate is unknown is not sent again: the tier's
technicians are told directly then, as where the channel refuses it [adapters.teams.outbound].
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urlencode

import structlog

from adapters.teams.card_parts import card_message, digest, text_message
from adapters.teams.gateway import Place
from adapters.teams.json_value import Document
from adapters.teams.memory import TicketCard, TierCard
from adapters.teams.services import TeamsServices
from adapters.teams.ticket_card import CardFacts, name_of, summary, ticket_card
from chatdesk.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from chatdesk.plain_text import shortened
from chatdesk.reading import TicketFile
from chatdesk.staff_news import MAX_WORDS
from chatdesk.ticket import TicketNumber
from chatdesk.tiers import Escalation, escalation_of

AGAIN = "{number} has been escalated again: its newer card is in this channel."
MESSAGE_LINK = "https://teams.microsoft.com/l/message"
"""Begins the address of a message in a channel ("Deep link to navigate to channel conversation")."""

log = structlog.get_logger(__name__)


async def show_tier_cards(
    services: TeamsServices, file: TicketFile, facts: CardFacts, own: TicketCard
) -> None:
    """Announce the ticket to the tier it waits for, unless that was done, and let its cards be as it is.

    ``own`` is the ticket's card: in the channel where that stands it gets no second one. Raises
    DeliveryDelayed to be called again.
    """
    number = file.ticket.number
    cards = await services.memory.tier_cards(number)
    due = _due(services, file, own, cards)
    for card in cards:
        if card.activity:
            again = due is not None and due.tier.teams == card.channel
            made = _said_again(services, facts) if again else _drawn(services, facts, card, own)
            await _update(services, number, card, made)
    if due is not None:
        await _announce(services, due, facts, own)


async def facts_there(services: TeamsServices, facts: CardFacts, thread: str) -> CardFacts:
    """Return what the ticket's card shows in that thread: of a tier's channel, or any other."""
    number, memory = facts.ticket.number, services.memory
    card = next((one for one in await memory.tier_cards(number) if one.thread == thread), None)
    own = await memory.card(number) if card is not None else None
    return facts if card is None or own is None else _facts_on(services, facts, card, own)


def _due(
    services: TeamsServices, file: TicketFile, own: TicketCard, cards: tuple[TierCard, ...]
) -> Escalation | None:
    """Return the escalation that is still to be announced."""
    found = escalation_of(services.config, file.ticket, file.history)
    if found is None or found.tier.teams in ("", own.channel):
        return None
    channel = found.tier.teams
    known = any(card.channel == channel and found.key in (card.news, card.untold) for card in cards)
    return None if known else found


async def _update(services: TeamsServices, number: TicketNumber, card: TierCard, made: Document) -> None:
    shown = digest(made)
    if card.shown == shown:
        return
    try:
        await services.gateway.update(Place(card.service_url, card.thread), card.activity, made)
    except DeliveryRefused as refused:
        # The ticket's own card is right all the same.
        log.warning("teams_tier_card_not_changed", ticket=number, error=str(refused))
        return
    await services.memory.keep_tier_card(number, replace(card, shown=shown))


async def _announce(services: TeamsServices, due: Escalation, facts: CardFacts, own: TicketCard) -> None:
    """Post the card, or let an earlier one follow the ticket on where it is not known to have got there.

    It is noted first: whoever is told twice is misled.
    """
    number, channel, memory = facts.ticket.number, due.tier.teams, services.memory
    before = next((card for card in await memory.tier_cards(number) if card.channel == channel), None)
    service = await memory.service_of(channel) or services.access.first_service_url
    card = TierCard(service, channel, "", "", due.key, shortened(due.words, MAX_WORDS))
    standing = replace(before, untold=due.key) if before else card
    await memory.keep_tier_card(number, standing)
    made = _drawn(services, facts, card, own)
    try:
        thread, activity = await services.gateway.begin_thread(Place(service, channel), made)
    except DeliveryDelayed:
        # With its earlier card, or as one that tells of nothing.
        await memory.keep_tier_card(number, before or replace(card, news=""))
        raise
    except (DeliveryRefused, DeliveryUnknown) as error:
        log.warning("teams_tier_not_told", ticket=number, tier=due.tier.id, error=str(error))
        if standing.activity:
            await _update(services, number, standing, _drawn(services, facts, standing, own))
        return
    root = thread.conversation
    posted = replace(card, thread=root, activity=activity or message_of(root), shown=digest(made))
    await memory.keep_tier_card(number, posted)


def _drawn(services: TeamsServices, facts: CardFacts, card: TierCard, own: TicketCard) -> Document:
    there = _facts_on(services, facts, card, own)
    return card_message(ticket_card(services.config, there), summary(services.config, there))


def _facts_on(services: TeamsServices, facts: CardFacts, card: TierCard, own: TicketCard) -> CardFacts:
    return replace(facts, escalated=card.words, thread=_address(services, own))


def _said_again(services: TeamsServices, facts: CardFacts) -> Document:
    return text_message(AGAIN.format(number=name_of(services.config, facts.ticket)))


def _address(services: TeamsServices, own: TicketCard) -> str:
    """Return where the ticket's own card is opened in Teams."""
    root = message_of(own.thread)
    query = urlencode({"tenantId": services.access.tenant, "parentMessageId": root})
    return f"{MESSAGE_LINK}/{quote(own.channel, safe='')}/{quote(root, safe='')}?{query}"


def message_of(thread: str) -> str:
    """Return the id of the message that a thread begins with."""
    return thread.partition(";messageid=")[2] or thread
