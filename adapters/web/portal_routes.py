"""The customer portal: one's tickets, one ticket, and what can be done to it; no script needed [R33].

Every page and every deed reads through the signed-in customer's own reads: what they may not see answers
exactly as what does not exist [threats 28, 31].
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby

from aiohttp import web
from msgspec import Struct

from adapters.web import portal_new, portal_pages, portal_sign_in
from adapters.web.file_response import file_response
from adapters.web.form_body import form_token
from adapters.web.portal_deeds import Posted, explained, on_ticket, posted
from adapters.web.portal_files import MOST, keep, largest
from adapters.web.portal_pages import page
from adapters.web.portal_session import PORTAL, PortalServices, PortalSession, signed_in
from adapters.web.portal_view import ShownLine, show_found, show_line, show_ticket
from adapters.web.services import SERVICES
from adapters.web.text import clean
from chatdesk.errors import DeskStopped, EventRefused, NotFound, StorageError
from chatdesk.events import PortalCommented, PortalPrioritised, PortalSolved, WrittenToTicket
from chatdesk.portal import may_set_priority, path_of
from chatdesk.portal_reading import PortalTicket
from chatdesk.search import words
from chatdesk.ticket import Priority, parse_number

PAGE_SIZE = 25
MAX_SEARCH = 200
COMMENT, SOLVED, PRIORITY = "comment", "solved", "priority"
DONE = {
    COMMENT: "Your comment was added.",
    SOLVED: "Thank you. The ticket is closed; a comment opens it again.",
    PRIORITY: "The priority was changed.",
    portal_new.OPENED: "Thank you. We have your request.",
}
"""What is said after each deed."""


class Kept(Struct, frozen=True):
    """What is kept of a form that was refused: which it was, why, its text, and its own token."""

    deed: str = ""
    message: str = ""
    text: str = ""
    token: str = ""


NOTHING = Kept()


def add_routes(application: web.Application, portal: PortalServices) -> None:
    """Add the portal's pages."""
    application[PORTAL] = portal
    router = application.router
    portal_pages.add_routes(application)
    portal_sign_in.add_routes(application)
    portal_new.add_routes(application)
    router.add_get("/portal", show_list)
    router.add_get("/portal/tickets/{number}", show_one)
    router.add_post("/portal/tickets/{number}", change)
    router.add_get("/portal/tickets/{number}/files/{id}", download, allow_head=False)


async def show_list(request: web.Request) -> web.StreamResponse:
    """Show a page of the customer's tickets, or of their company's; or those of them that a search finds."""
    session = await signed_in(request)
    asked = clean(request.query.get("q", "")).strip()[:MAX_SEARCH]
    if asked:
        return await _search(request, session, asked)
    services, customer = request.app[SERVICES], session.customer
    now, after = services.clock(), request.query.get("after", "")
    found = await request.app[PORTAL].reads.tickets(customer, after, PAGE_SIZE)
    lines = [show_line(services.config, customer, line, now) for line in found.lines]
    return _list_page(request, session, lines, next=found.next, after=after)


async def _search(request: web.Request, session: PortalSession, asked: str) -> web.Response:
    services, portal, customer = request.app[SERVICES], request.app[PORTAL], session.customer
    now = services.clock()
    if not portal.searches.take(customer.address, now):
        return _list_page(request, session, (), 429, asked=asked, slow=True)
    found = await portal.search.find(customer, asked)
    lines = [show_found(services.config, customer, each, words(asked), now) for each in found.found]
    return _list_page(request, session, lines, asked=asked, cut=found.cut)


def _list_page(
    request: web.Request,
    session: PortalSession,
    lines: Sequence[ShownLine],
    status: int = 200,
    **more: object,
) -> web.Response:
    """Return the page with these lines, open tickets and past ones as they follow one another."""
    parts = [(is_open, list(group)) for is_open, group in groupby(lines, key=lambda line: line.is_open)]
    values: dict[str, object] = {"next": "", "after": "", "asked": "", "cut": False, "slow": False, **more}
    return page(request, "portal_list.html", session, status, parts=parts, count=len(lines), **values)


