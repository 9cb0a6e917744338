"""Signing in to the customer portal with Microsoft or Google, and signing out [R32] [threats 22-25].

Whoever the desk does not know, and whoever's address nobody vouches for, reads the same: nothing tells
which addresses it knows.
"""

from __future__ import annotations

import secrets

import structlog
from aiohttp import web

from adapters.web.form_body import read_form
from adapters.web.limits import party
from adapters.web.openid_attempt import SignInAttempt
from adapters.web.openid_person import person_in
from adapters.web.openid_provider import OpenIdProvider, ServiceUnreachable
from adapters.web.openid_token import ANY_TENANT, Claims, Expected, TokenRefused, check_token, key_id
from adapters.web.origins import own_origin
from adapters.web.portal_pages import POLICY, page
from adapters.web.portal_session import (
    COOKIE,
    PATH,
    PORTAL,
    admitted,
    begin_session,
    end_session,
    find_session,
    next_page,
    refuse_foreign,
)
from adapters.web.services import SERVICES

ATTEMPT_COOKIE = "chatdesk_portal_attempt"
ATTEMPT_PATH = f"{PATH}/sign-in"
ATTEMPT_LENGTH = 600
"""Seconds that somebody has to sign in at the service."""
LONGEST_CODE = 4_096

AGAIN = "Signing in did not work. Please try again."
CANCELLED = "You have not signed in. Please try again if you want to."
UNREACHABLE = "{service} cannot be reached just now. Please try again in a few minutes."
TOO_OFTEN = "There were too many attempts to sign in. Please try again in ten minutes."
LEFT = "You are signed out."
OVER = "You are signed out, and this was not sent. Please sign in and send it again."

log = structlog.get_logger(__name__)


def add_routes(application: web.Application) -> None:
    """Add the pages and requests of signing in and out."""
    router = application.router
    router.add_get(ATTEMPT_PATH, show)
    router.add_get(f"{ATTEMPT_PATH}/{{service}}", go_there)
    router.add_get(f"{ATTEMPT_PATH}/{{service}}/answer", come_back)
    router.add_post(f"{PATH}/sign-out", sign_out)


async def show(request: web.Request) -> web.StreamResponse:
    """Show the services to sign in with; who is signed in goes on."""
    following = next_page(request.query.get("next", ""))
    if await find_session(request):
        return web.HTTPSeeOther(following)
    return _page(request, following, LEFT if "left" in request.query else "")


async def go_there(request: web.Request) -> web.StreamResponse:
    """Send the browser to the service, with a fresh attempt of its own [threat 24]."""
    provider = _provider(request)
    following = next_page(request.query.get("next", ""))
    attempt = SignInAttempt(secrets.token_urlsafe(32), provider.service.name)
    try:
        address = await provider.sign_in_address(attempt, _redirect_uri(request, provider))
    except ServiceUnreachable as error:
        return _unreachable(request, provider, error)
    response = web.HTTPSeeOther(address)
    response.set_cookie(
        ATTEMPT_COOKIE,
        f"{attempt.secret}:{following.removeprefix(PATH).replace('/', ':')}",
        max_age=ATTEMPT_LENGTH,
        httponly=True,
        # Lax: the answer comes from the service's page.
        samesite="Lax",
        secure=request.secure,
        path=ATTEMPT_PATH,
    )
    return response


