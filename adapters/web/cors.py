"""Cross-origin requests of the widget: exactly the listed origins, and never with cookies."""

from __future__ import annotations

from aiohttp import web

from adapters.web.origins import widget_for
from chatdesk.config import WidgetSettings

_DAY = "86400"


def allow(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Let the page that asked read the response; its origin has been checked before."""
    origin = request.headers.get("Origin")
    response.headers["Vary"] = "Origin"
    if origin:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def refuse(request: web.Request, status: int, code: str, message: str) -> web.StreamResponse:
    """Answer with an error that the page may read: ``code`` for programs, ``message`` for people."""
    body = {"t": "error", "code": code, "message": message}
    return allow(request, web.json_response(body, status=status))


async def preflight(request: web.Request) -> web.StreamResponse:
    """Answer a browser that asks whether the page may send its request at all."""
    widget_for(request)
    headers = {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Content-Type, X-Chatdesk-Visitor",
        "Access-Control-Max-Age": _DAY,
    }
    return allow(request, web.Response(status=204, headers=headers))


def readable_widget(request: web.Request) -> WidgetSettings:
    """Return the widget for a request that may come without an origin, such as a page's own GET.

    Raises HTTPNotFound for an unknown key and HTTPForbidden for an origin that is not listed.
    """
    return widget_for(request, without_origin=True)
