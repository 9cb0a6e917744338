"""Chats joined and ended by a technician, and contacts written down: a call, a direct request [R5, R9]."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from adapters.web.body_types import Identity, Text
from adapters.web.console_api import Body, add_change, read_body, receive
from adapters.web.frames import Json
from adapters.web.services import SERVICES
from adapters.web.text import clean
from adapters.web.visitor_events import CHANNEL, Common
from chatdesk.conversation import ConversationId
from chatdesk.events import AgentEnded, AgentJoined, CallLogged
from chatdesk.staff import SignedIn


class Contact(Body):
    """``way`` says how it came: a call, or a request made to the technician directly."""

    way: Literal["phone", "direct"]
    answers: Annotated[dict[Identity, Text], Field(max_length=100)]


def add_routes(application: web.Application) -> None:
    """Add the requests."""
    add_change(application, "/conversations/{conversation}/join", join)
    add_change(application, "/conversations/{conversation}/end", end)
    add_change(application, "/tickets", log_contact)


async def join(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Join a live chat besides the technician who took it."""
    body = await read_body(request, Body)
    return await receive(
        request, AgentJoined(**_common(request, staff, body, "join"), agent=staff.account.agent)
    )


async def end(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """End the chat; the ticket stays as it is."""
    body = await read_body(request, Body)
    return await receive(
        request, AgentEnded(**_common(request, staff, body, "end"), agent=staff.account.agent)
    )


async def log_contact(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Open a ticket for a contact that came past the desk's own ways in; answers are the survey's."""
    body = await read_body(request, Contact)
    services = request.app[SERVICES]
    event = CallLogged(
        at=services.clock(),
        channel=body.way,
        external_id=f"{staff.account.id}:log:{body.id}",
        conversation=ConversationId(services.new_id()),
        agent=staff.account.agent,
        answers=tuple((field, clean(answer)) for field, answer in body.answers.items()),
    )
    return await receive(request, event)


def _common(request: web.Request, staff: SignedIn, body: Body, step: str) -> Common:
    return Common(
        at=request.app[SERVICES].clock(),
        channel=CHANNEL,
        external_id=f"{staff.account.id}:{step}:{body.id}",
        conversation=ConversationId(request.match_info["conversation"]),
    )
