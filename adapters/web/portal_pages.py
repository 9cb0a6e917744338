"""The portal's pages as they are laid out: one template each, no script, a strict policy."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from aiohttp import web

from adapters.web.colour import theme_sheet
from adapters.web.demo_routes import PAGES
from adapters.web.portal_session import PortalSession, find_session
from adapters.web.services import SERVICES
from chatdesk.config import Config
from chatdesk.maintenance import announced

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def add_routes(application: web.Application) -> None:
    """Add the pages' style sheets."""
    application.router.add_get("/portal/portal.css", _style)
    application.router.add_get("/portal/theme.css", _theme)


def page(
    request: web.Request, template: str, session: PortalSession | None, status: int = 200, **values: object
) -> web.Response:
    """Return a page from a template; every value is escaped."""
    config, now = request.app[SERVICES].config, request.app[SERVICES].clock()
    shared = {
        "desk": config.desk,
        "session": session,
        "here": request.path,
        "links": _links(config) if session else [],
        "maintenance": announced(config, now) if session else [],
    }
    text = PAGES.get_template(template).render(**shared, **values)
    headers = {"Content-Security-Policy": POLICY}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _links(config: Config) -> list[tuple[str, str]]:
    """Return the desk's own links, its words and the address of each [R33]."""
    links = config.links
    known = [("Invoices", links.invoices), ("Book a meeting", links.meeting), ("Remote help", links.remote)]
    others = [(name.replace("_", " ").capitalize(), address) for name, address in links.others.items()]
    return [(label, address) for label, address in [*known, *others] if address]


async def _style(_request: web.Request) -> web.StreamResponse:
    headers = {"Cache-Control": "no-cache"}
    return web.Response(text=_sheet(), content_type="text/css", headers=headers)


@cache
def _sheet() -> str:
    return files("adapters.web").joinpath("static", "portal.css").read_text(encoding="utf-8")


async def _theme(request: web.Request) -> web.StreamResponse:
    """Serve the colour of the customer's company as custom properties, or the desk's [R34]."""
    session = await find_session(request)
    company = session.customer.company if session else None
    colour = company.colour if company and company.colour else request.app[SERVICES].config.desk.colour
    text = theme_sheet(colour)
    return web.Response(text=text, content_type="text/css", headers={"Cache-Control": "private, no-cache"})