async def come_back(request: web.Request) -> web.StreamResponse:
    """Take the service's answer: who signed in, if it belongs to this browser's attempt."""
    provider = _provider(request)
    secret, _, rest = request.cookies.get(ATTEMPT_COOKIE, "").partition(":")
    following = next_page(PATH + rest.replace(":", "/"))
    response = await _answered(request, provider, SignInAttempt(secret, provider.service.name), following)
    # Whatever came of it, the attempt is over.
    response.del_cookie(ATTEMPT_COOKIE, path=ATTEMPT_PATH)
    return response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End the session."""
    sent = await read_form(request)
    session = await find_session(request)
    if session is not None:
        refuse_foreign(request, session, sent.get("csrf", ""))
        await end_session(request)
    response = web.HTTPSeeOther(f"{ATTEMPT_PATH}?left")
    response.del_cookie(COOKIE, path=PATH)
    return response


def signed_out(request: web.Request, typed: str) -> web.HTTPUnauthorized:
    """Return the answer to a form whose session has ended: what was typed, and where to sign in again."""
    shown = _page(request, next_page(request.path), OVER, typed=typed)
    return web.HTTPUnauthorized(
        text=shown.text, content_type="text/html", headers={"Content-Security-Policy": POLICY}
    )


async def _answered(
    request: web.Request, provider: OpenIdProvider, attempt: SignInAttempt, following: str
) -> web.Response:
    if not attempt.began(request.query.get("state", "")):
        return _page(request, following, AGAIN, 400)
    if "error" in request.query:
        return _page(request, following, CANCELLED, 400)
    address, now = party(request.remote), request.app[SERVICES].clock()
    if address is not None and not request.app[PORTAL].attempts.take(address, now):
        return _page(request, following, TOO_OFTEN, 429)
    try:
        claims = await _claims(request, provider, attempt)
    except ServiceUnreachable as error:
        return _unreachable(request, provider, error)
    except TokenRefused as refused:
        log.warning("portal_token_refused", service=provider.service.name, reason=str(refused))
        return _refused(request)
    if claims is None:
        return _page(request, following, AGAIN, 400)
    return await _let_in(request, provider, claims, following)


async def _claims(request: web.Request, provider: OpenIdProvider, attempt: SignInAttempt) -> Claims | None:
    """Return what the service says, None when it does not take the code.

    Raises ServiceUnreachable or TokenRefused.
    """
    code, issuer = request.query.get("code", ""), (await provider.metadata()).issuer
    said = request.query.get("iss", issuer)
    if said != issuer and ANY_TENANT not in issuer:
        raise TokenRefused("the answer is of another issuer (RFC 9207)")
    if not code or len(code) > LONGEST_CODE:
        return None
    token = await provider.redeem(code, attempt, _redirect_uri(request, provider))
    if not token:
        return None
    key = await provider.key(key_id(token))
    if key is None:
        raise TokenRefused("the service has no such key")
    expected = Expected(issuer, provider.service.client_id, attempt.nonce)
    return check_token(token, key, expected, request.app[SERVICES].clock())


async def _let_in(
    request: web.Request, provider: OpenIdProvider, claims: Claims, following: str
) -> web.Response:
    name = provider.service.name
    person = person_in(name, claims, request.app[SERVICES].config)
    customer = await admitted(request, person) if person else None
    if person is None or customer is None:
        reason = "no contact of the desk" if person else "the service does not vouch for the address"
        log.info("portal_sign_in_refused", service=name, reason=reason)
        return _refused(request)
    log.info("portal_signed_in", service=name, issuer=person.issuer, subject=person.subject)
    response = web.HTTPSeeOther(following)
    await begin_session(request, person, response)
    return response


def _provider(request: web.Request) -> OpenIdProvider:
    found = request.app[PORTAL].providers.get(request.match_info["service"])
    if found is None:
        raise web.HTTPNotFound
    return found


def _redirect_uri(request: web.Request, provider: OpenIdProvider) -> str:
    """Return where the service sends the browser back to; each has its own address (RFC 9700, 4.4.2)."""
    return f"{own_origin(request)}{ATTEMPT_PATH}/{provider.service.name}/answer"


def _unreachable(request: web.Request, provider: OpenIdProvider, error: ServiceUnreachable) -> web.Response:
    log.warning("portal_service_unreachable", error=str(error))
    text = UNREACHABLE.format(service=provider.service.label)
    return _page(request, PATH, text, 503)


def _refused(request: web.Request) -> web.Response:
    return page(request, "portal_refused.html", None, 403)


def _page(
    request: web.Request, following: str, message: str = "", status: int = 200, typed: str = ""
) -> web.Response:
    services = [provider.service for provider in request.app[PORTAL].providers.values()]
    values = {"services": services, "following": following, "message": message, "typed": typed}
    return page(request, "portal_sign_in.html", None, status, **values)
