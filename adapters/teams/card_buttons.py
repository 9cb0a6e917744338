"""Buttons of cards (Action.Execute): the step is taken, and the card that is pressed shows the result."""

from __future__ import annotations

from adapters.teams import calls, customers
from adapters.teams.incoming import texts_of
from adapters.teams.json_value import Json, object_at, text_at, value_at
from adapters.teams.ticket_card import kept_fresh, ticket_card
from adapters.teams.ticket_facts import read_facts
from adapters.teams.ticket_steps import Step, take_step
from adapters.teams.tier_cards import facts_there
from adapters.teams.turn import Reply, Turn, card_reply, message_reply
from chatdesk.errors import DeskStopped, EventRefused, StorageError
from chatdesk.ticket import TicketNumber

TRY_AGAIN = "This could not be saved just now. Please try again."
NOT_STAFF = "Only technicians of the desk can do this. If you are one, write to me directly: link"


async def press(turn: Turn) -> Reply:
    """Answer an invoke of a card, or a card sent as a message (Action.Submit)."""
    # A card sent by Action.Submit has its fields and its verb side by side, without an action around them.
    action = object_at(turn.incoming.value, "action")
    verb = text_at(action, "verb") or text_at(turn.incoming.value, "verb")
    data = object_at(action, "data") or turn.incoming.value
    try:
        if verb.startswith("customer_"):
            return await customers.press(turn, verb, data)
        if turn.agent is None:
            return message_reply(NOT_STAFF)
        if verb == calls.VERB:
            return await calls.log(turn, turn.agent, data)
        return await _ticket_button(turn, verb, data)
    except EventRefused as refused:
        return message_reply(str(refused))
    except (StorageError, DeskStopped):
        return message_reply(TRY_AGAIN)


async def _ticket_button(turn: Turn, verb: str, data: Json) -> Reply:
    number = value_at(data, "ticket")
    if not isinstance(number, int) or turn.agent is None:
        raise EventRefused("This button is not known any more; open the ticket again.", code="unknown")
    services, ticket = turn.services, TicketNumber(number)
    if verb != "show":
        step = Step(turn.agent, ticket, verb, turn.incoming.key, texts_of(data))
        _ = await take_step(services, step)
    facts, incoming = await read_facts(services, ticket), turn.incoming
    if incoming.is_personal:
        return card_reply(kept_fresh(ticket_card(services.config, facts), number, incoming.person.id))
    there = await facts_there(services, facts, incoming.place.conversation)
    return card_reply(ticket_card(services.config, there))
