"""Errors as answers: a page for people, JSON for programs, and never a stack trace."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

from aiohttp import web

from adapters.web.frames import Json
from adapters.web.phone_links import dialled
from adapters.web.services import SERVICES
from chatdesk.errors import (
    ChatdeskError,
    DeskStopped,
    EventRefused,
    NotFound,
    StorageError,
    TransitionRefused,
)

STYLE = "/error.css"
_TITLES = {
    400: "This request cannot be understood",
    401: "Please sign in",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This cannot be done here",
    413: "This is too large",
    421: "This desk has another address",
    429: "Too many requests",
    503: "The desk is not available",
}
_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    421: "misdirected",
    429: "slow_down",
    500: "internal",
    503: "unavailable",
}
_WORDS = {
    404: "The address may be mistyped, or what was here is gone.",
    405: "Go back and try again.",
    413: "Send less at once.",
    500: "Something went wrong on our side. It has been noted; please try again in a moment.",
    503: "Please try again in a moment.",
}


def add_routes(application: web.Application) -> None:
    """Add the error page's style sheet."""
    application.router.add_get(STYLE, _style)


def for_http(request: web.Request, error: web.HTTPException, request_id: str) -> web.StreamResponse:
    """Return the answer for an HTTP error that a handler raised; a body of its own is left alone."""
    if error.status < 400 or error.content_type != "text/plain":
        return error
    # The library's own text only repeats the status.
    plain = error.text if error.text != f"{error.status}: {error.reason}" else None
    text = plain or _WORDS.get(error.status, "Please try again.")
    answer = _answer(request, error.status, _CODES.get(error.status, "error"), text, request_id)
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in error.headers:
            answer.headers[name] = error.headers[name]
    return answer


def for_error(request: web.Request, error: Exception, request_id: str) -> web.StreamResponse:
    """Return the answer for any other error: what chatdesk refuses in its own words, the rest in ours."""
    status = _status(error)
    code = error.code if isinstance(error, EventRefused) else _CODES[status]
    text = str(error) if isinstance(error, EventRefused) else _WORDS[status]
    field = error.field if isinstance(error, EventRefused) else None
    answer = _answer(request, status, code, text, request_id, field)
    if status == 503:
        answer.headers["Retry-After"] = "2"
    return answer


def is_expected(error: Exception) -> bool:
    """Tell whether the error is a refusal or an outage rather than a fault in the program."""
    return isinstance(error, ChatdeskError)


def _status(error: Exception) -> int:
    match error:
        case NotFound():
            return 404
        case TransitionRefused():
            return 409
        case EventRefused():
            return 422
        case StorageError() | DeskStopped():
            return 503
        case _:
            return 500


def _answer(
    request: web.Request, status: int, code: str, text: str, request_id: str, field: str | None = None
) -> web.Response:
    if "text/html" in request.headers.get("Accept", ""):
        return web.Response(
            text=_page(request, status, text, request_id), status=status, content_type="text/html"
        )
    body: dict[str, Json] = {"code": code, "message": text, "request": request_id}
    if field is not None:
        body["field"] = field
    return web.json_response(body, status=status)


def _page(request: web.Request, status: int, text: str, request_id: str) -> str:
    desk = request.app[SERVICES].config.desk
    call = f'<a href="{escape(dialled(desk.phone), quote=True)}">{escape(desk.phone)}</a>'
    phone = f"<p>If work has stopped completely, call {call}.</p>" if desk.phone else ""
    in_portal = request.path.startswith("/portal/")
    return _template().format(
        title=escape(_TITLES.get(status, "This did not work")),
        desk=escape(desk.name),
        language=escape(desk.language, quote=True),
        text=escape(text),
        phone=phone,
        back='<p><a href="/portal">All tickets</a></p>' if in_portal else "",
        request=escape(request_id),
        style=STYLE,
    )


@cache
def _template() -> str:
    return files("adapters.web").joinpath("templates", "error.html").read_text(encoding="utf-8")


@cache
def _sheet() -> str:
    return files("adapters.web").joinpath("static", "error.css").read_text(encoding="utf-8")


async def _style(request: web.Request) -> web.StreamResponse:
    headers = {"Cache-Control": "public, max-age=3600"}
    return web.Response(text=_sheet(), content_type="text/css", headers=headers)
