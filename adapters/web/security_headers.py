"""Headers on every answer that keep a browser from doing what no page of the desk needs."""

from __future__ import annotations

from aiohttp import web

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": with it a browser sends "Origin: null" along with the desk's own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # A page with somebody's words must not be found in a cache; files that never change say so themselves.
    "Cache-Control": "no-store",
}
STAY_SECURE = ("Strict-Transport-Security", f"max-age={365 * 24 * 3600}")
"""For answers to a request that came by https: from now on, only so."""


def add_security_headers(application: web.Application) -> None:
    """Put the headers on every answer, except where a handler has set its own."""
    application.on_response_prepare.append(_on_prepare)


async def _on_prepare(request: web.Request, response: web.StreamResponse) -> None:
    # A WebSocket shows nothing, and keeps the headers of its answer as long as it is open.
    if not isinstance(response, web.WebSocketResponse):
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    # Which program answers in which version is of use to attackers only.
    response.headers["Server"] = "chatdesk"
