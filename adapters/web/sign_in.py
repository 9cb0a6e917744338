"""Signing in to the console: password or one-time link, and the session cookie that follows."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from adapters.web.services import SERVICES
from chatdesk.staff import AgentAccount, SignedIn

COOKIE = "chatdesk_session"
SESSION_LENGTH = timedelta(hours=12)


async def signed_in(request: web.Request) -> SignedIn:
    """Return who is signed in. Raises HTTPUnauthorized when nobody is."""
    services = request.app[SERVICES]
    secret = request.cookies.get(COOKIE, "")
    found = await services.staff.session(secret, services.clock()) if secret else None
    if found is None:
        raise web.HTTPUnauthorized(text="Please sign in.")
    return found


async def begin_session(request: web.Request, account: AgentAccount, response: web.StreamResponse) -> None:
    """Begin a fresh session, never one the browser brought along, and hand its cookie out."""
    services = request.app[SERVICES]
    now = services.clock()
    secret = await services.staff.begin_session(account, now, now + SESSION_LENGTH)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_LENGTH.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=request.secure,
        path="/console",
    )


async def use_link(request: web.Request) -> web.StreamResponse:
    """Sign in by a one-time link."""
    services = request.app[SERVICES]
    account = await services.staff.use_link(request.match_info["secret"], services.clock())
    if account is None:
        raise web.HTTPUnauthorized(text="This sign-in link was used already or is too old.")
    response = web.HTTPSeeOther("/console")
    await begin_session(request, account, response)
    return response
