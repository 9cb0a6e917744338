"""Who is signed in to the customer portal: the session's cookie, and the token that its forms carry [R32]."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct, field

from adapters.web.openid_provider import OpenIdProvider
from adapters.web.services import SERVICES
from adapters.web.sign_in import refuse_other_origins
from chatdesk.config import Config
from chatdesk.portal import PortalCustomer, customer_of, is_listed
from chatdesk.portal_reading import PortalReads, PortalSearch
from chatdesk.portal_sessions import PortalSessions, SignedInPerson
from chatdesk.rate_limit import RateLimit

COOKIE = "chatdesk_portal"
PATH = "/portal"
SESSION_LENGTH = timedelta(hours=12)
_TEN_MINUTES = timedelta(minutes=10)
_PAGES = re.compile(r"/portal(/new|/tickets/[A-Za-z0-9]{1,10}-[0-9]{1,15}|\?q=[A-Za-z0-9%+._~*-]{1,600})?")


class PortalServices(Struct, frozen=True):
    """What the portal's pages work with besides the web's own services.

    ``attempts`` counts by network address how often somebody signs in, ``deeds`` by person what they write,
    and ``searches`` how often they search.
    """

    providers: Mapping[str, OpenIdProvider]
    reads: PortalReads
    search: PortalSearch
    sessions: PortalSessions
    attempts: RateLimit = field(default_factory=lambda: RateLimit(30, _TEN_MINUTES))
    deeds: RateLimit = field(default_factory=lambda: RateLimit(60, _TEN_MINUTES))
    searches: RateLimit = field(default_factory=lambda: RateLimit(120, _TEN_MINUTES))


PORTAL = web.AppKey("portal", PortalServices)


class PortalSession(Struct, frozen=True):
    """A signed-in browser: whose it is, and the token of its forms."""

    customer: PortalCustomer
    csrf: str


async def signed_in(request: web.Request) -> PortalSession:
    """Return who is signed in. Raises HTTPSeeOther to the page on which nobody is yet."""
    found = await find_session(request)
    if found is None:
        here = request.path_qs if "q" in request.query else request.path
        raise web.HTTPSeeOther(f"{PATH}/sign-in?next={quote(here)}")
    return found


async def find_session(request: web.Request) -> PortalSession | None:
    """Return who is signed in, None for nobody and for whom the desk no longer lets in."""
    secret = _secret(request)
    now = request.app[SERVICES].clock()
    person = await request.app[PORTAL].sessions.person(secret, now) if secret else None
    customer = await admitted(request, person) if person else None
    return PortalSession(customer, _csrf(secret)) if customer else None


async def admitted(request: web.Request, person: SignedInPerson) -> PortalCustomer | None:
    """Return the customer, if the desk knows the address as a contact's own [R32]; else None."""
    config: Config = request.app[SERVICES].config
    customer = customer_of(config, person.address, person.name)
    known = is_listed(customer) or await request.app[PORTAL].reads.is_contact(customer.address)
    return customer if known else None


async def begin_session(request: web.Request, person: SignedInPerson, response: web.StreamResponse) -> None:
    """End the session that the browser brought along, begin a fresh one, hand its cookie out [threat 25]."""
    await end_session(request)
    now = request.app[SERVICES].clock()
    secret = await request.app[PORTAL].sessions.begin(person, now, now + SESSION_LENGTH)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_LENGTH.total_seconds()),
        httponly=True,
        # Lax, so that a link to a ticket opens it; nothing is changed on the strength of the cookie alone.
        samesite="Lax",
        secure=request.secure,
        path=PATH,
    )


async def end_session(request: web.Request) -> None:
    """End the request's session, if it has one."""
    secret = _secret(request)
    if secret:
        await request.app[PORTAL].sessions.end(secret)


def refuse_foreign(request: web.Request, session: PortalSession, given: str) -> None:
    """Raise HTTPForbidden unless a form was sent by a page of this session: its token, and its origin."""
    if not given.isascii() or not hmac.compare_digest(given, session.csrf):
        raise web.HTTPForbidden(text="This page is out of date. Go back, reload it and try again.")
    refuse_other_origins(request)


def next_page(wanted: str) -> str:
    """Return the portal's page to open after signing in; anything else leads to its start."""
    return wanted if _PAGES.fullmatch(wanted) else PATH


def _secret(request: web.Request) -> str:
    secret = request.cookies.get(COOKIE, "")
    return secret if secret.isascii() else ""


def _csrf(secret: str) -> str:
    """Return the session's token: another site can have the cookie sent, but cannot know this."""
    return hashlib.sha256(b"chatdesk portal csrf " + secret.encode()).hexdigest()
