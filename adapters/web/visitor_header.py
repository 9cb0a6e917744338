"""The visitor's secret as a request header: never in an address, which ends up in logs and histories."""

from __future__ import annotations

from aiohttp import web
from msgspec import ValidationError, convert

from adapters.web.frames import Secret
from adapters.web.visitor_session import visitor_key

VISITOR_HEADER = "X-Chatdesk-Visitor"


def visitor_of(request: web.Request) -> str | None:
    """Return the key of the visitor whose secret the request carries; None without a well-formed one."""
    try:
        return visitor_key(convert(request.headers.get(VISITOR_HEADER, ""), Secret))
    except ValidationError:
        return None
