"""Transcripts to download: the customer's own in the public version, the staff's in either [R38]."""

from __future__ import annotations

import base64
import hashlib

from aiohttp import web

from adapters.web.console_api import wanted_number
from adapters.web.cors import allow, preflight, readable_widget, refuse
from adapters.web.file_response import disposition
from adapters.web.services import SERVICES
from adapters.web.sign_in import signed_in
from adapters.web.visitor_events import CHANNEL
from adapters.web.visitor_header import visitor_of
from chatdesk.conversation import Author, AuthorKind, ConversationId
from chatdesk.errors import DeskStopped, EventRefused, NotFound, StorageError
from chatdesk.events import TranscriptSent
from chatdesk.reading import TicketFile
from chatdesk.ticket import format_number
from chatdesk.transcript import Form, record_of, slices

STATUS = {"not_found": 404, "slow_down": 429, "try_again": 503}
WHAT = "The transcript"


KINDS = {
    Form.TEXT: ("text/plain", "txt"),
    Form.HTML: ("text/html", "html"),
    Form.JSON: ("application/json", "json"),
}
"""The media type of each form, and how its file's name ends."""


def add_routes(application: web.Application) -> None:
    """Add the routes for transcripts."""
    router = application.router
    router.add_get("/widget/transcript", visitor_transcript, allow_head=False)
    router.add_options("/widget/transcript", preflight)
    router.add_get("/console/api/tickets/{number}/transcript", staff_transcript, allow_head=False)


async def visitor_transcript(request: web.Request) -> web.StreamResponse:
    """Hand out the public version of the visitor's own conversation, as text or HTML."""
    readable_widget(request)
    services = request.app[SERVICES]
    visitor = visitor_of(request)
    try:
        wanted = ConversationId(request.query.get("conversation", ""))
        own = await services.visitor_reads.own(visitor, wanted) if visitor else None
        file = await services.staff_reads.chat_file(own.ticket, own.id) if own and own.ticket else None
        if visitor is None or own is None or file is None:
            raise NotFound(WHAT)
        services.gate.pass_transcript(visitor, services.clock())
        by = Author(AuthorKind.CUSTOMER, visitor, own.customer_name)
        answer = await _transcript(request, file, by, (Form.TEXT, Form.HTML), internal=False)
    except (EventRefused, StorageError, DeskStopped) as error:
        code, text = _explained(error)
        return refuse(request, STATUS.get(code, 400), code, text)
    return allow(request, answer)


async def staff_transcript(request: web.Request) -> web.StreamResponse:
    """Hand out a ticket's transcript: of the named conversation, or of its newest."""
    staff = await signed_in(request)
    services = request.app[SERVICES]
    try:
        wanted = request.query.get("conversation", "")
        file = await services.staff_reads.chat_file(wanted_number(request), wanted)
        if file is None:
            raise NotFound(WHAT)
        services.gate.pass_transcript(staff.account.id, services.clock())
        by = staff.account.agent.author
        internal = request.query.get("internal", "0") != "0"
        return await _transcript(request, file, by, tuple(Form), internal=internal)
    except (EventRefused, StorageError, DeskStopped) as error:
        code, text = _explained(error)
        return web.json_response({"code": code, "message": text}, status=STATUS.get(code, 400))


async def _transcript(
    request: web.Request, file: TicketFile, by: Author, allowed: tuple[Form, ...], *, internal: bool
) -> web.Response:
    """Make the transcript, write down that it left the desk, and only then let it leave."""
    services = request.app[SERVICES]
    name = request.query.get("format", Form.TEXT)
    if name not in allowed:
        text = f"format: must be one of {', '.join(allowed)}."
        raise EventRefused(text, code="invalid", field="format")
    at = services.clock()
    desk = services.config.desk
    record = record_of(file, file.conversations[0], desk, at)
    pieces = services.staff_reads.message_pieces(record.conversation.id)
    made = [part.encode() async for part in slices(Form(name), record, pieces, internal=internal)]
    sent = TranscriptSent(
        at=at,
        channel=CHANNEL,
        external_id=f"transcript:{services.new_id()}",
        conversation=record.conversation.id,
        by=by,
        to="their own browser",
        format=name,
        internal=internal,
    )
    await services.desk.receive(sent)
    number = format_number(desk.ticket_prefix, file.ticket.number)
    version = "-internal" if internal else ""
    return _answer(made, Form(name), f"{number}-transcript{version}", save="save" in request.query)


def _answer(made: list[bytes], form: Form, name: str, *, save: bool) -> web.Response:
    """A page is shown, to be read and printed, unless it is to be saved; everything else is for saving."""
    page = form is Form.HTML
    media_type, ending = KINDS[form]
    return web.Response(
        body=b"".join(made),
        content_type=media_type,
        charset="utf-8",
        headers={
            "Content-Disposition": disposition(f"{name}.{ending}", shown=page and not save),
            "Content-Security-Policy": _policy(made[0] if page else b""),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        },
    )


def _policy(page: bytes) -> str:
    """Return the policy of a page that may use its own style and nothing else: no scripts, no requests."""
    style = page.partition(b"<style>")[2].partition(b"</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    links = "sandbox allow-popups allow-popups-to-escape-sandbox"
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; {links}"


def _explained(error: Exception) -> tuple[str, str]:
    if isinstance(error, EventRefused):
        return error.code, str(error)
    return "try_again", "The transcript could not be made just now. Please try again."
