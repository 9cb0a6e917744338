"""What technicians do to a ticket, as events through the desk's one way in [R36, R37, R39, R40, R20]."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypedDict

from aiohttp import web
from pydantic import Field

from adapters.web.body_types import Identity, Moment, Seq, Text
from adapters.web.console_api import (
    Body,
    add_change,
    add_read,
    read_body,
    receive,
    wanted_number,
    written_ticket,
)
from adapters.web.frames import Json
from adapters.web.services import SERVICES
from adapters.web.text import clean
from adapters.web.visitor_events import CHANNEL
from chatdesk.conversation import Agent, ConversationId
from chatdesk.errors import EventRefused
from chatdesk.events import (
    TicketAffects,
    TicketAssigned,
    TicketCancelled,
    TicketEdited,
    TicketEscalated,
    TicketMerged,
    TicketPaused,
    TicketReopened,
    TicketResolved,
    TicketResumed,
    TicketSplit,
    TicketTaken,
)
from chatdesk.merging import check_merge, same_company
from chatdesk.staff import SignedIn
from chatdesk.ticket import Priority, TicketNumber, TicketType, Trigger, format_number

_TRIGGERS = {
    "customer": Trigger.ASK_CUSTOMER,
    "vendor": Trigger.WAIT_FOR_VENDOR,
    "date": Trigger.SCHEDULE,
}


class Assign(Body):
    agent: Identity
    reason: Text = ""


class Escalate(Body):
    tier: Identity
    reason: Text


class Wait(Body):
    """``on`` the customer needs ``text``, the question; on a vendor or a date it needs ``until``."""

    on: Literal["customer", "vendor", "date"]
    text: Text = ""
    until: Moment | None = None


class Resolve(Body):
    resolution: Text


class Explained(Body):
    reason: Text = ""


class Cancel(Body):
    reason: Text


class Merge(Body):
    """``other_company`` confirms a merge into a ticket of another company."""

    into: Identity
    other_company: bool = False


class Split(Body):
    conversation: Identity
    messages: Annotated[list[Seq], Field(max_length=500)]
    subject: Text


class Edit(Body):
    """A field that is left out stays as it is; ``needed_by`` null takes the date away."""

    priority: Priority | None = None
    type: TicketType | None = None
    subject: Text | None = None
    workaround: Text | None = None
    needed_by: Moment | None = None
    reason: Text = ""


class Affected(Body):
    """``affected`` False takes the person off."""

    address: Text
    name: Text = ""
    affected: bool = True


class CommonToTicket(TypedDict):
    at: datetime
    channel: str
    external_id: str
    ticket: TicketNumber
    agent: Agent


def add_routes(application: web.Application) -> None:
    """Add one request for each thing that can be done."""
    steps = (take, assign, escalate, wait, resume, resolve, reopen, cancel, merge, split, edit, affected)
    for step in steps:
        add_change(application, f"/tickets/{{number}}/{step.__name__}", step)
    add_read(application, "/merge", merge_target)


async def take(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Make who asks the assignee."""
    body = await read_body(request, Body)
    return await receive(request, TicketTaken(**_common(request, staff, body, "take")))


async def assign(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Give the ticket to a technician, who must have an open account."""
    body = await read_body(request, Assign)
    common = _common(request, staff, body, "assign")
    account = await request.app[SERVICES].staff.account(body.agent)
    if account is None or not account.is_open:
        raise EventRefused("Choose a technician from the list.", code="agent", field="agent")
    event = TicketAssigned(**common, assignee=account.agent, reason=clean(body.reason).strip())
    return await receive(request, event)


async def escalate(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Give the ticket to a tier, with a reason for its technicians."""
    body = await read_body(request, Escalate)
    common = _common(request, staff, body, "escalate")
    event = TicketEscalated(**common, tier=body.tier, reason=clean(body.reason).strip())
    return await receive(request, event)


async def wait(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Let the ticket wait for the customer, a vendor or a date."""
    body = await read_body(request, Wait)
    common = _common(request, staff, body, "wait")
    text = clean(body.text).strip()
    event = TicketPaused(**common, trigger=_TRIGGERS[body.on], text=text, until=body.until)
    return await receive(request, event)


async def resume(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Go on with the work before the date or the answer came."""
    body = await read_body(request, Body)
    return await receive(request, TicketResumed(**_common(request, staff, body, "resume")))


async def resolve(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Resolve with a text for the customer."""
    body = await read_body(request, Resolve)
    common = _common(request, staff, body, "resolve")
    return await receive(request, TicketResolved(**common, resolution=clean(body.resolution).strip()))


async def reopen(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Open a resolved or closed ticket again."""
    body = await read_body(request, Explained)
    common = _common(request, staff, body, "reopen")
    return await receive(request, TicketReopened(**common, reason=clean(body.reason).strip()))


async def cancel(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Cancel a ticket that nobody works on."""
    body = await read_body(request, Cancel)
    common = _common(request, staff, body, "cancel")
    reason = clean(body.reason).strip()
    if not reason:
        raise EventRefused("Say why the ticket is cancelled.", code="empty", field="reason")
    return await receive(request, TicketCancelled(**common, reason=reason))


async def merge(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Make the ticket part of another."""
    body = await read_body(request, Merge)
    common = _common(request, staff, body, "merge")
    into = await written_ticket(request, body.into, "into")
    event = TicketMerged(**common, into=into.number, other_company=body.other_company)
    return await receive(request, event)


async def merge_target(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Return the ticket that another would become part of, for a technician to look at before they merge."""
    del staff
    ticket = await written_ticket(request, request.query.get("ticket", ""), "ticket")
    into = await written_ticket(request, request.query.get("into", ""), "into")
    prefix = request.app[SERVICES].config.desk.ticket_prefix
    check_merge(ticket, into, prefix, other_company=True)
    return {
        "number": format_number(prefix, into.number),
        "subject": into.subject,
        "requester": into.requester_name,
        "company": into.company,
        "status": into.status.value,
        "other_company": not same_company(ticket, into),
    }


async def split(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Make some of the messages a ticket of their own; the answer names the ticket they came from."""
    body = await read_body(request, Split)
    event = TicketSplit(
        **_common(request, staff, body, "split"),
        conversation=ConversationId(body.conversation),
        messages=tuple(sorted(set(body.messages))),
        subject=clean(body.subject),
    )
    return await receive(request, event)


async def edit(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Change what the ticket says of itself."""
    body = await read_body(request, Edit)
    event = TicketEdited(
        **_common(request, staff, body, "edit"),
        priority=body.priority,
        type=body.type,
        subject=clean(body.subject) if body.subject is not None else None,
        workaround=clean(body.workaround).strip() if body.workaround is not None else None,
        needed_by=body.needed_by,
        unneeded="needed_by" in body.model_fields_set and body.needed_by is None,
        reason=clean(body.reason).strip(),
    )
    return await receive(request, event)


async def affected(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Say that the ticket affects somebody, or that it does no longer."""
    body = await read_body(request, Affected)
    event = TicketAffects(
        **_common(request, staff, body, "affected"),
        address=clean(body.address).strip(),
        name=clean(body.name).strip(),
        affected=body.affected,
    )
    return await receive(request, event)


def _common(request: web.Request, staff: SignedIn, body: Body, step: str) -> CommonToTicket:
    """Return what every event has. The step is part of its id: an id used twice never answers for another."""
    return CommonToTicket(
        at=request.app[SERVICES].clock(),
        channel=CHANNEL,
        external_id=f"{staff.account.id}:{step}:{body.id}",
        ticket=wanted_number(request),
        agent=staff.account.agent,
    )
