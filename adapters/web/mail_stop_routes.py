"""The page behind "No more updates on this ticket by mail"; one click from a mail program too (RFC 8058)."""

from __future__ import annotations

from aiohttp import web

from adapters.web.console_pages import page
from adapters.web.form_body import read_form
from adapters.web.services import SERVICES
from chatdesk.mail_tokens import MailTokens
from chatdesk.mail_updates import MailUpdates
from chatdesk.ticket import TicketNumber, format_number

PATH = "/mail/stop/{address}/{token}"
_TOKENS = web.AppKey("mail_tokens", MailTokens)
_UPDATES: web.AppKey[MailUpdates] = web.AppKey("mail_updates")


def add_routes(application: web.Application, tokens: MailTokens, updates: MailUpdates) -> None:
    """Add the page."""
    application[_TOKENS] = tokens
    application[_UPDATES] = updates
    _ = application.router.add_get(PATH, ask)
    _ = application.router.add_post(PATH, stop)


async def ask(request: web.Request) -> web.Response:
    """Ask; a link that is merely followed, as mail filters do, changes nothing."""
    return _page(request, _ticket(request), stopped=False)


async def stop(request: web.Request) -> web.Response:
    """Send this address no more updates of the ticket, or send them again."""
    number = _ticket(request)
    updates, address = request.app[_UPDATES], _address(request)
    if (await read_form(request)).get("again"):
        await updates.resume(number, address)
        return _page(request, number, stopped=False)
    await updates.stop(number, address, request.app[SERVICES].clock())
    return _page(request, number, stopped=True)


def _page(request: web.Request, number: TicketNumber, *, stopped: bool) -> web.Response:
    name = format_number(request.app[SERVICES].config.desk.ticket_prefix, number)
    return page(
        request, "mail_stop.html", ticket=name, address=_address(request), stopped="yes" if stopped else ""
    )


def _ticket(request: web.Request) -> TicketNumber:
    number = request.app[_TOKENS].stops(request.match_info["token"], _address(request))
    if number is None:
        raise web.HTTPNotFound(text="This link is not complete. Copy it from the mail again.")
    return number


def _address(request: web.Request) -> str:
    return request.match_info["address"].lower()[:254]
