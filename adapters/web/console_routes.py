"""The console: its one page, its files, and the requests behind it."""

from __future__ import annotations

from aiohttp import web

from adapters.web import console_actions, console_calls, console_lists, console_ticket, sign_in_routes
from adapters.web.console_pages import page, static_file, theme
from adapters.web.presence import PRESENCE, Presence
from adapters.web.services import SERVICES
from adapters.web.session_watch import add_session_watch
from adapters.web.sign_in import csrf_token, signed_in_or_led
from adapters.web.staff_socket import staff_socket


def add_routes(application: web.Application) -> None:
    """Add everything the console serves."""
    services = application[SERVICES]
    application[PRESENCE] = Presence(services.sockets, services.facts)
    add_session_watch(application, services)
    sign_in_routes.add_routes(application)
    application.router.add_get("/console/socket", staff_socket)
    application.router.add_get("/console", show_console)
    application.router.add_get("/console/tickets/{number}", show_console)
    application.router.add_get("/console/problems", show_console)
    application.router.add_get("/console/theme.css", theme)
    application.router.add_get("/console/static/{name}", static_file)
    for part in (console_lists, console_ticket, console_actions, console_calls):
        part.add_routes(application)


async def show_console(request: web.Request) -> web.StreamResponse:
    """Serve the page to who is signed in, and lead everybody else to the form."""
    _ = await signed_in_or_led(request)
    return page(request, "console.html", csrf=csrf_token(request))
