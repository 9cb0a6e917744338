"""The desk's bare address, typed or shortened by somebody: it leads to where a person can do something."""

from __future__ import annotations

from aiohttp import web

from adapters.web import form_routes
from adapters.web.services import SERVICES
from chatdesk.open_ways import refusal


def add_routes(application: web.Application) -> None:
    """Add the desk's first page."""
    application.router.add_get("/", lead_on)


async def lead_on(request: web.Request) -> web.StreamResponse:
    """Lead to the demonstration website or to the form. Raises HTTPNotFound where there is neither."""
    services = request.app[SERVICES]
    if services.demo:
        raise web.HTTPSeeOther("/demo")
    if refusal(services.config, form_routes.CHANNEL):
        raise web.HTTPNotFound
    raise web.HTTPSeeOther("/form")
