"""The demonstration website: a small company's page with the widget on it."""

from __future__ import annotations

from importlib.resources import files

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from adapters.web.phone_links import dialled, pieces
from adapters.web.services import SERVICES

PAGES = Environment(
    loader=PackageLoader("adapters.web", "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
PAGES.filters.update(dialled=dialled, pieces=pieces)
POLICY = (
    "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


def add_routes(application: web.Application) -> None:
    """Add the demonstration website, if this desk is a demonstration."""
    if not application[SERVICES].demo:
        return
    application.router.add_get("/demo", _page)
    application.router.add_get("/demo/after-hours", _after_hours)
    application.router.add_get("/demo/site.css", _style)
    application.router.add_get("/demo/icon.svg", _icon)


async def _page(request: web.Request) -> web.StreamResponse:
    return _website(request, "desk")


async def _after_hours(request: web.Request) -> web.StreamResponse:
    return _website(request, "after-hours")


def _website(request: web.Request, widget: str) -> web.Response:
    config = request.app[SERVICES].config
    text = PAGES.get_template("demo.html").render(
        widget=widget,
        desk=config.desk,
        channels=config.ways_in,
        colour=config.desk.colour,
    )
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": POLICY})


async def _style(_request: web.Request) -> web.StreamResponse:
    text = files("adapters.web").joinpath("static", "demo.css").read_text(encoding="utf-8")
    return web.Response(text=text, content_type="text/css", headers={"Cache-Control": "no-cache"})


async def _icon(_request: web.Request) -> web.StreamResponse:
    text = files("adapters.web").joinpath("static", "demo.svg").read_text(encoding="utf-8")
    return web.Response(text=text, content_type="image/svg+xml", headers={"Cache-Control": "no-cache"})
