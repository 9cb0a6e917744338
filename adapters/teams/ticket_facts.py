"""Reads what cards and messages of a ticket are made from."""

from __future__ import annotations

from dataclasses import replace

from adapters.teams.hand_over import choices_for
from adapters.teams.merged_chats import held_for
from adapters.teams.services import TeamsServices
from adapters.teams.ticket_card import CardFacts, name_of
from chatdesk.affected import named
from chatdesk.conversation import Conversation, ConversationId, Live, Message
from chatdesk.errors import EventRefused, NotFound
from chatdesk.reading import TicketFile, TicketLine, followed
from chatdesk.ticket import Ticket, TicketNumber, format_number


async def read_file(services: TeamsServices, number: TicketNumber) -> TicketFile:
    """Return the whole ticket. Raises NotFound."""
    file = await services.staff_reads.ticket_file(number)
    if file is None:
        raise NotFound("The ticket")
    return file


async def facts_of_file(services: TeamsServices, file: TicketFile) -> CardFacts:
    """Return what the ticket's card shows."""
    held = await held_for(services, file.ticket.number, file.conversations)
    facts = await facts_of_card(services, TicketLine(file.ticket, held))
    return replace(facts, rating=file.ratings[-1].words) if file.ratings else facts


async def facts_of_card(services: TeamsServices, line: TicketLine) -> CardFacts:
    """Return what the ticket's card shows, from a line of a list."""
    choices = tuple((one.value, one.title) for one in await choices_for(services, line.ticket))
    affected = named(await services.staff_reads.affected(line.ticket.number))
    return replace(await facts_of_line(services, line), choices=choices, affected=affected)


async def facts_of_line(services: TeamsServices, line: TicketLine) -> CardFacts:
    """Return what a line of a list shows of the ticket."""
    ticket = line.ticket
    looks_after = await _name(services, ticket.assignee)
    answers = looks_after or await _name(services, first_in_chat(line.conversation))
    base = services.config.desk.public_url
    link = f"{base}/console#{name_of(services.config, ticket)}" if base else ""
    return CardFacts(ticket, line.conversation, looks_after, link, answering=answers)


async def read_facts(services: TeamsServices, number: TicketNumber) -> CardFacts:
    """Return what the ticket's card shows. Raises NotFound."""
    return await facts_of_file(services, await read_file(services, number))


async def conversation_at(services: TeamsServices, number: TicketNumber) -> tuple[Ticket, Conversation]:
    """Return the ticket, and the conversation that is held in the thread of its card.

    Where it was merged that is a chat which goes on, of the ticket that it is part of now. Raises NotFound,
    and EventRefused, saying where to go, once that chat is over.
    """
    file = await read_file(services, number)
    if file.ticket.merged_into is not None:
        into = await followed(services.staff_reads, number)
        file = await read_file(services, into.number if into else number)
    found = await held_for(services, number, file.conversations)
    if found is not None:
        return file.ticket, found
    if file.ticket.number == number:
        raise NotFound("The ticket's conversation")
    here, there = (format_number(services.config.desk.ticket_prefix, n) for n in (number, file.ticket.number))
    raise EventRefused(f"{here} is part of {there} now; write in the thread of {there}.", code="merged")


async def read_message(services: TeamsServices, conversation: ConversationId, seq: int) -> Message | None:
    """Return the message as it is now."""
    found = await services.staff_reads.messages(conversation, seq - 1)
    return next((message for message in found if message.seq == seq), None)


def first_in_chat(conversation: Conversation | None) -> str | None:
    """Return the technician who took the live chat first; None where there is none."""
    state = conversation.state if conversation else None
    return state.agents[0] if isinstance(state, Live) else None


async def _name(services: TeamsServices, agent: str | None) -> str:
    account = await services.staff.account(agent) if agent else None
    return account.name if account else ""
