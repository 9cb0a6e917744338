"""Uploads and downloads: a visitor's through the widget, a technician's through the console."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from urllib.parse import unquote

from aiohttp import StreamReader, web

from adapters.web.cors import allow, readable_widget, refuse
from adapters.web.file_response import file_response
from adapters.web.origins import widget_for
from adapters.web.services import SERVICES
from adapters.web.sign_in import refuse_foreign, signed_in
from adapters.web.visitor_header import VISITOR_HEADER, visitor_of
from chatdesk.conversation import ConversationId
from chatdesk.errors import EventRefused, StorageError
from chatdesk.files import StoredFile

NAME_HEADER = "X-Chatdesk-Name"
CHUNK = 64 * 1024
PATIENCE = 30.0
"""Seconds without a byte after which an upload is given up."""
DRAIN, DRAIN_TIME = 1024 * 1024, 1.0
"""Bytes and seconds that a refused upload is still listened to, so that its sender reads the refusal."""

STATUS = {
    "too_large": 413,
    "empty": 400,
    "too_many": 409,
    "too_much": 429,
    "slow_down": 429,
    "full": 507,
    "stopped": 408,
    "not_found": 404,
    "try_again": 503,
}

_NO_CHAT = "The conversation was not found."

Refuse = Callable[[web.Request, int, str, str], web.StreamResponse]


def add_routes(application: web.Application) -> None:
    """Add the routes for files."""
    router = application.router
    router.add_post("/widget/files", visitor_uploads)
    router.add_get("/widget/files/{id}", visitor_downloads, allow_head=False)
    router.add_options("/widget/files", _preflight)
    router.add_options("/widget/files/{id}", _preflight)
    router.add_post("/console/files", staff_uploads)
    router.add_get("/console/files/{id}", staff_downloads, allow_head=False)


async def visitor_uploads(request: web.Request) -> web.StreamResponse:
    """Keep a file for a message of the visitor's own conversation; the body is the file itself."""
    widget_for(request)
    services = request.app[SERVICES]
    visitor = visitor_of(request)
    identity = ConversationId(request.query.get("conversation", ""))
    own = await services.visitor_reads.own(visitor, identity) if visitor else None
    if visitor is None or own is None:
        return await _refused(request, refuse, EventRefused(_NO_CHAT, code="not_found"))
    return await _upload(request, own.id, visitor, refuse, by_visitor=True)


async def visitor_downloads(request: web.Request) -> web.StreamResponse:
    """Hand out a file that the visitor may see; any other answers as one that does not exist [threat 17]."""
    readable_widget(request)
    visitor = visitor_of(request)
    found = await request.app[SERVICES].files.find_for(visitor, request.match_info["id"]) if visitor else None
    return allow(request, await _download(request, found, refuse))


async def staff_uploads(request: web.Request) -> web.StreamResponse:
    """Keep a file for a technician's message, or, with ``internal=1``, for a note."""
    staff = await signed_in(request)
    refuse_foreign(request)
    identity = ConversationId(request.query.get("conversation", ""))
    found = await request.app[SERVICES].staff_reads.conversation(identity)
    if found is None:
        return await _refused(request, _refuse_staff, EventRefused(_NO_CHAT, code="not_found"))
    internal = request.query.get("internal", "0") != "0"
    return await _upload(request, identity, staff.account.id, _refuse_staff, internal=internal)


async def staff_downloads(request: web.Request) -> web.StreamResponse:
    """Hand out a file of the desk to a signed-in technician."""
    await signed_in(request)
    found = await request.app[SERVICES].files.find(request.match_info["id"])
    return await _download(request, found, _refuse_staff)


def _refuse_staff(request: web.Request, status: int, code: str, message: str) -> web.StreamResponse:
    """Answer the console with an error: ``code`` for programs, ``message`` for people."""
    return web.json_response({"code": code, "message": message}, status=status)


async def _upload(
    request: web.Request,
    conversation: ConversationId,
    owner: str,
    refused: Refuse,
    *,
    internal: bool = False,
    by_visitor: bool = False,
) -> web.StreamResponse:
    services = request.app[SERVICES]
    try:
        services.file_limits.check_size(request.content_length or 0)
        kept = await services.files.keep(
            conversation,
            owner,
            unquote(request.headers.get(NAME_HEADER, "") or request.query.get("name", "")),
            _counted(request) if by_visitor else _chunks(request.content),
            services.clock(),
            internal=internal,
            by_visitor=by_visitor,
        )
    except EventRefused as refusal:
        return await _refused(request, refused, refusal)
    except StorageError:
        text = "The file could not be saved just now. Please try again."
        return await _refused(request, refused, EventRefused(text, code="try_again"))
    body = {"id": kept.id, "name": kept.name, "type": kept.media_type, "size": kept.size}
    response = web.json_response(body, status=201)
    return allow(request, response) if refused is refuse else response


async def _counted(request: web.Request) -> AsyncIterator[bytes]:
    """Pass on the body as it comes, and count it. Raises EventRefused (``too_much``, ``stopped``)."""
    services = request.app[SERVICES]
    async for chunk in _chunks(request.content):
        services.gate.pass_upload(request.remote, len(chunk), services.clock())
        yield chunk


async def _chunks(content: StreamReader) -> AsyncIterator[bytes]:
    """Pass on the body as it comes. Raises EventRefused (``stopped``) when it stops coming."""
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                chunk = await content.read(CHUNK)
        except TimeoutError:
            text = "The file stopped coming. Please check the connection and send it again."
            raise EventRefused(text, code="stopped", field="file") from None
        if not chunk:
            return
        yield chunk


async def _refused(request: web.Request, refused: Refuse, refusal: EventRefused) -> web.StreamResponse:
    """Send the refusal at once, however much is still to come, and hang up soon after [threat 20]."""
    response = refused(request, STATUS.get(refusal.code, 400), refusal.code, str(refusal))
    if refusal.code == "slow_down":
        response.headers["Retry-After"] = "60"
    if request.content.at_eof():
        return response
    response.force_close()
    await response.prepare(request)
    await response.write_eof()
    left = DRAIN
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_TIME):
            while left > 0 and (chunk := await request.content.read(CHUNK)):
                left -= len(chunk)
    request.protocol.force_close()
    return response


async def _download(request: web.Request, found: StoredFile | None, refused: Refuse) -> web.StreamResponse:
    if found is None or not await asyncio.to_thread(found.path.is_file):
        return refused(request, 404, "not_found", "The file was not found.")
    return file_response(found, inline="inline" in request.query)


async def _preflight(request: web.Request) -> web.StreamResponse:
    widget_for(request)
    headers = {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": f"Content-Type, {VISITOR_HEADER}, {NAME_HEADER}",
        "Access-Control-Max-Age": "86400",
    }
    return allow(request, web.Response(status=204, headers=headers))
