"""One ticket as the console shows it: the header, what can be done, and everything of its timeline."""

from __future__ import annotations

from aiohttp import web

from adapters.web.console_api import add_read, wanted_number
from adapters.web.console_json import delivery_json, history_json, rating_json, revision_json, ticket_json
from adapters.web.conversation_frames import message_frame, state_json
from adapters.web.frames import Json
from adapters.web.presence import PRESENCE
from adapters.web.services import SERVICES
from chatdesk.conversation import Conversation
from chatdesk.errors import NotFound
from chatdesk.reading import TicketFile
from chatdesk.staff import SignedIn
from chatdesk.ticket import format_number


def add_routes(application: web.Application) -> None:
    """Add the request."""
    add_read(application, "/tickets/{number}", ticket)


async def ticket(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Return the whole ticket."""
    services = request.app[SERVICES]
    found = await services.staff_reads.ticket_file(wanted_number(request))
    if found is None:
        raise NotFound("The ticket")
    names = {account.id: account.name for account in await services.staff.accounts()}
    config = services.config
    return {
        "ticket": ticket_json(found, config, names, staff.account.id),
        "conversations": [_conversation_json(request, found, each) for each in found.conversations],
        "history": [history_json(entry) for entry in found.history],
        "deliveries": [delivery_json(note) for note in found.deliveries],
    }


def _conversation_json(
    request: web.Request, found: TicketFile, conversation: Conversation
) -> dict[str, Json]:
    config = request.app[SERVICES].config
    prefix = config.desk.ticket_prefix
    presence = request.app[PRESENCE]
    identity = conversation.id
    shown = state_json(conversation, prefix, customer=False)
    return {
        "id": identity,
        "channel": conversation.channel,
        "way": config.channel(conversation.channel).label,
        "customer": conversation.customer_name,
        "aside": conversation.is_aside,
        "opened_at": conversation.opened_at.isoformat(),
        "ticket": format_number(prefix, conversation.ticket) if conversation.ticket else None,
        "seq": conversation.last_seq,
        "state": shown,
        "online": presence.is_online(conversation.visitor),
        "messages": [message_frame(m, staff=True) for m in found.messages if m.conversation == identity],
        "revisions": [revision_json(r) for r in found.revisions if r.conversation == identity],
        "ratings": [rating_json(r) for r in found.ratings if r.conversation == identity],
    }
