"""Who is signed in to the console: the session cookie, and the token that changing requests must carry."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from urllib.parse import quote

from aiohttp import WSCloseCode, web

from adapters.web.origins import own_origin
from adapters.web.services import SERVICES
from chatdesk.staff import AgentAccount, SignedIn

COOKIE = "chatdesk_session"
SESSION_LENGTH = timedelta(hours=12)
CSRF_HEADER = "X-CSRF-Token"


async def signed_in(request: web.Request) -> SignedIn:
    """Return who is signed in. Raises HTTPUnauthorized when nobody is."""
    services = request.app[SERVICES]
    secret = session_secret(request)
    found = await services.staff.session(secret, services.clock()) if secret else None
    if found is None:
        raise web.HTTPUnauthorized(text="Please sign in.")
    return found


async def signed_in_or_led(request: web.Request, back: str = "") -> SignedIn:
    """Return who is signed in, and lead everybody else to the form and from there ``back``, "" for here."""
    try:
        return await signed_in(request)
    except web.HTTPUnauthorized:
        raise web.HTTPSeeOther(f"/console/sign-in?next={quote(back or request.path_qs)}") from None


def session_secret(request: web.Request) -> str:
    """Return the secret in the session's cookie, "" for none and for what the desk has never handed out."""
    secret = request.cookies.get(COOKIE, "")
    return secret if secret.isascii() else ""


def csrf_token(request: web.Request) -> str:
    """Return the token of the request's session: another site can send the cookie, but cannot know this."""
    return hashlib.sha256(b"chatdesk csrf " + session_secret(request).encode()).hexdigest()


def refuse_foreign(request: web.Request) -> None:
    """Raise HTTPForbidden unless the request comes from the console's own page of this session."""
    refuse_wrong_token(request, request.headers.get(CSRF_HEADER, ""))
    refuse_other_origins(request)


def refuse_wrong_token(request: web.Request, given: str) -> None:
    """Raise HTTPForbidden unless ``given`` is the token of the request's session."""
    if not given.isascii() or not hmac.compare_digest(given, csrf_token(request)):
        raise web.HTTPForbidden(text="This page is out of date. Reload it and try again.")


def refuse_other_origins(request: web.Request) -> None:
    """Raise HTTPForbidden unless the browser says that the request comes from the desk's own pages."""
    if request.headers.get("Origin") != own_origin(request):
        raise web.HTTPForbidden(text="This can only be done from the desk's own pages.")


async def begin_session(request: web.Request, account: AgentAccount, response: web.StreamResponse) -> None:
    """End the session that the browser brought along, begin a fresh one and hand its cookie out."""
    services = request.app[SERVICES]
    await end_session(request)
    now = services.clock()
    secret = await services.staff.begin_session(account, now, now + SESSION_LENGTH)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_LENGTH.total_seconds()),
        httponly=True,
        # Lax, so that a link to a ticket opens it; nothing is changed on the strength of the cookie alone.
        samesite="Lax",
        secure=request.secure,
        path="/console",
    )


async def end_session(request: web.Request) -> None:
    """End the request's session, if it has one, and close its live connections at once."""
    services = request.app[SERVICES]
    secret = session_secret(request)
    if not secret:
        return
    found = await services.staff.session(secret, services.clock())
    await services.staff.end_session(secret)
    if found is not None:
        services.sockets.close(found.session, WSCloseCode.POLICY_VIOLATION, b"signed out")
