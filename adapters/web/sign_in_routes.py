"""Signing in to the console by password or one-time link, and signing out."""

from __future__ import annotations

import re
from datetime import timedelta

from aiohttp import web

from adapters.web.console_pages import page
from adapters.web.form_body import read_form
from adapters.web.known_devices import KnownDevices
from adapters.web.limits import party
from adapters.web.services import SERVICES
from adapters.web.sign_in import COOKIE, begin_session, end_session, refuse_foreign, refuse_other_origins
from adapters.web.sign_in_throttle import SignInThrottle
from chatdesk.staff import AgentAccount

THROTTLE = web.AppKey("sign_in_throttle", SignInThrottle)
DEVICES = web.AppKey("known_devices", KnownDevices)
THIS_MACHINE = "this machine"
"""What its own attempts are counted by: behind a proxy that is not declared everybody's."""
MAX_PASSWORD = 1_000
BUSY = timedelta(seconds=5)
_NEXT = re.compile(
    r"/console(/tickets/[A-Za-z0-9]{1,20}-[0-9]{1,15}|/link/[A-Za-z0-9_-]{32}|/problems|/reports"
    r"|/mail(/[A-Za-z0-9_-]{1,64})?)?(\?[A-Za-z0-9=&%+._~-]{0,1000})?"
)
"""A page of the console, with what it is asked for: filters, a report's days."""


def add_routes(application: web.Application) -> None:
    """Add the pages and requests of signing in and out."""
    services = application[SERVICES]
    application[THROTTLE] = SignInThrottle()
    # Without a secret a browser is known until this process ends.
    application[DEVICES] = KnownDevices(services.secret or services.new_id())
    application.router.add_get("/console/sign-in", show_form)
    application.router.add_post("/console/sign-in", use_password)
    application.router.add_get("/console/sign-in/{secret}", show_link)
    application.router.add_post("/console/sign-in/{secret}", use_link)
    application.router.add_post("/console/sign-out", sign_out)


async def show_form(request: web.Request) -> web.Response:
    """Show the form."""
    return _form(request, next_page(request.query.get("next", "")))


async def use_password(request: web.Request) -> web.StreamResponse:
    """Sign in by e-mail address and password; every failure says and takes the same."""
    refuse_other_origins(request)
    sent = await read_form(request)
    email, password = sent.get("email", "").strip(), sent.get("password", "")
    following = next_page(sent.get("next", ""))
    if not email or not password:
        return _form(request, following, email, "Enter your e-mail address and your password.", 422)
    throttle, key = request.app[THROTTLE], email.casefold()
    network, device = party(request.remote) or THIS_MACHINE, request.app[DEVICES].find(request, key)
    if throttle.is_busy and device is None:
        text = "Many people are signing in just now. Wait a few seconds and try again."
        return _slowed(_form(request, following, email, text), BUSY)
    wait = throttle.admit(network, key, request.app[SERVICES].clock(), device)
    if wait is not None:
        minutes = -(-int(wait.total_seconds()) // 60)
        text = f"Too many attempts. Wait {minutes} minute{'s' if minutes != 1 else ''} and try again."
        return _slowed(_form(request, following, email, text), wait)
    with throttle.checking():
        account = await request.app[SERVICES].staff.check_password(email, password[:MAX_PASSWORD])
    if account is None:
        text = "This address and password do not belong together. Check both and try again."
        return _form(request, following, email, text, 401)
    throttle.succeeded(network, key, device)
    return await _signed_in(request, account, following)


async def show_link(request: web.Request) -> web.StreamResponse:
    """Show whom a one-time link signs in; that takes a button, as mail programs open links by themselves."""
    services = request.app[SERVICES]
    account = await services.staff.find_link(request.match_info["secret"], services.clock())
    if account is None:
        return _link_is_over(request)
    return page(request, "console_sign_in_link.html", technician=account.name)


async def use_link(request: web.Request) -> web.StreamResponse:
    """Sign in by a one-time link."""
    refuse_other_origins(request)
    services = request.app[SERVICES]
    account = await services.staff.use_link(request.match_info["secret"], services.clock())
    if account is None:
        return _link_is_over(request)
    return await _signed_in(request, account, "/console")


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End the session; its live connections close at once."""
    refuse_foreign(request)
    await end_session(request)
    response = web.json_response({"next": "/console/sign-in"})
    response.del_cookie(COOKIE, path="/console")
    return response


def next_page(wanted: str) -> str:
    """Return the console's page to open after signing in; anything else leads to its start."""
    return wanted if _NEXT.fullmatch(wanted) else "/console"


async def _signed_in(request: web.Request, account: AgentAccount, following: str) -> web.StreamResponse:
    response = web.HTTPSeeOther(following)
    await begin_session(request, account, response)
    request.app[DEVICES].remember(request, response, account.email, request.app[SERVICES].new_id())
    return response


def _link_is_over(request: web.Request) -> web.Response:
    text = "This sign-in link was used already or is too old. Sign in with your password instead."
    return _form(request, "/console", problem=text, status=401)


def _slowed(response: web.Response, wait: timedelta) -> web.Response:
    response.set_status(429)
    response.headers["Retry-After"] = str(int(wait.total_seconds()) + 1)
    return response


def _form(
    request: web.Request, following: str, email: str = "", problem: str = "", status: int = 200
) -> web.Response:
    shown = page(request, "console_sign_in.html", following=following, email=email[:254], problem=problem)
    shown.set_status(status)
    return shown
