"""What every request passes: its id, who asks, errors turned into answers, and a line in the log."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.web import error_answers
from adapters.web.metrics import METER
from adapters.web.proxies import as_asked, refuse_foreign_host
from adapters.web.security_headers import STAY_SECURE
from adapters.web.services import SERVICES

log = structlog.get_logger(__name__)

REQUEST_ID = "X-Request-Id"
BROKEN_BODY = "What was sent is not complete or cannot be unpacked. Send it again."
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by monitors; only their failures are worth a line."""


@web.middleware
async def every_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer the request, whatever happens, and write down that it was answered.

    The log has the route's pattern, never the address itself: an address may hold a secret.
    """
    request_id = request.app[SERVICES].new_id()
    clock = asyncio.get_running_loop().time
    began = clock()
    request = as_asked(request)
    with structlog.contextvars.bound_contextvars(request=request_id):
        response = await _answered(request, handler, request_id)
        if not response.prepared:
            response.headers[REQUEST_ID] = request_id
            if request.secure:
                response.headers.setdefault(*STAY_SECURE)
        _note(request, response, clock() - began)
    return response


async def _answered(request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
    try:
        refuse_foreign_host(request)
        _refuse_impossible_id(request)
        return await handler(request)
    except web.HTTPException as error:
        return error_answers.for_http(request, error, request_id)
    except web.RequestPayloadError as error:
        # Such as a body that is said to be packed and cannot be unpacked.
        log.info("request_refused", kind=type(error).__name__)
        return error_answers.for_http(request, web.HTTPBadRequest(text=BROKEN_BODY), request_id)
    except ConnectionError:
        # The other side went away in the middle of its request: nobody is left to be answered.
        raise
    except Exception as error:
        if error_answers.is_expected(error):
            log.info("request_refused", kind=type(error).__name__)
        else:
            log.error("request_failed", exc_info=error)
        return error_answers.for_error(request, error, request_id)


def _refuse_impossible_id(request: web.Request) -> None:
    """Raise HTTPNotFound for an id with a NUL in it: PostgreSQL takes none, and would not even look."""
    if "\0" in request.path or (
        "\0" in request.query_string and "\0" in request.query.get("conversation", "")
    ):
        raise web.HTTPNotFound


def _note(request: web.Request, response: web.StreamResponse, seconds: float) -> None:
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "unknown"
    live = response.status == HTTPStatus.SWITCHING_PROTOCOLS
    request.app[METER].request(route, request.method, response.status, None if live else seconds)
    if route in QUIET and response.status < 400:
        return
    log.info(
        "request",
        method=request.method,
        route=route,
        status=response.status,
        seconds=round(seconds, 4),
        client=request.remote,
    )
