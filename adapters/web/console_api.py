"""What every request of the console's API passes: a session, a token, a checked body, an honest error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.web.body_problems import body_problems
from adapters.web.body_types import ClientId
from adapters.web.frames import Json, encode
from adapters.web.services import SERVICES
from adapters.web.sign_in import refuse_foreign, signed_in
from chatdesk.errors import DeskStopped, EventRefused, NotFound, StorageError, TransitionRefused
from chatdesk.events import AnyEvent
from chatdesk.staff import SignedIn
from chatdesk.ticket import Ticket, TicketNumber, format_number, parse_number, typed_number

PREFIX = "/console/api"
log = structlog.get_logger(__name__)

Handler = Callable[[web.Request, SignedIn], Awaitable[dict[str, Json]]]


class Body(BaseModel):
    """What a changing request sends; ``id`` is the client's own, so that a repetition changes nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: ClientId


AnyBody = TypeVar("AnyBody", bound=Body)


def add_read(application: web.Application, path: str, handler: Handler) -> None:
    """Add a request that only reads."""
    application.router.add_get(PREFIX + path, _guarded(handler, changes=False))


def add_change(application: web.Application, path: str, handler: Handler) -> None:
    """Add a request that changes something."""
    application.router.add_post(PREFIX + path, _guarded(handler, changes=True))


async def read_body(request: web.Request, model: type[AnyBody]) -> AnyBody:
    """Return the request's checked body.

    Raises HTTPUnprocessableEntity that names each field at fault.
    """
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        fields = body_problems(error)
        first = next(iter(fields))
        body = encode({"code": "invalid", "message": fields[first], "field": first, "fields": {**fields}})
        raise web.HTTPUnprocessableEntity(text=body, content_type="application/json") from None


async def receive(request: web.Request, event: AnyEvent) -> dict[str, Json]:
    """Have the desk work on the event and return what became of it, after the commit."""
    services = request.app[SERVICES]
    outcome = await services.desk.receive(event)
    prefix = services.config.desk.ticket_prefix
    ticket = f"{prefix}-{outcome.ticket}" if outcome.ticket is not None else None
    return {"conversation": outcome.conversation, "seq": outcome.seq, "ticket": ticket}


def wanted_number(request: web.Request) -> TicketNumber:
    """Return the ticket number in the path. Raises NotFound for what is none."""
    number = parse_number(request.app[SERVICES].config.desk.ticket_prefix, request.match_info["number"])
    if number is None:
        raise NotFound("The ticket")
    return number


async def written_ticket(request: web.Request, written: str, field: str) -> Ticket:
    """Return the ticket whose number somebody wrote, HD-1001 or 1001.

    Raises EventRefused that names ``field`` for what is no number and for a ticket that is not there.
    """
    services = request.app[SERVICES]
    prefix = services.config.desk.ticket_prefix
    number = typed_number(prefix, written)
    if number is None:
        raise EventRefused(f"Write a ticket's number, such as {prefix}-1024.", code=field, field=field)
    ticket = await services.staff_reads.ticket(number)
    if ticket is None:
        raise EventRefused(f"There is no ticket {format_number(prefix, number)}.", code=field, field=field)
    return ticket


def _guarded(handler: Handler, *, changes: bool) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            staff = await signed_in(request)
            if changes:
                refuse_foreign(request)
            answer = await handler(request, staff)
        except EventRefused as refusal:
            return _refused(refusal)
        except (StorageError, DeskStopped) as error:
            log.error("console_request_failed", path=request.path, error=str(error))
            text = "This could not be saved just now. Try again in a moment."
            return _answer({"code": "try_again", "message": text}, 503)
        except web.HTTPUnprocessableEntity:
            raise
        except web.HTTPClientError as error:
            code = {401: "signed_out", 403: "forbidden"}.get(error.status, "refused")
            return _answer({"code": code, "message": error.text or error.reason}, error.status)
        return _answer(answer)

    return guarded


def _refused(refusal: EventRefused) -> web.Response:
    """Return 404 for what is not there, 409 for what the state forbids, 422 for what was sent wrongly."""
    problems: dict[str, str] = getattr(refusal, "problems", {})
    body: dict[str, Json] = {"code": refusal.code, "message": str(refusal)}
    if refusal.field:
        body["field"] = refusal.field
    if problems:
        body["fields"] = dict(problems)
    if isinstance(refusal, NotFound):
        return _answer(body, 404)
    if isinstance(refusal, TransitionRefused) or not refusal.field:
        return _answer(body, 409)
    return _answer(body, 422)


def _answer(body: dict[str, Json], status: int = 200) -> web.Response:
    return web.Response(
        text=encode(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )
