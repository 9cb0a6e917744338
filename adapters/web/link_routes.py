"""Linking an account of another service to the technician who is signed in, by a one-time code."""

from __future__ import annotations

from aiohttp import web

from adapters.web.console_pages import page
from adapters.web.form_body import read_form
from adapters.web.services import SERVICES
from adapters.web.sign_in import (
    csrf_token,
    refuse_other_origins,
    refuse_wrong_token,
    signed_in,
    signed_in_or_led,
)
from chatdesk.account_links import AccountLinks, PendingLink
from chatdesk.staff import SignedIn

LINKS = web.AppKey("account_links", AccountLinks)
SERVICES_BY_PROVIDER = {"slack": "Slack", "teams": "Microsoft Teams"}
GONE = "This code was used already or is too old. Ask for a new one where you got it."


def add_routes(application: web.Application, links: AccountLinks) -> None:
    """Add the page that shows what would be linked, and its confirmation."""
    application[LINKS] = links
    application.router.add_get("/console/link/{code}", show)
    application.router.add_post("/console/link/{code}", confirm)


async def show(request: web.Request) -> web.StreamResponse:
    """Show which account would be linked to whom; opening the page alone links nothing."""
    staff = await signed_in_or_led(request)
    now = request.app[SERVICES].clock()
    pending = await request.app[LINKS].pending(request.match_info["code"], now)
    return _page(request, staff, pending, done=False)


async def confirm(request: web.Request) -> web.StreamResponse:
    """Link the account to the technician who is signed in."""
    staff = await signed_in(request)
    refuse_other_origins(request)
    refuse_wrong_token(request, (await read_form(request)).get("csrf", ""))
    now = request.app[SERVICES].clock()
    linked = await request.app[LINKS].confirm(request.match_info["code"], staff.account.id, now)
    return _page(request, staff, linked, done=True)


def _page(
    request: web.Request, staff: SignedIn, pending: PendingLink | None, *, done: bool
) -> web.StreamResponse:
    service = SERVICES_BY_PROVIDER.get(pending.provider, pending.provider) if pending else ""
    response = page(
        request,
        "console_link.html",
        service=service,
        account=pending.name if pending else "",
        technician=staff.account.name,
        done="yes" if done else "",
        problem="" if pending else GONE,
        csrf=csrf_token(request),
    )
    if pending is None:
        response.set_status(410)
    return response
