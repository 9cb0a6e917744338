"""POST /api/messages: calls from Teams are checked, worked on, answered; GET /teams/files/… gives files."""

from __future__ import annotations

import json
from http import HTTPStatus

import structlog
from aiohttp import web

from adapters.teams import file_links
from adapters.teams.authentication import Authentication, NotAuthentic
from adapters.teams.inbound import Inbound
from adapters.teams.json_value import Json
from adapters.teams.keys import KeysUnreachable
from adapters.teams.services import TeamsServices
from chatdesk.errors import ChatdeskError, DeskStopped, StorageError
from chatdesk.own_machine import asked_from_here

MESSAGES = "/api/messages"
MAX_ACTIVITY = 256 * 1024
"""Bytes of an activity; Teams sends far less."""

log = structlog.get_logger(__name__)


class TeamsRoutes:
    """The bot's side of the connector protocol."""

    def __init__(self, services: TeamsServices, authentication: Authentication, inbound: Inbound) -> None:
        self._services = services
        self._authentication = authentication
        self._inbound = inbound

    def add_to(self, application: web.Application) -> None:
        """Add the routes."""
        application.router.add_post(MESSAGES, self.receive)
        application.router.add_get(file_links.PATH, self.file)

    async def receive(self, request: web.Request) -> web.Response:
        """Answer one call: 401 unless it is authentic, 503 when it was not stored and has to come again."""
        activity = await _read(request)
        if self._services.access.anonymous and not _is_from_here(request):
            return _refuse("anonymous calls are taken from this machine only")
        try:
            await self._authentication.check(activity, request.headers.get("Authorization", ""))
        except NotAuthentic as error:
            return _refuse(str(error))
        except KeysUnreachable as error:
            log.error("teams_keys_unreachable", error=str(error))
            return _answer({"error": "Try again."}, HTTPStatus.SERVICE_UNAVAILABLE)
        return await self._work(activity)

    async def _work(self, activity: Json) -> web.Response:
        try:
            reply = await self._inbound.receive(activity)
        except (StorageError, DeskStopped) as error:
            log.warning("teams_activity_not_stored", error=str(error))
            return _answer({"error": "Try again."}, HTTPStatus.SERVICE_UNAVAILABLE)
        except ChatdeskError as error:
            # Sending it again would not help; it is not an event that was lost, nothing was taken.
            log.warning("teams_activity_refused", error=str(error))
            return _answer({}, HTTPStatus.OK)
        return _answer(reply.body, HTTPStatus(reply.status))

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Hand out a file by its signed address."""
        return await file_links.serve_file(self._services, request)


async def _read(request: web.Request) -> Json:
    """Return the activity. Raises HTTPRequestEntityTooLarge or HTTPBadRequest."""
    body = await request.content.read(MAX_ACTIVITY + 1)
    while len(body) <= MAX_ACTIVITY and not request.content.at_eof():
        body += await request.content.read(MAX_ACTIVITY + 1 - len(body))
    if len(body) > MAX_ACTIVITY:
        raise web.HTTPRequestEntityTooLarge(MAX_ACTIVITY, len(body))
    try:
        activity: object = json.loads(body)
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="This is not JSON.") from None
    if not isinstance(activity, dict):
        raise web.HTTPBadRequest(text="This is not an activity.")
    return activity


def _is_from_here(request: web.Request) -> bool:
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    version = (request.version.major, request.version.minor)
    return isinstance(peer, tuple) and asked_from_here(str(peer[0]), request.host, version, request.headers)


def _refuse(reason: str) -> web.Response:
    log.warning("teams_call_refused", reason=reason)
    return _answer({"error": "This call is not authentic."}, HTTPStatus.UNAUTHORIZED)


def _answer(body: Json, status: HTTPStatus) -> web.Response:
    return web.json_response(body, status=status)