async def show_one(request: web.Request) -> web.StreamResponse:
    """Show a ticket."""
    session = await signed_in(request)
    found = await _find(request, session)
    return _ticket_page(request, session, found, done=DONE.get(request.query.get("done", ""), ""))


async def change(request: web.Request) -> web.StreamResponse:
    """Comment, say that it is solved, or set the priority; what is refused is said on the ticket's page."""
    async with posted(request) as form:
        return await _changed(request, form)


async def _changed(request: web.Request, form: Posted) -> web.StreamResponse:
    session, sent = form.session, form.sent.fields
    found = await _find(request, session)
    token = form_token(sent, request.app[SERVICES].new_id)
    try:
        deed, event = await _event(request, form, found, token)
        _ = await request.app[SERVICES].desk.receive(event)
    except NotFound:
        raise
    except (EventRefused, StorageError, DeskStopped) as error:
        message, status = explained(error)
        # As it is by now: it may have been refused because the ticket has changed.
        found = await _find(request, session)
        kept = Kept(sent.get("do", ""), message, sent.get("text", ""), token)
        return _ticket_page(request, session, found, kept=kept, status=status)
    return web.HTTPSeeOther(f"{path_of(request.app[SERVICES].config, found.opened)}?done={deed}")


async def download(request: web.Request) -> web.StreamResponse:
    """Hand out a file that a message on the customer's page shows; any other does not exist [threat 17]."""
    session = await signed_in(request)
    found = await _find(request, session)
    wanted = request.match_info["id"]
    shown = {file.id for message in found.messages if not message.deleted_at for file in message.files}
    file = await request.app[SERVICES].files.find(wanted) if wanted in shown else None
    if file is None or file.internal or not await asyncio.to_thread(file.path.is_file):
        raise web.HTTPNotFound
    return file_response(file, inline=False)


async def _find(request: web.Request, session: PortalSession) -> PortalTicket:
    """Return the ticket. Raises HTTPNotFound for one that is not there or not the customer's to see."""
    prefix = request.app[SERVICES].config.desk.ticket_prefix
    number = parse_number(prefix, request.match_info["number"])
    found = await request.app[PORTAL].reads.ticket(session.customer, number) if number else None
    if found is None:
        raise web.HTTPNotFound
    return found


async def _event(
    request: web.Request, form: Posted, found: PortalTicket, token: str
) -> tuple[str, WrittenToTicket]:
    """Return what a form does. Raises EventRefused for what the customer may not do or has left out."""
    customer, config, sent = form.session.customer, request.app[SERVICES].config, form.sent.fields
    by = on_ticket(request, form.session, token, found)
    match sent.get("do"):
        case "comment":
            visitor = customer.commenter if found.affected else customer.visitor
            files = await keep(request, form.sent, by["conversation"], visitor)
            return COMMENT, PortalCommented(
                **by, text=sent.get("text", ""), files=files, affected=found.affected
            )
        case "solved" if found.whole:
            return SOLVED, PortalSolved(**by)
        case "priority" if found.whole and may_set_priority(config, customer):
            return PRIORITY, PortalPrioritised(**by, priority=_priority(sent.get("priority", "")))
    raise EventRefused("This cannot be done here.", code="invalid")


def _priority(text: str) -> Priority:
    try:
        return Priority(text)
    except ValueError:
        raise EventRefused("Please choose one of the priorities.", code="invalid", field="priority") from None


def _ticket_page(
    request: web.Request,
    session: PortalSession,
    found: PortalTicket,
    *,
    done: str = "",
    kept: Kept = NOTHING,
    status: int = 200,
) -> web.Response:
    services = request.app[SERVICES]
    values = {
        "ticket": show_ticket(services.config, session.customer, found, services.clock()),
        "done": done,
        "wrong": kept.deed,
        "message": kept.message,
        "text": kept.text,
        "token": kept.token or services.new_id(),
        "most_files": MOST,
        "largest": largest(request),
    }
    return page(request, "portal_ticket.html", session, status, **values)
