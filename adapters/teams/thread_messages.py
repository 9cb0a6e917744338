"""Messages in a ticket's thread: replies to the customer, internal notes, and talk that is nobody's business.

A reply that mentions the bot goes to the customer. Where the bot sees every message of the channel (consent
ChannelMessage.Read.Group), plain replies of the technician who took the chat go out too while it is live;
// keeps one internal, and everything else that is written without a mention is kept as a note [R38].
"""

from __future__ import annotations

from adapters.teams import changes
from adapters.teams.inbound_files import keep_files
from adapters.teams.services import CHANNEL
from adapters.teams.ticket_card import taking
from adapters.teams.ticket_facts import conversation_at, first_in_chat
from adapters.teams.ticket_steps import Step, write_into
from adapters.teams.turn import Turn
from chatdesk.conversation import Conversation, Live, Visibility, Waiting
from chatdesk.errors import EventRefused
from chatdesk.note_mark import is_note, without_note_mark
from chatdesk.ticket import Ticket, TicketNumber, format_number
from chatdesk.tiers import UNDER_TIER_CARD

NO_TICKET = "This thread belongs to no ticket. Write to the customer in the thread of the ticket's card."
KEPT = "Kept as an internal note: the customer waits in the chat and has not read it. Press {take} to answer."
NOT_KNOWN = "I do not know you as a technician of the desk, so nothing was sent. Write to me directly: link"


async def receive_thread_message(turn: Turn) -> None:
    """Take one message of the channel. Raises StorageError when it has to be sent again."""
    incoming = turn.incoming
    ticket = await turn.services.memory.ticket_of(incoming.place.conversation)
    if ticket is None or turn.agent is None:
        if incoming.mentions_bot:
            turn.say(await _without_ticket(turn) if ticket is None else NOT_KNOWN)
        return
    try:
        await _write(turn, ticket)
    except EventRefused as refused:
        turn.say(str(refused))


async def _without_ticket(turn: Turn) -> str:
    """Return what is said to who writes to a customer in a thread that is no ticket's own."""
    services = turn.services
    number = await services.memory.ticket_under(turn.incoming.place.conversation)
    if number is None:
        return NO_TICKET
    return UNDER_TIER_CARD.format(number=format_number(services.config.desk.ticket_prefix, number))


async def _write(turn: Turn, number: TicketNumber) -> None:
    incoming, services, agent = turn.incoming, turn.services, turn.agent
    if agent is None:
        return
    text = without_note_mark(incoming.text)
    if not (text or incoming.files):
        return
    ticket, conversation = await conversation_at(services, number)
    visibility = _visibility(turn, ticket, conversation, merged=ticket.number != number)
    internal = visibility is Visibility.INTERNAL
    files = await keep_files(services, incoming, conversation.id, agent.id, internal=internal)
    step = Step(agent, number, "message", incoming.key, {}, channel=CHANNEL)
    outcome = await write_into(services, conversation, step, text, visibility, files)
    await changes.remember(turn, outcome, agent.id)
    meant = internal and isinstance(conversation.state, Waiting) and not is_note(incoming.text)
    if meant and not outcome.repeated:
        turn.say(KEPT.format(take=taking(ticket)[0]))


def _visibility(turn: Turn, ticket: Ticket, conversation: Conversation, *, merged: bool) -> Visibility:
    incoming = turn.incoming
    if is_note(incoming.text):
        return Visibility.INTERNAL
    # Who has escalated a ticket goes on in its chat until somebody of the tier has taken it [R37].
    # A chat that was merged in has technicians of its own until it ends [R20].
    writes = first_in_chat(conversation) if merged else ticket.assignee or first_in_chat(conversation)
    live = isinstance(conversation.state, Live)
    theirs = live and turn.agent is not None and writes == turn.agent.id
    return Visibility.PUBLIC if theirs or incoming.mentions_bot else Visibility.INTERNAL
