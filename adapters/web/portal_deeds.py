"""What the portal's forms have in common: their token, who sent them, and how often one may [R33]."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from typing import TypedDict

from aiohttp import web
from msgspec import Struct

from adapters.web.application import MAX_BODY
from adapters.web.portal_files import SentForm, read_with_files
from adapters.web.portal_session import PORTAL, PortalSession, find_session, refuse_foreign
from adapters.web.portal_sign_in import signed_out
from adapters.web.services import SERVICES
from adapters.web.sign_in import refuse_other_origins
from chatdesk.conversation import ConversationId
from chatdesk.errors import DeskStopped, EventRefused, StorageError
from chatdesk.portal_reading import PortalTicket
from chatdesk.settings import model
from chatdesk.ticket import TicketNumber

TRY_AGAIN = "This could not be saved just now. Nothing you typed is lost: please send it again."
CHANNEL = model.PORTAL
STATUS = {"slow_down": 429, "not_found": 404}
_HIDDEN = frozenset({"csrf", "token", "do"})
"""Fields of the forms that nobody types."""
_KEY_LENGTH = 24
"""Characters of a person's key that end the ids of their events: 96 bits [adapters.web.visitor_session]."""


class Common(TypedDict):
    """What every event of the portal has."""

    at: datetime
    channel: str
    external_id: str
    conversation: ConversationId


class OnTicket(Common):
    """What every event on a ticket has."""

    ticket: TicketNumber
    sender: str
    name: str
    opened_with: TicketNumber | None


class Posted(Struct, frozen=True):
    """A form, and who sent it."""

    session: PortalSession
    sent: SentForm


@asynccontextmanager
async def posted(request: web.Request) -> AsyncIterator[Posted]:
    """Read a form with as many bytes of files as the desk takes; afterwards they are closed.

    Raises HTTPForbidden for a form of another page; HTTPUnauthorized for nobody, with what they had typed.
    """
    refuse_other_origins(request)
    session = await find_session(request)
    most = request.app[SERVICES].file_limits.size + MAX_BODY
    with ExitStack() as opened:
        sent = await read_with_files(request, most, opened if session else None)
        if session is None:
            raise signed_out(request, _typed(sent.fields))
        refuse_foreign(request, session, sent.fields.get("csrf", ""))
        yield Posted(session, sent)


def _typed(fields: Mapping[str, str]) -> str:
    return "\n".join(text for name, text in fields.items() if name not in _HIDDEN and text.strip())


def common(request: web.Request, session: PortalSession, token: str) -> Common:
    """Return what the event of a form has. Raises EventRefused (``slow_down``) for one too many."""
    services = request.app[SERVICES]
    now, address = services.clock(), session.customer.address
    if not request.app[PORTAL].deeds.take(address, now):
        raise EventRefused(
            "There were too many at once. Please try again in a few minutes.", code="slow_down"
        )
    # The person's own key keeps one's tokens from ever meeting another's.
    person = hashlib.sha256(address.encode()).hexdigest()[:_KEY_LENGTH]
    return {
        "at": now,
        "channel": CHANNEL,
        "external_id": f"{token}:{person}",
        "conversation": ConversationId(services.new_id()),
    }


def on_ticket(request: web.Request, session: PortalSession, token: str, found: PortalTicket) -> OnTicket:
    """Return what the event of a form on a ticket's page has; raises as ``common`` does."""
    shared = common(request, session, token)
    return {
        **shared,
        "conversation": found.own or shared["conversation"],
        "ticket": found.ticket.number,
        "sender": session.customer.address,
        "name": session.customer.name,
        "opened_with": found.merged,
    }


def explained(error: EventRefused | StorageError | DeskStopped) -> tuple[str, int]:
    """Return what the customer reads of it, and the answer's status."""
    if isinstance(error, EventRefused):
        return str(error), STATUS.get(error.code, 422)
    return TRY_AGAIN, 503
